#include "kube/kubeconfig.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "http/url.h"
#include "kube/collection.h"

namespace kube {
namespace {

using nlohmann::json;

// A chain and a key are some 15 KB, a cluster's bundle of authorities not much more.
constexpr std::size_t kMaxPemBytes = std::size_t{256} << 10;

constexpr std::size_t kMaxShownBytes = 128;

tl::unexpected<base::Error> Bad(std::string message, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(message), std::move(remedy));
}

std::string Shown(const std::string& name) { return "\"" + base::Printable(name, kMaxShownBytes) + "\""; }

// YAML and JSON alike; JSON is read as such, as YAML takes no tabs.
base::Result<json> ReadDocument(const std::string& path) {
  const auto text = base::ReadFile(path, base::kMaxYamlBytes);
  if (!text) {
    return tl::unexpected(text.error());
  }
  if (const std::size_t first = text->find_first_not_of(" \t\r\n"); first != std::string::npos && (*text)[first] == '{') {
    if (auto document = base::ParseJson(*text, path)) {
      return document;
    }  // else a YAML mapping that is written in braces, or what the YAML reader reports better
  }
  const auto node = base::ParseYaml(*text, path);
  if (!node) {
    return Bad(base::ToString(node.error()));
  }
  return base::ToJson(*node);
}

// One mapping of the file, and how messages call it.
struct Part {
  const json* value;
  std::string where;

  const json* Find(const char* key) const {
    const auto member = value->find(key);
    return member == value->end() || member->is_null() ? nullptr : &*member;
  }
  // "" when it is absent.
  base::Result<std::string> Text(const char* key) const {
    const json* const member = Find(key);
    if (member == nullptr) {
      return std::string();
    }
    if (!member->is_string()) {
      return Bad(where + "." + key + " is no text");
    }
    return member->get<std::string>();
  }
};

base::Result<Part> Mapping(const Part& parent, const char* key) {
  const json* const member = parent.Find(key);
  if (member == nullptr || !member->is_object()) {
    return Bad(parent.where + ": has no mapping " + key);
  }
  return Part{member, parent.where + "." + key};
}

// The entry of that name in "clusters", "users" or "contexts": [{name: …, cluster: {…}}]. The first one counts, as for kubectl.
base::Result<Part> Entry(const Part& document, const char* list, const char* key, const std::string& name) {
  if (const json* const entries = document.Find(list); entries != nullptr && entries->is_array()) {
    for (const json& entry : *entries) {
      if (entry.is_object() && entry.value("name", json()) == json(name)) {
        return Mapping({&entry, document.where + ": " + list + "[" + Shown(name) + "]"}, key);
      }
    }
  }
  return Bad(document.where + ": no " + key + " is called " + Shown(name));
}

struct Refused {
  const char* key;
  const char* message;
  const char* remedy;
};

constexpr std::array<Refused, 3> kRefusedOfClusters = {{
    {"insecure-skip-tls-verify", "would trust whoever answers", "give certificate-authority or certificate-authority-data instead"},
    {"tls-server-name", "is not supported", "name the server by a name or address that its certificate holds"},
    {"proxy-url", "is not supported", "set HTTPS_PROXY and NO_PROXY instead"},
}};

constexpr std::array<Refused, 6> kRefusedOfUsers = {{
    {"exec", "would run a program",
     "give a token file or a client certificate instead, for example a service account's: kubectl create token"},
    {"auth-provider", "is not supported",
     "give a token file or a client certificate instead, for example a service account's: kubectl create token"},
    {"username", "is no way to log in since Kubernetes 1.19", "give a token or a client certificate"},
    {"password", "is no way to log in since Kubernetes 1.19", "give a token or a client certificate"},
    {"as", "is not supported", "name a user that is the one to act as"},
    {"as-groups", "is not supported", "name a user that is the one to act as"},
}};

template <std::size_t size>
base::Result<void> Refuse(const Part& part, const std::array<Refused, size>& refused) {
  for (const Refused& entry : refused) {
    const json* const member = part.Find(entry.key);
    if (member != nullptr && *member != json(false) && *member != json("")) {
      return Bad(part.where + "." + entry.key + " " + entry.message, entry.remedy);
    }
  }
  return {};
}

class Reader {
 public:
  explicit Reader(const std::string& path) : folder_(std::filesystem::path(path).parent_path()) {}

  std::string Absolute(const std::string& path) const { return path.empty() ? "" : (folder_ / path).string(); }

