// Whom the client believes, and who it says it is. Verification has no switch: it is always on.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace http {

enum class SystemTrust { kUsed, kNotUsed };

// Each text is PEM, "" for none. All authorities that are given are believed.
struct TlsSettings {
  std::string ca_file{};  // read again when it changes
  std::string ca_pem{};
  SystemTrust system = SystemTrust::kUsed;  // where OpenSSL finds them: SSL_CERT_FILE and SSL_CERT_DIR count
  // Shown to a server that asks for one: the leaf first, then its intermediates. The key, not encrypted, is secret.
  std::string client_certificate_pem{};
  std::string client_key_pem{};
};

// The context for outgoing TLS, 1.2 and later. Safe for concurrent use.
class TlsTrust {
 public:
  // Refused: no authority at all, and a client certificate or key that is none, or one without the other. No error repeats the key.
  static base::Result<std::unique_ptr<TlsTrust>> Create(TlsSettings settings);

  // Of the CA file as it is now. While it cannot be read or holds nothing usable, of what it last held: a file that is being
  // written must not cut us off.
  std::shared_ptr<SSL_CTX> Context() EXCLUDES(mutex_);

 private:
  explicit TlsTrust(TlsSettings settings);

  const TlsSettings settings_;
  base::Mutex mutex_;
  base::WatchedFile file_ GUARDED_BY(mutex_);
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

}  // namespace http
