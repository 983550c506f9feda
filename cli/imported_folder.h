// The folder that `definitions import` keeps: a policy file, definition files, and the list of those that it made.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace cli {

// Lines as sha256sum writes them, so that `sha256sum -c` tells what was changed by hand since.
inline constexpr const char* kImportList = "imported.sha256";

class ImportedFolder {
 public:
  // Looks at what is there, and changes nothing. An error where something would be overwritten that no import has made.
  static base::Result<ImportedFolder> Open(std::string folder);

  std::string policy_file() const { return folder_ + "/policy.yaml"; }
  std::string definitions_folder() const { return folder_ + "/definitions"; }

  // What the definitions folder will hold, by path: `definitions` (by file name) and what others have put there. An error where
  // one of these has such a name.
  base::Result<std::map<std::string, base::Result<std::string>>> FilesWith(const std::map<std::string, std::string>& definitions) const;

  struct Changes {
    std::size_t added = 0, changed = 0, removed = 0, unchanged = 0;  // definition files
    bool policy_changed = false;
    std::vector<std::string> kept;  // files that are no longer imported, but were changed by hand
  };
  // Writes what differs and removes what an earlier import made and this one does not; each file whole or not at all, and in an
  // order in which a policy never names a definition that is not there.
  base::Result<Changes> Write(const std::map<std::string, std::string>& definitions, const std::string& policy) const;

 private:
  explicit ImportedFolder(std::string folder) : folder_(std::move(folder)) {}
  base::Result<void> WriteList(const std::map<std::string, std::string>& digests) const;

  std::string folder_;
  std::map<std::string, std::string> made_;  // by file name: digests of what the last import wrote
};

}  // namespace cli
