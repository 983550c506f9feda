#include "kube/secrets.h"

#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kMaxShownBytes = 128;

// The name and namespace are those that were asked for, whatever an answer says.
ApiResult<Secret> ReadSecret(ApiResult<json> answer, const std::string& namespace_name, const std::string& name) {
  if (!answer) {
    return tl::unexpected(std::move(answer.error()));
  }
  Secret secret;
  secret.namespace_name = namespace_name;
  secret.name = name;
  secret.type = TextOf(*answer, "type");
  secret.metadata = MetadataOf(*answer);
  const auto data = answer->find("data");
  if (data == answer->end() || data->is_null()) {  // a Secret without any
    return secret;
  }
  const std::string which = "the API server's answer: Secret " + name + ": ";
  if (!data->is_object()) {
    return Unavailable(which + "its data are no object");
  }
  for (const auto& [key, value] : data->items()) {
    auto bytes = value.is_string() ? base::DecodeBase64(value.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes) {
      return Unavailable(which + "data." + base::Printable(key, kMaxShownBytes) + " is no base64");
    }
    secret.data.emplace(key, *std::move(bytes));
  }
  return secret;
}

json Write(const Secret& secret) {
  json data = json::object();
  for (const auto& [key, bytes] : secret.data) {
    data[key] = base::EncodeBase64(bytes);
  }
  json object = NamedObject("Secret", secret.metadata, secret.namespace_name, secret.name);
  object["type"] = secret.type;
  object["data"] = std::move(data);
  return object;
}

}  // namespace

std::string Secret::ResourceVersion() const { return TextOf(metadata, "resourceVersion"); }

ApiResult<Secret> GetSecret(Api& api, const std::string& namespace_name, const std::string& name, milliseconds deadline) {
  return ReadSecret(api.Get(Secrets(namespace_name), name, deadline), namespace_name, name);
}

ApiResult<Secret> CreateSecret(Api& api, const Secret& secret, milliseconds deadline) {
  return ReadSecret(api.Create(Secrets(secret.namespace_name), MadeAnew(Write(secret)), deadline), secret.namespace_name, secret.name);
}

ApiResult<Secret> UpdateSecret(Api& api, const Secret& secret, milliseconds deadline) {
  return ReadSecret(api.Update(Secrets(secret.namespace_name), Write(secret), deadline), secret.namespace_name, secret.name);
}

}  // namespace kube
