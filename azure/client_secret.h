// An application's secret, from a file or from the environment.
#pragma once

#include <string>

#include "azure/entra_source.h"

namespace azure {

// Read at every exchange: secrets are rotated in place.
Prove ClientSecretFile(std::string file);

Prove ClientSecretText(std::string secret);

}  // namespace azure
