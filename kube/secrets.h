// Secrets, read and written by compare and swap: of several replicas that write, one wins and the others read what it wrote.
// https://kubernetes.io/docs/concepts/configuration/secret/
#pragma once

#include <chrono>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/api.h"

namespace kube {

struct Secret {
  std::string namespace_name, name;
  std::string type = "Opaque";
  std::map<std::string, std::string> data;  // bytes, as a pod that mounts it sees them. Secret.
  // As the server told it, and kept by an update: labels that others (Helm) rely on. Of one to be created, what it shall have.
  nlohmann::json metadata = nlohmann::json::object();

  std::string ResourceVersion() const;
};

// A Secret that was read but whose data are no base64 is kUnavailable; kinds are otherwise the call's.
ApiResult<Secret> GetSecret(Api& api, const std::string& namespace_name, const std::string& name, std::chrono::milliseconds deadline);
// kAlreadyExists when another replica was first.
ApiResult<Secret> CreateSecret(Api& api, const Secret& secret, std::chrono::milliseconds deadline);
// `secret` is one that was read, its data changed. kConflict when another replica was first.
ApiResult<Secret> UpdateSecret(Api& api, const Secret& secret, std::chrono::milliseconds deadline);

}  // namespace kube
