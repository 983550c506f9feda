// ConfigMaps, read and written by compare and swap, as Secrets are (kube/secrets.h).
// https://kubernetes.io/docs/concepts/configuration/configmap/
#pragma once

#include <chrono>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/api.h"

namespace kube {

struct ConfigMap {
  std::string namespace_name, name;
  std::map<std::string, std::string> data;  // texts, in UTF-8; binaryData are left as they are
  // As the server told it, and kept by an update: labels that others (Helm) rely on. Of one to be created, what it shall have.
  nlohmann::json metadata = nlohmann::json::object();
  nlohmann::json binary_data{};  // null: none
};

// Data that are no texts are kUnavailable; kinds are otherwise the call's.
ApiResult<ConfigMap> GetConfigMap(Api& api, const std::string& namespace_name, const std::string& name, std::chrono::milliseconds deadline);
// kAlreadyExists when another replica was first.
ApiResult<ConfigMap> CreateConfigMap(Api& api, const ConfigMap& config_map, std::chrono::milliseconds deadline);
// `config_map` is one that was read, its data changed. kConflict when another replica was first.
ApiResult<ConfigMap> UpdateConfigMap(Api& api, const ConfigMap& config_map, std::chrono::milliseconds deadline);

}  // namespace kube
