// What is found of a registry, for those who look after it: all of it, whatever `messages` says.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "policy/verdict.h"

namespace cli {

// [{"field", "actual", "expected"}], with actual values as the JSON that they are.
nlohmann::json EvidenceRows(const policy::Finding& finding);

// "publicNetworkAccess is "Enabled", expected Disabled; …", and the reason where there is one. "" where nothing is to be said.
std::string ReasonText(const policy::Finding& finding);

}  // namespace cli
