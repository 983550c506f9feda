// Azure as acr-admission meets it, without sockets and threads: the login service, IMDS and IDENTITY_ENDPOINT, Resource Manager
// with its registries, Resource Graph and Policy Insights, as the recorded and documented ones behave. Tests change it while it
// is used, let it fail, and ask it what it was asked.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/mutex.h"
#include "http/client.h"
#include "tests/support/azure_answers.h"
#include "tests/support/azure_call.h"
#include "tests/support/azure_children.h"
#include "tests/support/azure_graph.h"
#include "tests/support/azure_login.h"
#include "tests/support/azure_policy_assignments.h"
#include "tests/support/azure_policy_states.h"
#include "tests/support/azure_request_log.h"
#include "tests/support/azure_subscriptions.h"
#include "tests/support/fault_list.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/token_bucket.h"

namespace support {

// Numbers as Azure documents them, unless a test says otherwise.
struct AzureSettings {
  std::size_t list_page = 100;    // registries
  std::size_t graph_page = 1000;  // rows, at most what is asked for
  std::size_t states_page = 1000;
  std::size_t children_page = 100;
  std::size_t policy_page = 100;           // assignments, exemptions, descendants of a management group
  std::chrono::milliseconds graph_lag{0};  // how far Resource Graph is behind, for the changes that follow
  TokenLifetime token;

  BucketSize reads{250, 25};          // of Resource Manager, for each identity and subscription
  double all_identities_factor = 15;  // the same for each subscription and all identities together
  BucketSize states{150, 2.5};        // of Policy Insights
  std::int64_t graph_queries = 15;    // in each window, for each identity
  std::chrono::seconds graph_window{5};
  std::optional<std::chrono::seconds> retry_after;  // of these limits' 429s; absent: until there is a token again
  bool retry_after_as_date = false;

  bool not_found_by_provider = false;  // a registry's 404 in the resource provider's shape instead of the gateway's
};

// What a failing service answers: its own kind of error body, unless `body` is given.
struct AzureFailure {
  int status = 503;
  std::string code{};                                 // "": what usually comes with the status
  std::optional<std::chrono::seconds> retry_after{};  // none is told when absent
  bool retry_after_as_date = false;
  std::optional<std::string> body{};
  http::Headers headers{};
};

// Safe for concurrent use. Its wall clock is Azure's own: it starts with `clock`'s and then goes with the monotonic one, so that a
// step of the machine's wall clock makes the machine's wrong, not Azure's.
class AzureWorld {
 public:
  // Knows TestApplication(), with all subscriptions that come. `clock` must outlive it.
  explicit AzureWorld(const base::Clock& clock, AzureSettings settings = {});

  // What Azure answers; the address decides which service it is.
  http::Response Answer(const http::Request& request) EXCLUDES(mutex_);

  AzureSettings settings() const EXCLUDES(mutex_);
  void SetSettings(const AzureSettings& settings) EXCLUDES(mutex_);

  // ---- registries; a subscription and a resource group come into being with the first one, and stay

  // A compliant one, with `properties` merged over its own. Returns its id.
  std::string AddRegistry(const std::string& subscription, const std::string& resource_group, const std::string& name,
                          const nlohmann::json& properties = nlohmann::json::object()) EXCLUDES(mutex_);
  // A whole body of Resource Manager's, new or instead of the one of the same id.
  void PutRegistry(nlohmann::json body) EXCLUDES(mutex_);
  // A merge patch for its properties: {"publicNetworkAccess": "Enabled"}. False when there is no such registry, also below.
  bool ChangeRegistry(const std::string& id, const nlohmann::json& properties) EXCLUDES(mutex_);
  // Also what is seen when another tenant has taken the name: here it is gone.
  bool DeleteRegistry(const std::string& id) EXCLUDES(mutex_);
  std::optional<nlohmann::json> FindRegistry(const std::string& id) EXCLUDES(mutex_);
  std::vector<std::string> RegistryIds() EXCLUDES(mutex_);

  // Of a registry that is there: ChildBody makes one. They go with it.
  void PutChild(nlohmann::json body) EXCLUDES(mutex_);
  bool DeleteChild(const std::string& id) EXCLUDES(mutex_);
  // All of them, before others are put.
  void DeleteChildrenOf(const std::string& registry_id) EXCLUDES(mutex_);

  void AddSubscription(const std::string& subscription) EXCLUDES(mutex_);
  void DeleteSubscription(const std::string& subscription) EXCLUDES(mutex_);
  void SetManagementGroup(const std::string& name, const std::vector<std::string>& subscriptions) EXCLUDES(mutex_);

  // ---- identities and what they may read

  void PutApplication(const AzureApplication& application) EXCLUDES(mutex_);
  std::string IdentityHeader() const EXCLUDES(mutex_);  // what IDENTITY_HEADER has to be
  void RevokeTokens() EXCLUDES(mutex_);
  std::uint64_t TokensHandedOut() const EXCLUDES(mutex_);
  std::string LastAssertion() const EXCLUDES(mutex_);  // that a client signed: a secret without the marker

