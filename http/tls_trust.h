// Whom the client believes. Verification has no switch: it is always on.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace http {

enum class SystemTrust { kUsed, kNotUsed };

// The context for outgoing TLS: 1.2 and later, the system's certificate authorities (where OpenSSL finds them: SSL_CERT_FILE
// and SSL_CERT_DIR count) and those of a PEM file, which is read again when it changes. Safe for concurrent use.
class TlsTrust {
 public:
  // `ca_file` "" for none, which needs the system's.
  static base::Result<std::unique_ptr<TlsTrust>> Create(const std::string& ca_file, SystemTrust system);

  // Of the file as it is now. While it cannot be read or holds nothing usable, of what it last held: a file that is being
  // written must not cut us off.
  std::shared_ptr<SSL_CTX> Context() EXCLUDES(mutex_);

 private:
  TlsTrust(const std::string& ca_file, SystemTrust system);

  const SystemTrust system_;
  base::Mutex mutex_;
  base::WatchedFile file_ GUARDED_BY(mutex_);
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

}  // namespace http
