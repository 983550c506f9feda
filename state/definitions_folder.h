// The folder of further definition files: what is in it, and whether that changed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace state {

// Azure has some dozens of definitions for registries; a folder with more files is another folder.
inline constexpr std::size_t kMaxDefinitionFiles = 200;
inline constexpr std::size_t kMaxDefinitionBytes = std::size_t{1} << 20;

// For one thread.
class DefinitionsFolder {
 public:
  explicit DefinitionsFolder(std::string folder) : folder_(std::move(folder)) {}  // "": none

  // Looks at the folder again. True when a file was added, removed or changed, and at the first call.
  bool Poll();

  // Of the last Poll: the content of every *.json file by its path, or why it could not be read. Names that begin with a
  // dot are left out: Kubernetes keeps a volume's versions under such.
  const std::map<std::string, base::Result<std::string>>& files() const { return contents_; }
  const std::optional<base::Error>& error() const { return error_; }  // the folder itself could not be read

 private:
  std::string folder_;
  std::map<std::string, base::WatchedFile> watched_;
  std::map<std::string, base::Result<std::string>> contents_;
  std::optional<base::Error> error_;
  bool first_ = true;
};

}  // namespace state
