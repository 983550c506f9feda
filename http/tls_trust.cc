#include "http/tls_trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/openssl.h"

namespace http {
namespace {

// The whole of Mozilla's bundle is about 220 KiB.
constexpr std::size_t kMaxCaBytes = std::size_t{4} << 20;

// How messages call what no file brought.
constexpr const char* kGivenAuthorities = "the certificate authorities";

template <auto function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    function(pointer);
  }
};

tl::unexpected<base::Error> NoContext(std::string_view what) {
  return base::Fail(base::ErrorCode::kInternal, std::string(what) + ": " + base::TakeOpenSslError());
}

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

Bio Reader(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// What ends the certificates of a text: its end is "no start line", anything else is a certificate that is damaged.
bool TakeEnd() {
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return at_end;
}

base::Result<void> AddCertificates(X509_STORE* store, const std::string& pem, const std::string& source) {
  const Bio bio = Reader(pem);
  std::size_t added = 0;
  while (bio) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
      break;
    }
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      return NoContext("adding a certificate of " + source);
    }
    ++added;
  }
  const bool at_end = TakeEnd();
  if (added == 0 || !at_end) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      source + ": " + (added == 0 ? "holds no certificate" : "certificate " + std::to_string(added + 1) + " is damaged"),
                      "give PEM certificates of certificate authorities");
  }
  return {};
}

tl::unexpected<base::Error> BadIdentity(std::string what) {
  ERR_clear_error();
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(what),
                    "give a PEM certificate, its intermediates after it, and its key without a passphrase");
}

base::Result<void> UseClientCertificate(SSL_CTX* context, const std::string& certificate_pem, const std::string& key_pem) {
  if (certificate_pem.empty() || key_pem.empty()) {
    return BadIdentity(certificate_pem.empty() ? "a client key without its certificate" : "a client certificate without its key");
  }
  const Bio bio = Reader(certificate_pem);
  const Certificate leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf) {
    return BadIdentity("the client certificate is no PEM certificate");
  }
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> chain(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); });
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (sk_X509_push(chain.get(), next.get()) == 0) {
      return NoContext("keeping the client certificate's chain");
    }
    next.release();
  }
  if (!TakeEnd()) {
    return BadIdentity("an intermediate of the client certificate is damaged");
  }
  bool encrypted = false;
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key(
      PEM_read_bio_PrivateKey(Reader(key_pem).get(), nullptr, base::RefusePassphrase, &encrypted));
  if (!key) {
    return BadIdentity(encrypted ? "the client key is encrypted" : "the client key is no PEM private key");
  }
  if (SSL_CTX_use_cert_and_key(context, leaf.get(), key.get(), chain.get(), 1) != 1) {
    return BadIdentity("the client key is not the client certificate's");
  }
  return {};
}

// `file_pem` is what the CA file held, where there is one.
base::Result<std::shared_ptr<SSL_CTX>> MakeContext(const TlsSettings& settings, const std::optional<std::string>& file_pem) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), [](SSL_CTX* pointer) { SSL_CTX_free(pointer); });
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return NoContext("preparing TLS");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp11.data(), kHttp11.size());
  if (settings.system == SystemTrust::kUsed && SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return NoContext("reading the system's certificate authorities");
  }
  if (file_pem) {
    if (const auto added = AddCertificates(SSL_CTX_get_cert_store(context.get()), *file_pem, settings.ca_file); !added) {
      return tl::unexpected(added.error());
    }
  }
  if (!settings.ca_pem.empty()) {
    if (const auto added = AddCertificates(SSL_CTX_get_cert_store(context.get()), settings.ca_pem, kGivenAuthorities); !added) {
      return tl::unexpected(added.error());
    }
  }
  if (!settings.client_certificate_pem.empty() || !settings.client_key_pem.empty()) {
    if (const auto used = UseClientCertificate(context.get(), settings.client_certificate_pem, settings.client_key_pem); !used) {
      return tl::unexpected(used.error());
    }
  }
  ERR_clear_error();
  return context;
}

}  // namespace

TlsTrust::TlsTrust(TlsSettings settings) : settings_(std::move(settings)), file_(settings_.ca_file, kMaxCaBytes) {}

base::Result<std::unique_ptr<TlsTrust>> TlsTrust::Create(TlsSettings settings) {
  if (settings.ca_file.empty() && settings.ca_pem.empty() && settings.system == SystemTrust::kNotUsed) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "no certificate authority is trusted", "name a CA file");
  }
  std::unique_ptr<TlsTrust> trust(new TlsTrust(std::move(settings)));
  base::MutexLock lock(trust->mutex_);
  std::optional<std::string> file_pem;
  if (!trust->settings_.ca_file.empty()) {
    auto change = trust->file_.Poll();
    if (!change->content) {
      return tl::unexpected(change->content.error());
    }
    file_pem = *std::move(change->content);
  }
  auto context = MakeContext(trust->settings_, file_pem);
  if (!context) {
    return tl::unexpected(context.error());
  }
  trust->context_ = *std::move(context);
  return trust;
}

std::shared_ptr<SSL_CTX> TlsTrust::Context() {
  base::MutexLock lock(mutex_);
  if (!settings_.ca_file.empty()) {
    if (const auto change = file_.Poll(); change && change->content) {
      if (auto context = MakeContext(settings_, *change->content)) {
        context_ = *std::move(context);
      }
    }
  }
  return context_;
}

}  // namespace http
