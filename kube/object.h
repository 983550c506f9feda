// Reading members of objects that come from outside: what is absent or of another type counts as not there.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kube {

// `object` may be any JSON value.
std::string TextOf(const nlohmann::json& object, const char* member);                // "" when there is none
bool IsTrue(const nlohmann::json& object, const char* member);                       // false when there is none
std::vector<std::string> TextsOf(const nlohmann::json& object, const char* member);  // of a list; other items are left out
nlohmann::json MetadataOf(const nlohmann::json& object);                             // {} when there is none

}  // namespace kube
