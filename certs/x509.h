// Certificates and private keys in PEM form, as this room needs them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/result.h"
#include "base/time.h"

namespace certs {

// Immutable, cheap to copy, safe for concurrent use (OpenSSL objects are only read).
struct Certificate {
  std::shared_ptr<X509> x509;
  std::string pem;          // written by us: two texts of one certificate are one here
  std::string fingerprint;  // SHA-256, hex
  base::Time not_before{};
  base::Time not_after{};

  bool ValidAt(base::Time now) const { return not_before <= now && now < not_after; }
};

// All that stand in `pem`, in their order, and nothing else in it but text between them. An error for none, for more than `most`,
// and for one that is broken.
base::Result<std::vector<Certificate>> ReadCertificates(std::string_view pem, std::size_t most);

// An error for what is none, or encrypted. The text is never part of a message.
base::Result<std::shared_ptr<EVP_PKEY>> ReadPrivateKey(std::string_view pem);

base::Result<Certificate> MakeCertificate(std::shared_ptr<X509> x509);
base::Result<std::string> WritePrivateKey(const EVP_PKEY* key);  // PKCS #8, unencrypted

// For a person: printable and bounded.
std::string SubjectOf(const X509* certificate);
// The DNS names among its subject alternative names.
std::vector<std::string> DnsNamesOf(const X509* certificate);
bool HasAlternativeName(const X509* certificate);

// May sign certificates: basicConstraints CA:TRUE, and keyUsage, where there is one, with certSign.
bool IsAuthority(const X509* certificate);
// By name, key identifier and signature; validity is not looked at.
bool IsIssuedBy(const X509* certificate, const X509* authority);

}  // namespace certs
