// A model of the API server: objects with resourceVersions, conflicts, server-side apply, watches, reviews, Status bodies. No sockets and
// no threads of its own: fake_kubernetes_client.h asks it directly, fake_kubernetes_server.h over TLS.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "http/client.h"
#include "tests/support/kubernetes_call.h"
#include "tests/support/managed_fields.h"

namespace support {

inline constexpr const char* kServiceAccountUser = "system:serviceaccount:acr:acr-admission";

// Safe for concurrent use.
class FakeKubernetes {
 public:
  using Calls = std::function<bool(const KubernetesCall& call)>;

  FakeKubernetes();  // with the namespaces default, kube-system and acr

  // `certificate_user` is whom a client certificate names; "" for none.
  http::Response Answer(const http::Request& request, const std::string& certificate_user = "") EXCLUDES(mutex_);

  // What others do. Paths are as in URLs: "/api/v1/namespaces/acr/secrets/tls".
  void Put(const std::string& path, nlohmann::json object, const std::string& manager = "somebody") EXCLUDES(mutex_);
  void Remove(const std::string& path) EXCLUDES(mutex_);
  std::optional<nlohmann::json> Find(const std::string& path) const EXCLUDES(mutex_);
  std::vector<nlohmann::json> In(const std::string& collection) const EXCLUDES(mutex_);

  // The one token that is accepted as kServiceAccountUser's. Until then, nobody has to say who they are.
  void SetToken(std::string token) EXCLUDES(mutex_);
  void Forbid(const std::string& verb, const std::string& resource) EXCLUDES(mutex_);
  void Allow(const std::string& verb, const std::string& resource) EXCLUDES(mutex_);
  // What continues a list that has begun is too old from now on, and so is every version to watch from.
  void Compact() EXCLUDES(mutex_);
  // The next `times` such calls get this answer, and do nothing.
  void Fail(Calls calls, http::Response answer, int times = 1) EXCLUDES(mutex_);

  // For reviews: a token of `user`'s, for `audiences`; and what a user may do: "get secrets" (everywhere), "get secrets in shop", or
  // "get /audit/v1/decisions".
  void AddUser(const std::string& token, nlohmann::json user, std::vector<std::string> audiences) EXCLUDES(mutex_);
  void RemoveToken(const std::string& token) EXCLUDES(mutex_);
  void Grant(const std::string& user, const std::string& what) EXCLUDES(mutex_);
  void Revoke(const std::string& user, const std::string& what) EXCLUDES(mutex_);

  // "patch /api/v1/namespaces/acr/secrets/tls", in the order in which they came; those that nobody serves are left out.
  std::vector<std::string> calls() const EXCLUDES(mutex_);

 private:
  struct Object {
    nlohmann::json value;
    ManagedFields fields;
  };
  struct Change {  // as a watch tells it
    std::uint64_t version;
    std::string path, type;
    nlohmann::json object;
  };
  struct Fault {
    Calls calls;
    http::Response answer;
    int times;
  };
  struct Holder {
    nlohmann::json user;
    std::vector<std::string> audiences;
  };

  std::optional<http::Response> Refusal(const KubernetesCall& call, const std::string& certificate_user) REQUIRES(mutex_);
  http::Response Carry(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response List(const KubernetesCall& call) REQUIRES(mutex_);
  // What has changed by now, all at once: as if the watch had ended there.
  http::Response Watch(const KubernetesCall& call) const REQUIRES(mutex_);
  http::Response Create(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response Update(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response Patch(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response Apply(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response Delete(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response ReviewToken(const KubernetesCall& call) REQUIRES(mutex_);
  http::Response ReviewAccess(const KubernetesCall& call) REQUIRES(mutex_);
  // As it is stored: with the server's metadata, and a new resourceVersion if anything changed. An answer when it is invalid.
  http::Response Store(const KubernetesCall& call, const std::string& path, nlohmann::json value, ManagedFields fields, int status)
      REQUIRES(mutex_);

  void Erase(std::map<std::string, Object>::iterator object) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::vector<Change> changes_ GUARDED_BY(mutex_);
  std::map<std::string, Object> objects_ GUARDED_BY(mutex_);  // by path
  std::uint64_t version_ GUARDED_BY(mutex_) = 100;
  std::uint64_t compacted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t uids_ GUARDED_BY(mutex_) = 0;
  std::optional<std::string> token_ GUARDED_BY(mutex_);
  std::set<std::string> forbidden_ GUARDED_BY(mutex_);  // "get secrets"
  std::vector<Fault> faults_ GUARDED_BY(mutex_);
  std::map<std::string, Holder> holders_ GUARDED_BY(mutex_);                 // by token
  std::map<std::string, std::set<std::string>> granted_ GUARDED_BY(mutex_);  // by user
  std::vector<std::string> calls_ GUARDED_BY(mutex_);
};

}  // namespace support
