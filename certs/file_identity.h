// The serving identity from two files, reloaded when their content changes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/snapshot.h"
#include "certs/identity.h"

namespace certs {

// Load and Poll from one thread; identities and problem from any.
class FileIdentity {
 public:
  FileIdentity(std::string certificate_file, std::string key_file, base::Log log);

  base::Result<void> Load();  // the first one must succeed

  // Looks whether a file changed. A pair that is bad, or half written (key and certificate do not match), is reported once
  // and the old identity stays. Both files are read again whenever either changed: a Secret volume swaps both at once, a
  // person copies one after the other.
  void Poll();

  const base::Snapshot<Identity>& identities() const { return identities_; }
  std::optional<std::string> problem() const EXCLUDES(mutex_);  // why the newest files were refused, if they were

 private:
  // Reads both files afresh: what Poll read of them may be of different moments. Null when their content is what is published.
  base::Result<std::shared_ptr<const Identity>> Read(std::string* digest) const;
  void SetProblem(std::optional<std::string> problem) EXCLUDES(mutex_);

  base::WatchedFile certificate_;
  base::WatchedFile key_;
  const base::Log log_;
  base::Snapshot<Identity> identities_;
  std::string published_;  // digest of the files behind the published identity
  bool retry_ = false;     // the last read failed
  mutable base::Mutex mutex_;
  std::optional<std::string> problem_ GUARDED_BY(mutex_);
};

}  // namespace certs
