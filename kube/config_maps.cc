#include "kube/config_maps.h"

#include <utility>

#include "base/text.h"
#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kMaxShownBytes = 128;

// The name and namespace are those that were asked for, whatever an answer says.
ApiResult<ConfigMap> ReadConfigMap(ApiResult<json> answer, const std::string& namespace_name, const std::string& name) {
  if (!answer) {
    return tl::unexpected(std::move(answer.error()));
  }
  ConfigMap config_map;
  config_map.namespace_name = namespace_name;
  config_map.name = name;
  config_map.metadata = MetadataOf(*answer);
  if (const auto binary = answer->find("binaryData"); binary != answer->end()) {
    config_map.binary_data = *binary;
  }
  const auto data = answer->find("data");
  if (data == answer->end() || data->is_null()) {  // a ConfigMap without any
    return config_map;
  }
  const std::string which = "the API server's answer: ConfigMap " + name + ": ";
  if (!data->is_object()) {
    return Unavailable(which + "its data are no object");
  }
  for (const auto& [key, value] : data->items()) {
    if (!value.is_string()) {
      return Unavailable(which + "data." + base::Printable(key, kMaxShownBytes) + " is no text");
    }
    config_map.data.emplace(key, value.get<std::string>());
  }
  return config_map;
}

json Write(const ConfigMap& config_map) {
  json object = NamedObject("ConfigMap", config_map.metadata, config_map.namespace_name, config_map.name);
  object["data"] = config_map.data;
  if (!config_map.binary_data.is_null()) {
    object["binaryData"] = config_map.binary_data;
  }
  return object;
}

}  // namespace

ApiResult<ConfigMap> GetConfigMap(Api& api, const std::string& namespace_name, const std::string& name, milliseconds deadline) {
  return ReadConfigMap(api.Get(ConfigMaps(namespace_name), name, deadline), namespace_name, name);
}

ApiResult<ConfigMap> CreateConfigMap(Api& api, const ConfigMap& config_map, milliseconds deadline) {
  return ReadConfigMap(api.Create(ConfigMaps(config_map.namespace_name), MadeAnew(Write(config_map)), deadline), config_map.namespace_name,
                       config_map.name);
}

ApiResult<ConfigMap> UpdateConfigMap(Api& api, const ConfigMap& config_map, milliseconds deadline) {
  return ReadConfigMap(api.Update(ConfigMaps(config_map.namespace_name), Write(config_map), deadline), config_map.namespace_name,
                       config_map.name);
}

}  // namespace kube