  // What stands in `key`-data or in the file that `key` names; "" for neither. The data come first, as for kubectl.
  base::Result<std::string> Pem(const Part& part, const std::string& key) const {
    auto data = part.Text((key + "-data").c_str());
    if (!data) {
      return data;
    }
    if (!data->empty()) {
      auto pem = base::DecodeBase64(*data);
      if (!pem || pem->size() > kMaxPemBytes) {
        return Bad(part.where + "." + key + "-data is " + (pem ? "too large" : "no base64"));
      }
      return *std::move(pem);
    }
    auto file = part.Text(key.c_str());
    if (!file || file->empty()) {
      return file;
    }
    return base::ReadFile(Absolute(*file), kMaxPemBytes);
  }

 private:
  const std::filesystem::path folder_;
};

base::Result<void> ReadCluster(const Part& cluster, const Reader& reader, Config& config) {
  if (const auto allowed = Refuse(cluster, kRefusedOfClusters); !allowed) {
    return allowed;
  }
  auto server = cluster.Text("server");
  if (!server) {
    return tl::unexpected(server.error());
  }
  server->erase(server->find_last_not_of('/') + 1);
  const auto url = http::ParseUrl(*server);
  if (!url || !url->https() || url->target.find('?') != std::string::npos) {
    return Bad(cluster.where + ".server is no https URL", "write https:// and the API server's host and port");
  }
  config.server = *std::move(server);
  auto ca = reader.Pem(cluster, "certificate-authority");
  if (!ca) {
    return tl::unexpected(ca.error());
  }
  config.ca_pem = *std::move(ca);
  return {};
}

base::Result<void> ReadUser(const Part& user, const Reader& reader, Config& config) {
  if (const auto allowed = Refuse(user, kRefusedOfUsers); !allowed) {
    return allowed;
  }
  auto certificate = reader.Pem(user, "client-certificate");
  auto key = reader.Pem(user, "client-key");
  auto token = user.Text("token");
  auto token_file = user.Text("tokenFile");
  for (const auto* const read : {&certificate, &key, &token, &token_file}) {
    if (!*read) {
      return tl::unexpected(read->error());
    }
  }
  if (certificate->empty() != key->empty()) {
    return Bad(user.where + (key->empty() ? ": a client certificate without its key" : ": a client key without its certificate"));
  }
  config.client_certificate_pem = *std::move(certificate);
  config.client_key_pem = *std::move(key);
  config.token = *std::move(token);
  config.token_file = reader.Absolute(*token_file);
  return {};
}

}  // namespace

base::Result<Config> LoadKubeconfig(const std::string& path, const std::string& context) {
  const auto content = ReadDocument(path);
  if (!content) {
    return tl::unexpected(content.error());
  }
  if (!content->is_object()) {
    return Bad(path + ": is no kubeconfig");
  }
  const Part document{&*content, path};
  auto name = context.empty() ? document.Text("current-context") : context;
  if (!name) {
    return tl::unexpected(name.error());
  }
  if (name->empty()) {
    return Bad(path + ": has no current-context", "name a context, or set one: kubectl config use-context");
  }
  const auto chosen = Entry(document, "contexts", "context", *name);
  if (!chosen) {
    return tl::unexpected(chosen.error());
  }
  auto cluster_name = chosen->Text("cluster");
  auto user_name = chosen->Text("user");
  auto namespace_name = chosen->Text("namespace");
  for (const auto* const read : {&cluster_name, &user_name, &namespace_name}) {
    if (!*read) {
      return tl::unexpected(read->error());
    }
  }
  if (!namespace_name->empty() && !IsNamespaceName(*namespace_name)) {
    return Bad(chosen->where + ".namespace is no namespace's name");
  }
  Config config;
  config.namespace_name = namespace_name->empty() ? "default" : *std::move(namespace_name);
  const Reader reader(path);
  const auto cluster = Entry(document, "clusters", "cluster", *cluster_name);
  if (!cluster) {
    return tl::unexpected(cluster.error());
  }
  if (const auto read = ReadCluster(*cluster, reader, config); !read) {
    return tl::unexpected(read.error());
  }
  const auto user = Entry(document, "users", "user", *user_name);
  if (!user) {
    return tl::unexpected(user.error());
  }
  if (const auto read = ReadUser(*user, reader, config); !read) {
    return tl::unexpected(read.error());
  }
  return config;
}

}  // namespace kube
