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

base::Result<void> AddCertificates(X509_STORE* store, const std::string& pem, const std::string& file) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::size_t added = 0;
  while (bio) {
    const std::unique_ptr<X509, Free<X509_free>> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
      break;
    }
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      return NoContext("adding a certificate of " + file);
    }
    ++added;
  }
  // The end of the file is "no start line"; anything else is a certificate that is damaged.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (added == 0 || !at_end) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      file + ": " + (added == 0 ? "holds no certificate" : "certificate " + std::to_string(added + 1) + " is damaged"),
                      "give a file of PEM certificates of certificate authorities");
  }
  return {};
}

base::Result<std::shared_ptr<SSL_CTX>> MakeContext(SystemTrust system, const std::optional<std::string>& pem, const std::string& file) {
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
  if (system == SystemTrust::kUsed && SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return NoContext("reading the system's certificate authorities");
  }
  if (pem) {
    if (const auto added = AddCertificates(SSL_CTX_get_cert_store(context.get()), *pem, file); !added) {
      return tl::unexpected(added.error());
    }
  }
  ERR_clear_error();
  return context;
}

}  // namespace

TlsTrust::TlsTrust(const std::string& ca_file, SystemTrust system) : system_(system), file_(ca_file, kMaxCaBytes) {}

base::Result<std::unique_ptr<TlsTrust>> TlsTrust::Create(const std::string& ca_file, SystemTrust system) {
  if (ca_file.empty() && system == SystemTrust::kNotUsed) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "no certificate authority is trusted", "name a CA file");
  }
  std::unique_ptr<TlsTrust> trust(new TlsTrust(ca_file, system));
  base::MutexLock lock(trust->mutex_);
  std::optional<std::string> pem;
  if (!ca_file.empty()) {
    auto change = trust->file_.Poll();
    if (!change->content) {
      return tl::unexpected(change->content.error());
    }
    pem = *std::move(change->content);
  }
  auto context = MakeContext(system, pem, ca_file);
  if (!context) {
    return tl::unexpected(context.error());
  }
  trust->context_ = *std::move(context);
  return trust;
}

std::shared_ptr<SSL_CTX> TlsTrust::Context() {
  base::MutexLock lock(mutex_);
  if (!file_.path().empty()) {
    if (const auto change = file_.Poll(); change && change->content) {
      if (auto context = MakeContext(system_, *change->content, file_.path())) {
        context_ = *std::move(context);
      }
    }
  }
  return context_;
}

}  // namespace http
