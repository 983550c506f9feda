#include "certs/file_identity.h"

#include <cstddef>
#include <utility>

namespace certs {
namespace {

// A chain with its intermediates is a few KiB.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

}  // namespace

FileIdentity::FileIdentity(std::string certificate_file, std::string key_file, base::Log log)
    : certificate_(std::move(certificate_file), kMaxFileBytes), key_(std::move(key_file), kMaxFileBytes), log_(std::move(log)) {}

base::Result<std::shared_ptr<const Identity>> FileIdentity::Read(std::string* digest) const {
  auto certificate = base::ReadFile(certificate_.path(), kMaxFileBytes);
  if (!certificate) {
    return tl::unexpected<base::Error>(std::move(certificate.error()));
  }
  auto key = base::ReadFile(key_.path(), kMaxFileBytes);
  if (!key) {
    return tl::unexpected<base::Error>(std::move(key.error()));
  }
  *digest = base::Sha256(*certificate) + base::Sha256(*key);
  if (*digest == published_) {
    return nullptr;
  }
  auto identity = ParseIdentity(*certificate, *key);
  if (!identity) {
    identity.error().message = certificate_.path() + ", " + key_.path() + ": " + identity.error().message;
  }
  return identity;
}

base::Result<void> FileIdentity::Load() {
  // What is watched from now on is noted before the files are read: a change in between is seen by the next Poll.
  certificate_.Poll();
  key_.Poll();
  std::string digest;
  auto identity = Read(&digest);
  if (!identity) {
    return tl::unexpected<base::Error>(std::move(identity.error()));
  }
  published_ = std::move(digest);
  identities_.Publish(std::move(*identity));
  return {};
}

void FileIdentity::Poll() {
  identities_.Collect();
  const bool certificate_changed = certificate_.Poll().has_value();
  const bool key_changed = key_.Poll().has_value();
  if (!certificate_changed && !key_changed && !retry_) {
    return;
  }
  std::string digest;
  auto identity = Read(&digest);
  retry_ = !identity;  // what cannot be read now may be readable at the next Poll, with nothing about the file changed
  if (!identity) {
    std::string text = identity.error().ToString();
    if (problem() != text) {
      log_(base::LogLevel::kError, "certificate not reloaded, the old one stays in use: " + text);
    }
    SetProblem(std::move(text));
    return;
  }
  SetProblem(std::nullopt);
  if (*identity == nullptr) {
    return;
  }
  log_(base::LogLevel::kInfo,
       "certificate reloaded: " + (*identity)->subject + ", valid until " + base::FormatTimeSeconds((*identity)->not_after));
  published_ = std::move(digest);
  identities_.Publish(std::move(*identity));
}

std::optional<std::string> FileIdentity::problem() const {
  base::MutexLock lock(mutex_);
  return problem_;
}

void FileIdentity::SetProblem(std::optional<std::string> problem) {
  base::MutexLock lock(mutex_);
  problem_ = std::move(problem);
}

}  // namespace certs
