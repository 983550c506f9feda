#include "tests/support/signed_assertion.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace support {
namespace {

using nlohmann::json;

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// RFC 4648, section 5, without padding; nothing when it is not that.
std::optional<std::string> DecodeBase64Url(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 0xff);
    }
  }
  return bytes;
}

json DecodeObject(std::string_view part) {
  const auto text = DecodeBase64Url(part);
  auto object = text ? base::ParseJson(*text, "assertion") : base::Fail(base::ErrorCode::kInvalidArgument, "");
  return object && object->is_object() ? *std::move(object) : json::object();
}

bool HasThumbprint(const X509* certificate, std::string_view encoded) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const auto given = DecodeBase64Url(encoded);
  return X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1 && given &&
         *given == std::string_view(reinterpret_cast<const char*>(digest.data()), size);
}

bool IsSignature(X509* certificate, std::string_view text, std::string_view signature) {
  const Owned<EVP_PKEY> key(X509_get_pubkey(certificate));
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // the context's
  return EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

std::string Text(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

std::int64_t Seconds(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number_integer() ? member->get<std::int64_t>() : 0;
}

}  // namespace

std::string FaultOfAssertion(std::string_view jwt, const std::string& certificate_pem, const std::string& audience,
                             const std::string& client_id, base::Time now) {
  const Owned<BIO> bio(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    return "no certificate is registered";
  }
  const std::size_t first = jwt.find('.');
  const std::size_t second = jwt.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) {
    return "it has no three parts";
  }
  const json header = DecodeObject(jwt.substr(0, first));
  const json claims = DecodeObject(jwt.substr(first + 1, second - first - 1));
  const auto signature = DecodeBase64Url(jwt.substr(second + 1));
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (Text(header, "alg") != "PS256" || Text(header, "typ") != "JWT") {
    return "its alg or typ";
  }
  if (!HasThumbprint(certificate.get(), Text(header, "x5t#S256"))) {
    return "its x5t#S256";
  }
  if (Text(claims, "aud") != audience) {
    return "its aud";
  }
  if (Text(claims, "iss") != client_id || Text(claims, "sub") != client_id) {
    return "its iss or sub";
  }
  if (Text(claims, "jti").empty()) {
    return "its jti";
  }
  if (Seconds(claims, "nbf") > seconds || Seconds(claims, "exp") <= seconds) {
    return "its nbf or exp";
  }
  return signature && IsSignature(certificate.get(), jwt.substr(0, second), *signature) ? "" : "its signature";
}

}  // namespace support
