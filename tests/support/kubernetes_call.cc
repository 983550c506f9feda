#include "tests/support/kubernetes_call.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "http/url.h"

namespace support {
namespace {

const std::array<KubernetesResource, 15>& Resources() {
  static const std::array<KubernetesResource, 15> kResources = {{
      {"", "v1", "namespaces", "Namespace", false},
      {"", "v1", "secrets", "Secret", true},
      {"", "v1", "configmaps", "ConfigMap", true},
      {"", "v1", "pods", "Pod", true},
      {"apps", "v1", "deployments", "Deployment", true},
      {"apps", "v1", "replicasets", "ReplicaSet", true},
      {"batch", "v1", "jobs", "Job", true},
      {"events.k8s.io", "v1", "events", "Event", true},
      {"coordination.k8s.io", "v1", "leases", "Lease", true},
      {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false},
      {"acr-admission.io", "v1alpha1", "registrycompliances", "RegistryCompliance", false, true},
      {"openreports.io", "v1alpha1", "reports", "Report", true},
      {"wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport", true},
      {"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false},
      {"authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false},
  }};
  return kResources;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && text.size() - i > 2 && std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ec == std::errc()) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string HeaderOf(const http::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (base::EqualsIgnoreAsciiCase(key, name)) {
      return value;
    }
  }
  return "";
}

std::string VerbOf(const std::string& method, bool named) {
  if (method == "GET") {
    return named ? "get" : "list";
  }
  if (method == "POST" && !named) {
    return "create";
  }
  if (!named) {
    return "";  // of a whole collection: nothing here may
  }
  return method == "PUT" ? "update" : method == "PATCH" ? "patch" : method == "DELETE" ? "delete" : "";
}

}  // namespace

std::optional<KubernetesCall> ReadKubernetesCall(const http::Request& request) {
  const auto url = http::ParseUrl(request.url);
  if (!url) {
    return std::nullopt;
  }
  const std::size_t query_begin = std::min(url->target.find('?'), url->target.size());
  std::vector<std::string> parts = Split(url->target.substr(1, query_begin - 1), '/');
  std::transform(parts.begin(), parts.end(), parts.begin(), Decode);
  KubernetesCall call;
  std::string group;
  std::size_t next = 1;
  if (parts.empty() || (parts[0] != "api" && parts[0] != "apis")) {
    return std::nullopt;
  }
  if (parts[0] == "apis" && parts.size() > 1) {
    group = parts[next++];
  }
  if (parts.size() <= next + 1) {
    return std::nullopt;
  }
  const std::string version = parts[next++];
  if (parts[next] == "namespaces" && parts.size() > next + 2) {
    call.namespace_name = parts[next + 1];
    next += 2;
  }
  const std::string& resource = parts[next++];
  const auto found = std::ranges::find_if(Resources(), [&](const KubernetesResource& known) {
    return known.group == group && known.version == version && known.resource == resource;
  });
  if (found == Resources().end() || parts.size() > next + 2 || (!found->namespaced && !call.namespace_name.empty())) {
    return std::nullopt;
  }
  const bool everywhere = found->namespaced && call.namespace_name.empty();
  if (everywhere && (parts.size() != next || request.method != "GET")) {
    return std::nullopt;
  }
  call.type = *found;
  call.collection = (group.empty() ? "/api/" : "/apis/" + group + "/") + version +
                    (call.namespace_name.empty() ? "" : "/namespaces/" + call.namespace_name) + "/" + resource;
  call.path = call.collection;
  if (parts.size() > next) {
    call.name = parts[next];
    call.path += "/" + call.name;
  }
  if (parts.size() == next + 2) {
    call.subresource = parts[next + 1];
    if (!found->has_status || call.subresource != "status") {
      return std::nullopt;
    }
  }
  call.verb = VerbOf(request.method, !call.name.empty());
  if (call.verb.empty() || (found->namespaced && call.namespace_name.empty() && call.verb != "list")) {
    return std::nullopt;
  }
  call.metadata_only = HeaderOf(request, "Accept").starts_with("application/json;as=PartialObjectMetadata");
  call.apply = HeaderOf(request, "Content-Type") == "application/apply-patch+yaml";
  if (query_begin < url->target.size()) {
    for (const std::string& field : Split(url->target.substr(query_begin + 1), '&')) {
      const std::size_t equals = std::min(field.find('='), field.size());
      call.query[Decode(field.substr(0, equals))] = Decode(field.substr(std::min(equals + 1, field.size())));
    }
  }
  if (call.verb == "list" && call.query.contains("watch")) {
    call.verb = "watch";
  }
  constexpr std::string_view kBearer = "Bearer ";
  if (const std::string authorization = HeaderOf(request, "Authorization"); authorization.starts_with(kBearer)) {
    call.token = authorization.substr(kBearer.size());
  }
  call.body = request.body.empty() ? nlohmann::json() : nlohmann::json::parse(request.body, nullptr, false);
  return call;
}

}  // namespace support
