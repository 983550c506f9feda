// Reads what a client signs to log in with its certificate, apart from the code that signs it.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace support {

// "" when `jwt` is an assertion as Entra wants it: signed with the key of the certificate (PS256, x5t#S256), for that audience
// and client, and good now. Else what is wrong with it.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
std::string FaultOfAssertion(std::string_view jwt, const std::string& certificate_pem, const std::string& audience,
                             const std::string& client_id, base::Time now);

}  // namespace support
