// How the server speaks TLS. One TlsContext for each io thread: nothing in a handshake is shared between threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/result.h"
#include "base/snapshot.h"
#include "certs/identity.h"

namespace webhook {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

// For one thread, but for Create.
class TlsContext {
 public:
  // `client_ca_pem` "": client certificates are not asked for.
  static base::Result<std::unique_ptr<TlsContext>> Create(const base::Snapshot<certs::Identity>& identities,
                                                          std::string_view client_ca_pem);

  // For one connection; null when memory is short. The certificate is the newest identity's at the time of the handshake.
  SslPtr NewSession();

  // Lets go of an identity that was replaced.
  void Refresh() { identity_.Get(); }

  bool asks_for_client_certificate() const { return asks_for_client_certificate_; }

 private:
  explicit TlsContext(const base::Snapshot<certs::Identity>& identities) : identity_(identities) {}
  base::Result<void> TrustClientCa(std::string_view pem);
  static int ChooseCertificate(SSL* ssl, void* self);

  base::Snapshot<certs::Identity>::Reader identity_;
  std::unique_ptr<SSL_CTX, SslDeleter> context_;
  bool asks_for_client_certificate_ = false;
};

// The subject of the certificate that the client presented and that the client CA signed, in RFC 2253's form; "" for no
// certificate and for an untrusted one. An untrusted certificate does not fail the handshake: the client would read a
// TLS alert, not what is wrong.
std::string VerifiedClient(SSL* ssl);

}  // namespace webhook
