// Who a bearer token belongs to, and whether that user may do something: asked of the API server, which alone knows.
// Needs what the ClusterRole system:auth-delegator grants.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/api.h"

namespace kube {

struct User {
  std::string name, uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

// The API server takes none that is longer within a header; others are nobody's, and not asked about.
inline constexpr std::size_t kMaxTokenBytes = std::size_t{16} << 10;

// Whether it can be one at all: neither empty nor too long, and of visible ASCII characters alone.
bool CanBeToken(const std::string& token);

// The user whose token it is; nothing when it is nobody's. With `audiences`, one of them must be among the token's own; "" none: it
// must be meant for the API server. An error means that it is not known: treat it as nobody's, and say why.
// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
ApiResult<std::optional<User>> ReviewToken(Api& api, const std::string& token, const std::vector<std::string>& audiences,
                                           std::chrono::milliseconds deadline);

// What somebody wants to do: a verb on a resource or, with a path, on that URL path of a server ("get" on "/audit/v1/decisions").
struct AccessRequest {
  std::string verb;
  Collection resource{};
  std::string name{};  // "" for all of them
  std::string path{};  // instead of a resource
};

struct Access {
  bool allowed = false;
  std::string reason;  // the authorizer's, printable; often ""
};

// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
ApiResult<Access> ReviewAccess(Api& api, const User& user, const AccessRequest& request, std::chrono::milliseconds deadline);

}  // namespace kube
