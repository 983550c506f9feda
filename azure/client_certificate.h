// An application's certificate: it signs an assertion for each exchange, and its key never leaves the machine.
#pragma once

#include <string>

#include "azure/entra_source.h"
#include "base/clock.h"

namespace azure {

// `file` is PEM with the certificate and its key, in any order; read at every exchange. `audience` is the token URL.
Prove ClientCertificate(std::string file, std::string audience, std::string client_id, const base::Clock& clock);

}  // namespace azure
