#include "webhook/tls_context.h"

#include <algorithm>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/openssl.h"
#include "base/text.h"

namespace webhook {
namespace {

constexpr std::size_t kMaxSubject = 256;  // bytes that a record keeps of a client's name

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

// HTTP/1.1 alone: the API server speaks nothing else to a service. A client that names only others is refused by TLS.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered, unsigned offered_length,
                   void*) {
  static constexpr std::string_view kHttp11 = "http/1.1";
  // A list of names, each after its length; OpenSSL has checked that the lengths add up.
  for (unsigned i = 0; i < offered_length; i += 1u + offered[i]) {
    if (std::equal(kHttp11.begin(), kHttp11.end(), offered + i + 1, offered + i + 1 + offered[i])) {
      *chosen = offered + i + 1;
      *length = offered[i];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Never fails the handshake. That it did not verify is kept in the session's application data, since the verify result may
// be overwritten while the rest of the chain is looked at.
int KeepVerdict(int verified, X509_STORE_CTX* store) {
  if (verified == 0) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    SSL_set_app_data(ssl, ssl);  // any non-null value: untrusted
  }
  return 1;
}

}  // namespace

base::Result<std::unique_ptr<TlsContext>> TlsContext::Create(const base::Snapshot<certs::Identity>& identities,
                                                             std::string_view client_ca_pem) {
  std::unique_ptr<TlsContext> self(new TlsContext(identities));
  self->context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = self->context_.get();
  // TLS 1.2 with forward secrecy and authenticated encryption alone; TLS 1.3 has nothing else.
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) {
    return base::Fail(base::ErrorCode::kInternal, "TLS cannot be set up: " + base::TakeOpenSslError());
  }
  // The API server never resumes, and a resumed session would skip the client's certificate.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // An idle connection keeps no buffers; a record's head and body are read by one call.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  SSL_CTX_set_cert_cb(context, ChooseCertificate, self.get());
  if (!client_ca_pem.empty()) {
    if (auto trusted = self->TrustClientCa(client_ca_pem); !trusted) {
      return tl::unexpected(trusted.error());
    }
  }
  return self;
}

base::Result<void> TlsContext::TrustClientCa(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int certificates = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate);
    SSL_CTX_add_client_CA(context_.get(), certificate);
    X509_free(certificate);
    ++certificates;
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (certificates == 0 || !at_end) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      "the client CA's certificate " + std::to_string(certificates + 1) + " cannot be read: " + base::TakeOpenSslError(),
                      "give one or more certificates in PEM form");
  }
  ERR_clear_error();
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, KeepVerdict);
  asks_for_client_certificate_ = true;
  return {};
}

SslPtr TlsContext::NewSession() { return SslPtr(SSL_new(context_.get())); }

int TlsContext::ChooseCertificate(SSL* ssl, void* self) {
  const auto& identity = static_cast<TlsContext*>(self)->identity_.Get();
  if (!identity) {
    return 0;
  }
  return SSL_use_cert_and_key(ssl, identity->leaf.get(), identity->key.get(), identity->chain.get(), /*override=*/1);
}

std::string VerifiedClient(SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_app_data(ssl) != nullptr) {
    return {};
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return length > 0 ? base::Printable(std::string_view(text, static_cast<std::size_t>(length)), kMaxSubject) : "(no subject)";
}

}  // namespace webhook
