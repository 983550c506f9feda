#include "certs/identity.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/openssl.h"
#include "base/text.h"

namespace certs {
namespace {

using base::ErrorCode;

// NIST SP 800-131A; Go's TLS, which is the API server's, refuses less as well.
constexpr int kMinRsaBits = 2048;

// A chain that a client would follow is 2 to 4 long.
constexpr std::size_t kMaxChain = 16;

constexpr std::size_t kMaxSubjectBytes = 256;

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};

std::unique_ptr<BIO, Free> Reader(std::string_view text) {
  constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;  // far above any chain; BIO lengths are int
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(std::min(text.size(), kMaxPemBytes))));
}

std::shared_ptr<X509> Own(X509* certificate) { return {certificate, X509_free}; }

base::Result<void> ReadCertificates(std::string_view pem, Identity& identity) {
  const auto bio = Reader(pem);
  identity.leaf = Own(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!identity.leaf) {
    return base::Fail(ErrorCode::kInvalidArgument, "the certificate is no PEM certificate", "give the leaf first, then its intermediates");
  }
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (!identity.chain) {
      identity.chain =
          std::shared_ptr<STACK_OF(X509)>(sk_X509_new_null(), [](STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); });
    }
    if (sk_X509_push(identity.chain.get(), next) == 0) {
      X509_free(next);
      return base::Fail(ErrorCode::kInternal, "the certificate's chain could not be kept");
    }
    if (static_cast<std::size_t>(sk_X509_num(identity.chain.get())) > kMaxChain) {
      return base::Fail(ErrorCode::kInvalidArgument, "the certificate's chain is longer than " + std::to_string(kMaxChain),
                        "give only the leaf and its intermediates");
    }
  }
  // The end of the text is an error too: "no start line". Any other is a certificate that is broken.
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return base::Fail(ErrorCode::kInvalidArgument, "a certificate after the first cannot be read",
                      "give the leaf first, then its intermediates");
  }
  ERR_clear_error();
  return {};
}

base::Result<void> ReadKey(std::string_view pem, Identity& identity) {
  const auto bio = Reader(pem);
  bool encrypted = false;
  identity.key = std::shared_ptr<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, base::RefusePassphrase, &encrypted), EVP_PKEY_free);
  if (encrypted) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is encrypted", "give it without a passphrase");
  }
  if (!identity.key) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is no PEM private key");
  }
  if (EVP_PKEY_get_base_id(identity.key.get()) == EVP_PKEY_RSA && EVP_PKEY_get_bits(identity.key.get()) < kMinRsaBits) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is RSA of " + std::to_string(EVP_PKEY_get_bits(identity.key.get())) + " bits",
                      "use ECDSA P-256, or RSA of at least " + std::to_string(kMinRsaBits) + " bits");
  }
  if (X509_check_private_key(identity.leaf.get(), identity.key.get()) != 1) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is not the certificate's",
                      "give the key that the first certificate was made for; while both are being replaced this passes by itself");
  }
  return {};
}

std::optional<base::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(parts.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return base::Time(std::chrono::sys_days(date)) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

std::string Subject(X509* certificate) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return base::Printable(std::string_view(data, static_cast<std::size_t>(size)), kMaxSubjectBytes);
}

std::string Fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return {};
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 0xf];
  }
  return text;
}

bool HasAlternativeName(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  return names && sk_GENERAL_NAME_num(names.get()) > 0;
}

}  // namespace

base::Result<std::shared_ptr<const Identity>> ParseIdentity(std::string_view certificate_pem, std::string_view key_pem) {
  const base::OpenSslErrors errors;
  auto identity = std::make_shared<Identity>();
  if (auto read = ReadCertificates(certificate_pem, *identity); !read) {
    return tl::unexpected<base::Error>(std::move(read.error()));
  }
  if (auto read = ReadKey(key_pem, *identity); !read) {
    return tl::unexpected<base::Error>(std::move(read.error()));
  }
  if (!HasAlternativeName(identity->leaf.get())) {
    return base::Fail(ErrorCode::kInvalidArgument,
                      "the certificate has no subject alternative name, and the API server ignores the common name",
                      "issue it with the DNS name <service>.<namespace>.svc");
  }
  const std::optional<base::Time> not_before = ToTime(X509_get0_notBefore(identity->leaf.get()));
  const std::optional<base::Time> not_after = ToTime(X509_get0_notAfter(identity->leaf.get()));
  if (!not_before || !not_after) {
    return base::Fail(ErrorCode::kInvalidArgument, "the certificate's validity cannot be read");
  }
  identity->not_before = *not_before;
  identity->not_after = *not_after;
  identity->subject = Subject(identity->leaf.get());
  identity->fingerprint = Fingerprint(identity->leaf.get());
  return identity;
}

}  // namespace certs
