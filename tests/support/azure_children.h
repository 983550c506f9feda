// The child resources of the fake Azure's registries: tokens, cache rules, …
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "http/client.h"
#include "tests/support/azure_call.h"

namespace support {

// A whole body of Resource Manager's: ChildBody(id, "tokens", "ci", {{"status", "enabled"}}).
nlohmann::json ChildBody(const std::string& registry_id, const std::string& kind, const std::string& name,
                         const nlohmann::json& properties = nlohmann::json::object());

// Whether that api-version has children of that kind, lower-case. Stable ones got them one after the other, previews have all.
bool HasChildren(std::string_view api_version, std::string_view kind);

// For one thread at a time. Ids are found in any case.
class AzureChildren {
 public:
  // Replaces one of the same id.
  void Put(nlohmann::json body);
  bool Erase(const std::string& id);
  void EraseAllOf(const std::string& registry_id);

  // GET …/registries/{name}/{kind} of a registry that is there.
  http::Response Answer(const AzureCall& call, std::size_t page) const;

 private:
  std::map<std::string, nlohmann::json> children_;  // by id, lower-case
};

}  // namespace support
