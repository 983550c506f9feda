// Objects as JSON. Reading members of those that come from outside: what is absent or of another type counts as not there.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kube {

// `object` may be any JSON value.
std::string TextOf(const nlohmann::json& object, const char* member);                // "" when there is none
bool IsTrue(const nlohmann::json& object, const char* member);                       // false when there is none
std::vector<std::string> TextsOf(const nlohmann::json& object, const char* member);  // of a list; other items are left out

// In `object`, which has to outlive what is made of them.
const nlohmann::json& MetadataOf(const nlohmann::json& object);                    // {} when there is none
const nlohmann::json& MemberOf(const nlohmann::json& object, const char* member);  // null when there is none
std::string ResourceVersionOf(const nlohmann::json& object);                       // "" when there is none

// One of the core group to be written: `metadata` as it was read, or of one to be made what it shall have.
nlohmann::json NamedObject(const char* kind, nlohmann::json metadata, const std::string& namespace_name, const std::string& name);
// To be made: one that was deleted after it was read may be made again, without what the API server gave the other.
nlohmann::json MadeAnew(nlohmann::json object);

}  // namespace kube
