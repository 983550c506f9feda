#include "cli/client_ca.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "base/file.h"
#include "base/openssl.h"

namespace cli {
namespace {

constexpr std::size_t kMaxClientCa = 1 << 20;  // some hundreds of certificates

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

base::Result<std::string> ReadClientCa(const std::string& file) {
  base::Result<std::string> pem = base::ReadFile(file, kMaxClientCa);
  if (!pem) {
    return pem;
  }
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  std::size_t certificates = 0;
  const base::OpenSslErrors errors;
  while (std::unique_ptr<X509, FreeCertificate>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) != nullptr) {
    ++certificates;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates == 0 || !at_end) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      file + ": certificate " + std::to_string(certificates + 1) + " is no PEM certificate",
                      "expected the CA certificates that sign client certificates, and nothing else");
  }
  return pem;
}

}  // namespace cli
