// The serving identity: a certificate chain and its private key.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/result.h"
#include "base/time.h"

namespace certs {

// Immutable; shared by every handshake that uses it. Safe for concurrent use (OpenSSL objects are only read).
struct Identity {
  std::shared_ptr<X509> leaf;
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<STACK_OF(X509)> chain;  // intermediates, may be null
  base::Time not_before{};
  base::Time not_after{};
  std::string subject;
  std::string fingerprint;  // SHA-256 of the leaf, hex
};

// PEM texts. Refused: garbage, a key that does not match, an RSA key under 2048 bits, a certificate without any subject
// alternative name (the API server ignores the common name). Expired or not yet valid is no error (serving with it beats
// not serving), but `Identity` tells. The key is never part of a message.
base::Result<std::shared_ptr<const Identity>> ParseIdentity(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace certs
