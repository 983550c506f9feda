#include "kube/reviews.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kMaxReasonBytes = 512;

User ReadUser(const json& object) {
  User user;
  user.name = TextOf(object, "username");
  user.uid = TextOf(object, "uid");
  user.groups = TextsOf(object, "groups");
  if (const auto extra = object.find("extra"); extra != object.end() && extra->is_object()) {
    for (const auto& [key, value] : extra->items()) {
      user.extra[key] = TextsOf(*extra, key.c_str());
    }
  }
  return user;
}

ApiResult<json> Review(Api& api, const Collection& in, const char* kind, json spec, milliseconds deadline) {
  auto answer = api.Create(in, {{"apiVersion", in.group + "/" + in.version}, {"kind", kind}, {"spec", std::move(spec)}}, deadline);
  if (!answer) {
    return answer;
  }
  const auto status = answer->find("status");
  if (status == answer->end() || !status->is_object()) {
    return Unavailable(std::string("the API server's answer: ") + kind + " without status");
  }
  return json(std::move(*status));
}

}  // namespace

bool CanBeToken(const std::string& token) {
  return !token.empty() && token.size() <= kMaxTokenBytes && std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
}

ApiResult<std::optional<User>> ReviewToken(Api& api, const std::string& token, const std::vector<std::string>& audiences,
                                           milliseconds deadline) {
  if (!CanBeToken(token)) {
    return std::nullopt;
  }
  json spec = {{"token", token}};
  if (!audiences.empty()) {
    spec["audiences"] = audiences;
  }
  const auto status = Review(api, {"authentication.k8s.io", "v1", "tokenreviews", ""}, "TokenReview", std::move(spec), deadline);
  if (!status) {
    return tl::unexpected(status.error());
  }
  if (!IsTrue(*status, "authenticated")) {
    return std::nullopt;
  }
  // An authenticator that knows nothing of audiences says yes without naming one.
  const std::vector<std::string> met = TextsOf(*status, "audiences");
  const bool meant = std::ranges::any_of(audiences, [&](const std::string& own) { return std::ranges::find(met, own) != met.end(); });
  if (!audiences.empty() && !meant) {
    return std::nullopt;
  }
  const auto user = status->find("user");
  if (user == status->end() || !user->is_object() || TextOf(*user, "username").empty()) {
    return Unavailable("the API server's answer: TokenReview of a user without a name");
  }
  return ReadUser(*user);
}

ApiResult<Access> ReviewAccess(Api& api, const User& user, const AccessRequest& request, milliseconds deadline) {
  json spec = {{"user", user.name}, {"uid", user.uid}, {"groups", user.groups}, {"extra", user.extra}};
  if (!request.path.empty()) {
    spec["nonResourceAttributes"] = {{"verb", request.verb}, {"path", request.path}};
  } else {
    spec["resourceAttributes"] = {{"verb", request.verb},
                                  {"group", request.resource.group},
                                  {"version", request.resource.version},
                                  {"resource", request.resource.resource},
                                  {"namespace", request.resource.namespace_name},
                                  {"name", request.name}};
  }
  const auto status =
      Review(api, {"authorization.k8s.io", "v1", "subjectaccessreviews", ""}, "SubjectAccessReview", std::move(spec), deadline);
  if (!status) {
    return tl::unexpected(status.error());
  }
  return Access{IsTrue(*status, "allowed") && !IsTrue(*status, "denied"), base::Printable(TextOf(*status, "reason"), kMaxReasonBytes)};
}

}  // namespace kube
