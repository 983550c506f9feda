#include "certs/authority.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/openssl.h"

namespace certs {
namespace {

using base::ErrorCode;
using std::chrono::microseconds;

constexpr const char* kOrganization = "acr-admission";
// Of a common name, by X.520. A longer DNS name is in the alternative names alone, which are what counts.
constexpr std::size_t kMaxCommonName = 64;
// 159 bits: RFC 5280 allows 20 bytes, and a positive number.
constexpr std::size_t kSerialBytes = 20;

struct Free {
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};

tl::unexpected<base::Error> Failure(const char* what) {
  return base::Fail(ErrorCode::kInternal, std::string(what) + " failed: " + base::TakeOpenSslError());
}

std::shared_ptr<EVP_PKEY> MakeKey() { return {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free}; }

bool SetSerial(X509* certificate, const std::array<unsigned char, kSerialBytes>& serial) {
  const std::unique_ptr<BIGNUM, Free> number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetTimes(X509* certificate, base::Time from, base::Time to) {
  const auto seconds = [](base::Time time) {
    return static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(to)) != nullptr;
}

bool AddName(X509* certificate, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()), -1, 0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// All but names, extensions and signature.
std::shared_ptr<X509> Begin(EVP_PKEY* key, const std::array<unsigned char, kSerialBytes>& serial, base::Time from, base::Time to) {
  std::shared_ptr<X509> made(X509_new(), X509_free);
  const bool begun = made && X509_set_version(made.get(), X509_VERSION_3) == 1 && SetSerial(made.get(), serial) &&
                     SetTimes(made.get(), from, to) && X509_set_pubkey(made.get(), key) == 1;
  return begun ? made : nullptr;
}

// Random, positive, and of full length: two of these are never the same.
bool RandomSerial(std::array<unsigned char, kSerialBytes>& serial) {
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) {
    return false;
  }
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);
  return true;
}

}  // namespace

base::Result<Authority> MakeAuthority(base::Time now, microseconds validity) {
  const base::OpenSslErrors errors;
  Authority authority;
  authority.key = MakeKey();
  std::array<unsigned char, kSerialBytes> serial{};
  if (!authority.key || !RandomSerial(serial)) {
    return Failure("making a key");
  }
  const std::shared_ptr<X509> made = Begin(authority.key.get(), serial, now - kBackdate, now + validity);
  X509* const x509 = made.get();
  const std::string name = "acr-admission CA " + base::FormatTimeSeconds(now) + " " +
                           base::ToHex(std::string_view(reinterpret_cast<const char*>(serial.data()), 8));
  if (!made || !AddName(x509, "O", kOrganization) || !AddName(x509, "CN", name) ||
      X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 ||
      !AddExtension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(x509, x509, NID_subject_key_identifier, "hash") ||
      !AddExtension(x509, x509, NID_authority_key_identifier, "keyid:always") || X509_sign(x509, authority.key.get(), EVP_sha256()) == 0) {
    return Failure("making a certificate authority");
  }
  auto certificate = MakeCertificate(made);
  auto key_pem = WritePrivateKey(authority.key.get());
  if (!certificate || !key_pem) {
    return tl::unexpected(certificate ? key_pem.error() : certificate.error());
  }
  authority.certificate = *std::move(certificate);
  authority.key_pem = *std::move(key_pem);
  return authority;
}

base::Result<Authority> ReadAuthority(const std::string& certificate_pem, const std::string& key_pem) {
  auto certificates = ReadCertificates(certificate_pem, 1);
  if (!certificates) {
    return tl::unexpected(std::move(certificates.error()));
  }
  auto key = ReadPrivateKey(key_pem);
  if (!key) {
    return tl::unexpected(std::move(key.error()));
  }
  const base::OpenSslErrors errors;
  if (!IsAuthority(certificates->front().x509.get())) {
    return base::Fail(ErrorCode::kInvalidArgument, "the certificate is no certificate authority's");
  }
  if (X509_check_private_key(certificates->front().x509.get(), key->get()) != 1) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is not the certificate's");
  }
  return Authority{std::move(certificates->front()), *std::move(key), key_pem};
}

base::Result<KeyPair> IssueLeaf(const Authority& authority, const std::vector<std::string>& names, base::Time now, microseconds validity) {
  const base::OpenSslErrors errors;
  const std::shared_ptr<EVP_PKEY> key = MakeKey();
  std::array<unsigned char, kSerialBytes> serial{};
  if (!key || !RandomSerial(serial)) {
    return Failure("making a key");
  }
  std::string alternatives;
  for (const std::string& name : names) {
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  }
  const base::Time end = std::min(now + validity, authority.certificate.not_after);
  const std::shared_ptr<X509> made = Begin(key.get(), serial, std::max(now - kBackdate, authority.certificate.not_before), end);
  X509* const x509 = made.get();
  X509* const issuer = authority.certificate.x509.get();
  if (!made || names.empty() || !AddName(x509, "O", kOrganization) ||
      !AddName(x509, "CN", names.front().size() <= kMaxCommonName ? names.front() : kOrganization) ||
      X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
      !AddExtension(x509, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(x509, issuer, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(x509, issuer, NID_ext_key_usage, "serverAuth") || !AddExtension(x509, issuer, NID_subject_alt_name, alternatives) ||
      !AddExtension(x509, issuer, NID_subject_key_identifier, "hash") ||
      !AddExtension(x509, issuer, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(x509, authority.key.get(), EVP_sha256()) == 0) {
    return Failure("issuing a certificate");
  }
  auto certificate = MakeCertificate(made);
  auto key_pem = WritePrivateKey(key.get());
  if (!certificate || !key_pem) {
    return tl::unexpected(certificate ? key_pem.error() : certificate.error());
  }
  return KeyPair{std::move(certificate->pem), *std::move(key_pem)};
}

base::Time RenewalOf(base::Time not_before, base::Time not_after) {
  const base::Time made = not_before + kBackdate;
  return not_after - std::max<microseconds>((not_after - made) / 3, kRenewalMargin);
}

}  // namespace certs
