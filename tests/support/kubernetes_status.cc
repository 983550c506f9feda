#include "tests/support/kubernetes_status.h"

#include <utility>

#include "tests/support/scripted_http.h"

namespace support {
namespace {

std::string Qualified(const KubernetesCall& call) { return call.type.resource + (call.type.group.empty() ? "" : "." + call.type.group); }

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

http::Response Status(int code, const std::string& reason, const std::string& message, http::Headers headers) {
  const nlohmann::json body = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", nlohmann::json::object()},
                               {"status", "Failure"}, {"message", message}, {"reason", reason},
                               {"code", code}};
  return JsonResponse(code, body.dump(), std::move(headers));
}

http::Response NotServed() { return {404, {{"Content-Type", "text/plain; charset=utf-8"}}, "404 page not found\n"}; }

http::Response UnauthorizedStatus() { return Status(401, "Unauthorized", "Unauthorized"); }

http::Response ForbiddenStatus(const KubernetesCall& call, const std::string& verb, const std::string& user) {
  return Status(403, "Forbidden",
                Qualified(call) + (call.name.empty() ? "" : " " + Quoted(call.name)) + " is forbidden: User " + Quoted(user) + " cannot " +
                    verb + " resource " + Quoted(call.type.resource) + " in API group " + Quoted(call.type.group) +
                    (call.namespace_name.empty() ? " at the cluster scope" : " in the namespace " + Quoted(call.namespace_name)));
}

http::Response NotFoundStatus(const std::string& resource, const std::string& name) {
  return Status(404, "NotFound", resource + " " + Quoted(name) + " not found");
}

http::Response AlreadyExistsStatus(const KubernetesCall& call, const std::string& name) {
  return Status(409, "AlreadyExists", Qualified(call) + " " + Quoted(name) + " already exists");
}

http::Response ModifiedStatus(const KubernetesCall& call) {
  return Status(409, "Conflict",
                "Operation cannot be fulfilled on " + Qualified(call) + " " + Quoted(call.name) +
                    ": the object has been modified; please apply your changes to the latest version and try again");
}

http::Response InvalidStatus(const KubernetesCall& call, const std::string& name, const std::string& what) {
  return Status(422, "Invalid", call.type.kind + "." + call.type.group + " " + Quoted(name) + " is invalid: " + what);
}

http::Response ExpiredStatus() {
  return Status(410, "Expired",
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
                "continue parameter, or use the continue token in this response to retrieve the remainder of the results.");
}

http::Response TooManyRequestsStatus(int retry_after_seconds) {
  return Status(429, "TooManyRequests", "the server has received too many requests and has asked us to try again later",
                {{"Retry-After", std::to_string(retry_after_seconds)}});
}

}  // namespace support
