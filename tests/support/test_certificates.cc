#include "tests/support/test_certificates.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace support {
namespace {

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// A failure here is of the test's own machinery: there is nothing to go on with.
void Check(bool ok, std::string_view what) {
  if (!ok) {
    std::cerr << "test certificates: " << what << " failed\n";
    ERR_print_errors_fp(stderr);
    std::abort();
  }
}

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Owned<EVP_PKEY> MakeKey(KeyKind kind) {
  Owned<EVP_PKEY> key;
  switch (kind) {
    case KeyKind::kP256:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
      break;
    case KeyKind::kRsa2048:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
      break;
    case KeyKind::kRsa1024:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
      break;
  }
  Check(key != nullptr, "key generation");
  return key;
}

Owned<X509> ReadCertificate(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  Check(certificate != nullptr, "reading a certificate");
  return certificate;
}

Owned<EVP_PKEY> ReadKey(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  Check(key != nullptr, "reading a key");
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  Check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "an extension");
}

std::string AlternativeNames(const CertificateOptions& options) {
  std::string names;
  const auto add = [&names](std::string_view kind, const std::string& name) {
    names.append(names.empty() ? "" : ",").append(kind).append(name);
  };
  for (const std::string& name : options.dns) {
    add("DNS:", name);
  }
  for (const std::string& ip : options.ips) {
    add("IP:", ip);
  }
  return names;
}

// `issuer` null: signs itself.
TestCertificate Make(const CertificateOptions& options, bool is_ca, const TestCertificate* issuer) {
  const Owned<EVP_PKEY> key = MakeKey(options.key);
  const Owned<X509> issuer_certificate = issuer != nullptr ? ReadCertificate(issuer->certificate_pem) : nullptr;
  const Owned<EVP_PKEY> issuer_key = issuer != nullptr ? ReadKey(issuer->key_pem) : nullptr;

  const Owned<X509> certificate(X509_new());
  Check(certificate != nullptr, "X509_new");
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  Check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "a serial number");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), static_cast<long>(options.not_before.count()));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), static_cast<long>(options.not_after.count()));
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0);
  X509* const signer = issuer_certificate ? issuer_certificate.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));

  AddExtension(certificate.get(), signer, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  AddExtension(certificate.get(), signer, NID_key_usage, is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  AddExtension(certificate.get(), signer, NID_subject_key_identifier, "hash");
  if (issuer_certificate) {
    AddExtension(certificate.get(), signer, NID_authority_key_identifier, "keyid:always");
  }
  if (!is_ca) {
    AddExtension(certificate.get(), signer, NID_ext_key_usage, "serverAuth,clientAuth");
  }
  if (const std::string names = AlternativeNames(options); !names.empty()) {
    AddExtension(certificate.get(), signer, NID_subject_alt_name, names);
  }
  Check(X509_sign(certificate.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0, "signing");

  const Owned<BIO> certificate_pem(BIO_new(BIO_s_mem()));
  const Owned<BIO> key_pem(BIO_new(BIO_s_mem()));
  Check(PEM_write_bio_X509(certificate_pem.get(), certificate.get()) == 1, "writing a certificate");
  Check(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "writing a key");
  return {Content(certificate_pem.get()), Content(key_pem.get())};
}

CertificateOptions Named(const std::string& common_name) {
  CertificateOptions options;
  options.common_name = common_name;
  return options;
}

}  // namespace

CertificateOptions ForLoopback() {
  CertificateOptions options;
  options.dns = {"localhost"};
  options.ips = {"127.0.0.1", "::1"};
  return options;
}

TestCertificate MakeCa(const std::string& common_name) { return Make(Named(common_name), true, nullptr); }

TestCertificate MakeIntermediate(const TestCertificate& ca, const std::string& common_name) { return Make(Named(common_name), true, &ca); }

TestCertificate MakeLeaf(const TestCertificate& ca, const CertificateOptions& options) { return Make(options, false, &ca); }

TestCertificate MakeSelfSigned(const CertificateOptions& options) { return Make(options, false, nullptr); }

}  // namespace support
