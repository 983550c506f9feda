#include "certs/identity.h"

#include <iterator>
#include <utility>
#include <vector>

#include "base/openssl.h"
#include "certs/x509.h"

namespace certs {
namespace {

using base::ErrorCode;

// NIST SP 800-131A; Go's TLS, which is the API server's, refuses less as well.
constexpr int kMinRsaBits = 2048;

// A chain that a client would follow is 2 to 4 long.
constexpr std::size_t kMaxChain = 16;

base::Result<void> CheckKey(const Identity& identity) {
  EVP_PKEY* const key = identity.key.get();
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < kMinRsaBits) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is RSA of " + std::to_string(EVP_PKEY_get_bits(key)) + " bits",
                      "use ECDSA P-256, or RSA of at least " + std::to_string(kMinRsaBits) + " bits");
  }
  if (X509_check_private_key(identity.leaf.get(), key) != 1) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is not the certificate's",
                      "give the key that the first certificate was made for; while both are being replaced this passes by itself");
  }
  return {};
}

base::Result<void> KeepChain(const std::vector<Certificate>& certificates, Identity& identity) {
  if (certificates.size() == 1) {
    return {};
  }
  identity.chain = std::shared_ptr<STACK_OF(X509)>(sk_X509_new_null(), [](STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); });
  for (auto next = std::next(certificates.begin()); next != certificates.end(); ++next) {
    if (X509_up_ref(next->x509.get()) != 1 || sk_X509_push(identity.chain.get(), next->x509.get()) == 0) {
      return base::Fail(ErrorCode::kInternal, "the certificate's chain could not be kept");
    }
  }
  return {};
}

}  // namespace

base::Result<std::shared_ptr<const Identity>> ParseIdentity(std::string_view certificate_pem, std::string_view key_pem) {
  const base::OpenSslErrors errors;
  auto certificates = ReadCertificates(certificate_pem, 1 + kMaxChain);
  if (!certificates) {
    return base::Fail(ErrorCode::kInvalidArgument, "the certificate cannot be used: " + certificates.error().message,
                      "give the leaf first, then its intermediates");
  }
  auto key = ReadPrivateKey(key_pem);
  if (!key) {
    return tl::unexpected<base::Error>(std::move(key.error()));
  }
  const Certificate& leaf = certificates->front();
  auto identity = std::make_shared<Identity>();
  identity->leaf = leaf.x509;
  identity->key = *std::move(key);
  if (auto checked = CheckKey(*identity); !checked) {
    return tl::unexpected<base::Error>(std::move(checked.error()));
  }
  if (!HasAlternativeName(leaf.x509.get())) {
    return base::Fail(ErrorCode::kInvalidArgument,
                      "the certificate has no subject alternative name, and the API server ignores the common name",
                      "issue it with the DNS name <service>.<namespace>.svc");
  }
  if (auto kept = KeepChain(*certificates, *identity); !kept) {
    return tl::unexpected<base::Error>(std::move(kept.error()));
  }
  identity->not_before = leaf.not_before;
  identity->not_after = leaf.not_after;
  identity->subject = SubjectOf(leaf.x509.get());
  identity->fingerprint = leaf.fingerprint;
  return identity;
}

}  // namespace certs
