#include "certs/x509.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/openssl.h"
#include "base/text.h"

namespace certs {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxSubjectBytes = 256;

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
using BioPtr = std::unique_ptr<BIO, Free>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free>;

BioPtr Reader(std::string_view text) {
  constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;  // far above any chain; BIO lengths are int
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(std::min(text.size(), kMaxPemBytes))));
}

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
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

std::string FingerprintOf(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return {};
  }
  return base::ToHex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

NamesPtr AlternativeNames(const X509* certificate) {
  return NamesPtr(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

}  // namespace

base::Result<Certificate> MakeCertificate(std::shared_ptr<X509> x509) {
  const std::optional<base::Time> not_before = ToTime(X509_get0_notBefore(x509.get()));
  const std::optional<base::Time> not_after = ToTime(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after) {
    return base::Fail(ErrorCode::kInvalidArgument, "the certificate's validity cannot be read");
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  Certificate certificate{std::move(x509), "", "", *not_before, *not_after};
  certificate.fingerprint = FingerprintOf(certificate.x509.get());
  if (certificate.fingerprint.empty() || PEM_write_bio_X509(bio.get(), certificate.x509.get()) != 1) {
    return base::Fail(ErrorCode::kInternal, "a certificate cannot be written: " + base::TakeOpenSslError());
  }
  certificate.pem = Content(bio.get());
  return certificate;
}

base::Result<std::vector<Certificate>> ReadCertificates(std::string_view pem, std::size_t most) {
  const base::OpenSslErrors errors;
  const BioPtr bio = Reader(pem);
  std::vector<Certificate> certificates;
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    auto certificate = MakeCertificate(std::shared_ptr<X509>(next, X509_free));
    if (!certificate) {
      return tl::unexpected(std::move(certificate.error()));
    }
    certificates.push_back(*std::move(certificate));
    if (certificates.size() > most) {
      return base::Fail(ErrorCode::kInvalidArgument, "there are more than " + std::to_string(most) + " certificates");
    }
  }
  // The end of the text is an error too: "no start line". Any other is a certificate that is broken.
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return base::Fail(ErrorCode::kInvalidArgument, "certificate " + std::to_string(certificates.size() + 1) + " cannot be read");
  }
  if (certificates.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "there is no PEM certificate");
  }
  return certificates;
}

base::Result<std::shared_ptr<EVP_PKEY>> ReadPrivateKey(std::string_view pem) {
  const base::OpenSslErrors errors;
  const BioPtr bio = Reader(pem);
  bool encrypted = false;
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, base::RefusePassphrase, &encrypted), EVP_PKEY_free);
  if (encrypted) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is encrypted", "give it without a passphrase");
  }
  if (!key) {
    return base::Fail(ErrorCode::kInvalidArgument, "the key is no PEM private key");
  }
  return key;
}

base::Result<std::string> WritePrivateKey(const EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));  // wiped when it is freed
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return base::Fail(ErrorCode::kInternal, "a private key cannot be written: " + base::TakeOpenSslError());
  }
  return Content(bio.get());
}

std::string SubjectOf(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  return base::Printable(Content(bio.get()), kMaxSubjectBytes);
}

std::vector<std::string> DnsNamesOf(const X509* certificate) {
  const NamesPtr names = AlternativeNames(certificate);
  std::vector<std::string> texts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      const ASN1_IA5STRING* text = name->d.dNSName;
      texts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
    }
  }
  return texts;
}

bool HasAlternativeName(const X509* certificate) {
  const NamesPtr names = AlternativeNames(certificate);
  return names && sk_GENERAL_NAME_num(names.get()) > 0;
}

bool IsAuthority(const X509* certificate) {
  auto* x509 = const_cast<X509*>(certificate);  // it caches what its extensions mean, under a lock
  return X509_check_ca(x509) == 1 && (X509_get_key_usage(x509) & KU_KEY_CERT_SIGN) != 0;
}

bool IsIssuedBy(const X509* certificate, const X509* authority) {
  const base::OpenSslErrors errors;
  auto* issued = const_cast<X509*>(certificate);
  auto* issuer = const_cast<X509*>(authority);
  return X509_check_issued(issuer, issued) == X509_V_OK && X509_verify(issued, X509_get0_pubkey(issuer)) == 1;
}

}  // namespace certs
