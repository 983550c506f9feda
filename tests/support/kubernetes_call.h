// What a request asks of the API server, by its method and path.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "http/client.h"

namespace support {

// A resource that the fake serves.
struct KubernetesResource {
  std::string group, version, resource, kind;
  bool namespaced = true;
  bool has_status = false;  // as a subresource
};

struct KubernetesCall {
  KubernetesResource type;
  std::string subresource;  // "status", or "" for the object itself
  std::string verb;         // as in roles: get, list, watch, create, update, patch, delete
  bool apply = false;
  bool metadata_only = false;  // of a list or watch: of each object its metadata
  std::string namespace_name, name;
  std::string collection;  // its path; of all namespaces where namespace_name is "" and the type is namespaced
  std::string path;        // the object's, or the collection's
  std::map<std::string, std::string> query;
  std::string token;    // of the Authorization header
  nlohmann::json body;  // null without one
};

// Nothing where nobody serves that path, or the method means nothing there.
std::optional<KubernetesCall> ReadKubernetesCall(const http::Request& request);

}  // namespace support
