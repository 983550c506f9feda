// What the API server refuses of objects, as far as it matters to us.
#pragma once

#include <string>

#include "tests/support/kubernetes_call.h"

namespace support {

// What is wrong with `after`, as it would be stored; "" for nothing. `before` is null for a new object.
std::string WhatIsInvalid(const KubernetesResource& type, const nlohmann::json& before, const nlohmann::json& after);

}  // namespace support
