// Where objects are: group, version, resource and namespace, and the paths that these make.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
#pragma once

#include <string>

#include "base/result.h"

namespace kube {

// All objects of a resource, in a namespace or in the cluster.
struct Collection {
  std::string group;  // "" for the core group
  std::string version;
  std::string resource;        // plural, lower-case: "secrets"
  std::string namespace_name;  // "" for resources of the cluster, or for all namespaces
  std::string subresource{};   // of an object in it: "status"; "" for the object itself
};

inline Collection Secrets(std::string namespace_name) { return {"", "v1", "secrets", std::move(namespace_name)}; }
inline Collection ConfigMaps(std::string namespace_name) { return {"", "v1", "configmaps", std::move(namespace_name)}; }
// "": of all namespaces.
inline Collection Pods(std::string namespace_name) { return {"", "v1", "pods", std::move(namespace_name)}; }
inline Collection ReplicaSets(std::string namespace_name) { return {"apps", "v1", "replicasets", std::move(namespace_name)}; }
inline Collection Jobs(std::string namespace_name) { return {"batch", "v1", "jobs", std::move(namespace_name)}; }

// "/api/v1/namespaces/acr/secrets". An error for what no such name may be: none of it can lead to another path.
base::Result<std::string> PathOf(const Collection& collection);
// Of one object in it. `name` is never "": a DELETE of that would be of the collection.
base::Result<std::string> PathOf(const Collection& collection, const std::string& name);

// "secrets in namespace acr", "validatingwebhookconfigurations.admissionregistration.k8s.io": for messages.
std::string Describe(const Collection& collection);

// As Kubernetes writes the names of namespaces: an RFC 1123 label.
bool IsNamespaceName(const std::string& name);
// As it writes the names of most other objects, Secrets and ConfigMaps among them: an RFC 1123 subdomain.
bool IsSubdomainName(const std::string& name);

}  // namespace kube
