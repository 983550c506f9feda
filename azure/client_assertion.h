// The JWT by which the holder of a certificate's key says who it is.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace azure {

// Signed with PS256, the certificate named by its SHA-256 thumbprint, good for ten minutes from `now`. The first certificate
// in `pem` is the one that is registered; the key must be its own, RSA and without a passphrase. No error holds any of `pem`.
base::Result<std::string> SignAssertion(std::string_view pem, std::string_view audience, std::string_view client_id, base::Time now);

}  // namespace azure
