#include "tests/support/azure_children.h"

#include <charconv>
#include <utility>

#include "base/text.h"
#include "http/url.h"
#include "tests/support/azure_answers.h"
#include "tests/support/registry_bodies.h"

namespace support {

using nlohmann::json;

json ChildBody(const std::string& registry_id, const std::string& kind, const std::string& name, const json& properties) {
  json body = {{"id", registry_id + "/" + kind + "/" + name},
               {"name", name},
               {"type", "Microsoft.ContainerRegistry/registries/" + kind},
               {"properties", {{"provisioningState", "Succeeded"}}}};
  body["properties"].merge_patch(properties);
  return body;
}

// By the folders of Azure/azure-rest-api-specs.
bool HasChildren(std::string_view api_version, std::string_view kind) {
  const std::string_view since = kind == "tokens" || kind == "scopemaps"            ? "2022-12-01"
                                 : kind == "cacherules" || kind == "credentialsets" ? "2023-07-01"
                                 : kind == "connectedregistries"                    ? "2025-04-01"
                                                                                    : "";
  return api_version.ends_with("-preview") || api_version >= since;
}

void AzureChildren::Put(json body) {
  std::string id = base::AsciiLower(body.at("id").get<std::string>());
  children_.insert_or_assign(std::move(id), std::move(body));
}

bool AzureChildren::Erase(const std::string& id) { return children_.erase(base::AsciiLower(id)) > 0; }

void AzureChildren::EraseAllOf(const std::string& registry_id) {
  std::erase_if(children_, [below = base::AsciiLower(registry_id) + "/"](const auto& child) { return child.first.starts_with(below); });
}

http::Response AzureChildren::Answer(const AzureCall& call, std::size_t page) const {
  const std::string below = base::AsciiLower(RegistryId(call.subscription, call.resource_group, call.registry) + "/" + call.children) + "/";
  const std::string token = call.Query("$skiptoken");
  std::size_t begin = 0;
  std::from_chars(token.data(), token.data() + token.size(), begin);
  json value = json::array();
  std::size_t at = 0;
  bool has_more = false;
  for (auto child = children_.lower_bound(below); child != children_.end() && child->first.starts_with(below); ++child, ++at) {
    has_more = at >= begin + page;
    if (at >= begin && !has_more) {
      value.push_back(child->second);
    }
  }
  json answer = {{"value", std::move(value)}};
  if (has_more) {
    answer["nextLink"] = call.origin + call.target.substr(0, call.target.find('?')) +
                         "?api-version=" + http::PercentEncode(call.Query("api-version")) + "&%24skiptoken=" + std::to_string(begin + page);
  }
  return AzureJson(200, answer);
}

}  // namespace support
