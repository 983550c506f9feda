#include "azure/client_assertion.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/json_writer.h"
#include "base/openssl.h"

namespace azure {
namespace {

using base::ErrorCode;

// RFC 7518, section 3.5.
constexpr int kMinRsaBits = 2048;

// Entra has no limit; its documentation asks for five to ten minutes.
constexpr std::chrono::seconds kLifetime = std::chrono::minutes(10);

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

struct Signer {
  Owned<X509> certificate;
  Owned<EVP_PKEY> key;
};

Owned<BIO> Reader(std::string_view text) { return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

base::Result<Signer> ReadSigner(std::string_view pem) {
  Signer signer;
  signer.certificate.reset(PEM_read_bio_X509(Reader(pem).get(), nullptr, nullptr, nullptr));
  if (!signer.certificate) {
    return base::Fail(ErrorCode::kInvalidArgument, "it holds no PEM certificate",
                      "write certificate and key into one file, as `az ad sp create-for-rbac --create-cert` does");
  }
  bool encrypted = false;
  signer.key.reset(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, base::RefusePassphrase, &encrypted));
  if (!signer.key) {
    return encrypted ? base::Fail(ErrorCode::kInvalidArgument, "its key is encrypted", "give it without a passphrase")
                     : base::Fail(ErrorCode::kInvalidArgument, "it holds no PEM private key",
                                  "write certificate and key into one file, as `az ad sp create-for-rbac --create-cert` does");
  }
  if (EVP_PKEY_get_base_id(signer.key.get()) != EVP_PKEY_RSA) {
    return base::Fail(ErrorCode::kInvalidArgument, "its key is not RSA, and Entra takes no other", "make the certificate with an RSA key");
  }
  if (EVP_PKEY_get_bits(signer.key.get()) < kMinRsaBits) {
    return base::Fail(ErrorCode::kInvalidArgument, "its key is RSA of " + std::to_string(EVP_PKEY_get_bits(signer.key.get())) + " bits",
                      "make the certificate with at least " + std::to_string(kMinRsaBits));
  }
  if (X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    return base::Fail(ErrorCode::kInvalidArgument, "its key is not that of its first certificate",
                      "write the registered certificate first, its key, and then any intermediates");
  }
  return signer;
}

// RFC 4648, section 5, without padding.
std::string Base64Url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) {
      text += kDigits[(bits >> (count - 6)) & 0x3f];
    }
  }
  if (count > 0) {
    text += kDigits[(bits << (6 - count)) & 0x3f];
  }
  return text;
}

std::string Bytes(const unsigned char* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

std::string Thumbprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  return X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1 ? Base64Url(Bytes(digest.data(), size)) : std::string();
}

std::string UniqueId() {
  std::array<unsigned char, 16> random{};
  return RAND_bytes(random.data(), static_cast<int>(random.size())) == 1 ? Base64Url(Bytes(random.data(), random.size())) : std::string();
}

// RSASSA-PSS with SHA-256 everywhere and a salt of the digest's length (RFC 7518, section 3.5); "" when it failed.
std::string SignPs256(EVP_PKEY* key, std::string_view text) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // the context's
  const auto* const data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, key) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1) {
    return {};
  }
  std::vector<unsigned char> signature(size);
  return EVP_DigestSign(context.get(), signature.data(), &size, data, text.size()) == 1 ? Bytes(signature.data(), size) : std::string();
}

}  // namespace

base::Result<std::string> SignAssertion(std::string_view pem, std::string_view audience, std::string_view client_id, base::Time now) {
  const base::OpenSslErrors errors;
  const auto signer = ReadSigner(pem);
  if (!signer) {
    return tl::unexpected(signer.error());
  }
  const std::string thumbprint = Thumbprint(signer->certificate.get());
  const std::string id = UniqueId();
  if (thumbprint.empty() || id.empty()) {
    return base::Fail(ErrorCode::kInternal, "OpenSSL gave no digest or no random numbers");
  }
  std::string header;
  base::JsonWriter(header).BeginObject().Key("alg").String("PS256").Key("typ").String("JWT").Key("x5t#S256").String(thumbprint).EndObject();
  const auto issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  std::string claims;
  base::JsonWriter writer(claims);
  writer.BeginObject().Key("aud").String(audience).Key("iss").String(client_id).Key("sub").String(client_id).Key("jti").String(id);
  writer.Key("iat").Int(issued.count()).Key("nbf").Int(issued.count()).Key("exp").Int((issued + kLifetime).count()).EndObject();
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  const std::string signature = SignPs256(signer->key.get(), text);
  if (signature.empty()) {
    return base::Fail(ErrorCode::kInternal, "OpenSSL could not sign with its key");
  }
  return text + "." + Base64Url(signature);
}

}  // namespace azure
