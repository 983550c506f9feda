// What is found of a registry, as every command writes it for those who look after it: all of it, whatever `messages` says.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "policy/verdict.h"

namespace cli {

Style StyleOf(policy::FindingResult result);

// Of a text that holds JSON; one that was cut is no JSON any more and becomes a string.
nlohmann::json JsonOrText(const std::string& text);

// [{"field", "actual", "expected"}], with actual values as the JSON that they are.
nlohmann::json EvidenceRows(const std::vector<policy::Evidence>& evidence);

// "publicNetworkAccess is "Enabled", expected Disabled; …", and the reason where there is one. "" where nothing is to be said.
std::string ReasonText(const policy::Finding& finding);

}  // namespace cli