  // No identity may read it: 403. Resource Graph leaves it out without a sign.
  void DenySubscription(const std::string& subscription, bool denied = true) EXCLUDES(mutex_);
  // The role was narrowed: its GET is a 403, and lists leave it out without a sign.
  void DenyRegistry(const std::string& id, bool denied = true) EXCLUDES(mutex_);

  // ---- Azure Policy

  void PutPolicyState(const PolicyState& state) EXCLUDES(mutex_);
  // A definition, an initiative, an assignment or an exemption, new or instead of the one of the same id, which is returned.
  std::string PutPolicy(const nlohmann::json& body) EXCLUDES(mutex_);
  void DeletePolicy(const std::string& id) EXCLUDES(mutex_);

  // ---- failures; the oldest that a call meets is what it gets

  // Returns what Mend takes.
  int Fail(AzureCalls calls, AzureFailure failure, int times = kUntilMended) {
    return failures_.Add(std::move(calls), std::move(failure), times);
  }
  int Fail(AzureService service, int status) { return Fail(EveryCallOf(service), {.status = status}); }
  void Mend(int id) { failures_.Remove(id); }
  void MendAll() { failures_.Clear(); }

  // ---- what it was asked, since the beginning or ForgetRequests

  std::uint64_t Count() const EXCLUDES(mutex_);
  std::uint64_t Count(AzureService service) const EXCLUDES(mutex_);
  std::uint64_t Count(const std::string& subscription) const EXCLUDES(mutex_);  // Resource Manager and Policy Insights
  std::vector<AzureRequest> Requests() const EXCLUDES(mutex_);                  // the newest, in their order
  // Requests that came within a Retry-After that was given to the same identity for the same service and subscription.
  std::vector<std::string> violations() const EXCLUDES(mutex_);
  void ForgetRequests() EXCLUDES(mutex_);

 private:
  using Instant = std::chrono::steady_clock::time_point;

  struct GraphWindow {
    Instant ends{};
    std::int64_t left = 0;
  };
  // One request, once it is known who asks.
  struct Turn {
    const AzureCall& call;
    const http::Request& request;
    AzureLogin::Identity identity;
    Instant now{};
    base::Time time{};
  };

  base::Time TimeAt(Instant now) const { return born_ + std::chrono::floor<std::chrono::microseconds>(now - born_at_); }
  // What a request draws on; Retry-Afters are kept by it.
  static std::string KeyOf(const Turn& turn);
  static AzureReply FailureReply(const AzureFailure& failure, const Turn& turn);

  AzureReply Dispatch(const Turn& turn) REQUIRES(mutex_);
  AzureReply AnswerResourceManager(const Turn& turn) REQUIRES(mutex_);
  AzureReply AnswerGraph(const Turn& turn) REQUIRES(mutex_);
  http::Response QueryGraph(const Turn& turn) REQUIRES(mutex_);
  AzureReply TooManyQueries(const Turn& turn, std::chrono::microseconds resets_after) REQUIRES(mutex_);
  AzureReply AnswerPolicyInsights(const Turn& turn) REQUIRES(mutex_);
  http::Response ReadRegistries(const Turn& turn) REQUIRES(mutex_);
  http::Response ReadPolicies(const Turn& turn) REQUIRES(mutex_);
  http::Response ReadOneRegistry(const Turn& turn, AzureSubscriptions::Subscription& subscription, RegistryView view) REQUIRES(mutex_);
  http::Response ListRegistries(const Turn& turn, AzureSubscriptions::Subscription& subscription, RegistryView view) REQUIRES(mutex_);
  // The error of a call about a subscription that is not there or closed to the identity.
  std::optional<http::Response> WhyNoSubscription(const Turn& turn) REQUIRES(mutex_);
  bool MayRead(const AzureLogin::Identity& identity, const std::string& subscription) REQUIRES(mutex_);
  // The subscriptions that a query spans, lower-case; those that it may not read among them.
  std::set<std::string> ScopeOf(const GraphQuery& query) REQUIRES(mutex_);
  AzureReply TooManyReads(const Turn& turn, const BucketSize& bucket) REQUIRES(mutex_);
  void TellGraph(const nlohmann::json& body) REQUIRES(mutex_);
  void Changed() REQUIRES(mutex_) { graph_.Forget(); }

  const base::Clock& clock_;
  const Instant born_at_;
  const base::Time born_;
  FaultList<AzureFailure> failures_;

  mutable base::Mutex mutex_;
  AzureSettings settings_ GUARDED_BY(mutex_);
  AzureLogin login_ GUARDED_BY(mutex_);
  AzureSubscriptions subscriptions_ GUARDED_BY(mutex_);
  AzureChildren children_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<std::string>> management_groups_ GUARDED_BY(mutex_);  // lower-case
  AzureGraph graph_ GUARDED_BY(mutex_);
  AzurePolicyStates states_ GUARDED_BY(mutex_);
  AzurePolicyAssignments policies_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, TokenBucket> buckets_ GUARDED_BY(mutex_);        // by key; "all SUBSCRIPTION" for all identities
  std::unordered_map<std::string, GraphWindow> graph_windows_ GUARDED_BY(mutex_);  // by key
  AzureRequestLog log_ GUARDED_BY(mutex_);
  std::uint64_t answers_ GUARDED_BY(mutex_) = 0;
};

}  // namespace support
