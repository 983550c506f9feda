#include "tests/support/azure_world.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "http/url.h"
#include "tests/support/scripted_http.h"

namespace support {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::seconds;
using Operation = AzureOperation;
using Service = AzureService;

// As a recorded api-supported-versions header tells them, and the older ones that still answer.
constexpr auto kApiVersions =
    std::to_array<std::string_view>({"2019-05-01", "2021-08-01-preview", "2021-09-01", "2022-12-01", "2023-07-01", "2023-11-01-preview",
                                     "2025-04-01", "2025-11-01", "2026-03-01-preview", "2026-09-01-preview"});
constexpr std::string_view kSupported = "2019-05-01, 2021-09-01, 2022-12-01, 2023-07-01, 2025-04-01, 2025-11-01";

RegistryView ViewAt(std::string_view api_version) {
  return api_version == "2019-05-01"         ? RegistryView::kOf2019
         : api_version.ends_with("-preview") ? RegistryView::kPreview
                                             : RegistryView::kStable;
}

std::string HeaderOf(const http::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (base::EqualsIgnoreAsciiCase(key, name)) {
      return value;
    }
  }
  return "";
}

std::string ScopeOfCall(const AzureCall& call) {
  return call.registry.empty() ? "/subscriptions/" + call.subscription : RegistryId(call.subscription, call.resource_group, call.registry);
}

http::Response Forbidden(const AzureLogin::Identity& identity, const std::string& action, const std::string& scope) {
  const std::string& client = identity.application->client_id;
  return GatewayError(403, "AuthorizationFailed",
                      "The client '" + client + "' with object id '" + client + "' does not have authorization to perform action '" +
                          action + "' over scope '" + scope +
                          "' or the scope is invalid. If access was recently granted, please refresh your credentials.");
}

http::Response Unauthenticated(const char* code, const char* message) {
  http::Response response = GatewayError(401, code, message);
  response.headers.emplace_back("WWW-Authenticate", R"(Bearer error="invalid_token")");
  return response;
}

// Those of Resource Manager and what stands behind it.
std::optional<http::Response> WhyNotAuthenticated(const AzureLogin::Identity& identity, const AzureCall& call) {
  switch (identity.bearer) {
    case AzureLogin::Bearer::kMissing:
      return Unauthenticated("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
    case AzureLogin::Bearer::kUnknown:
      return Unauthenticated("InvalidAuthenticationToken", "The access token is invalid.");
    case AzureLogin::Bearer::kExpired:
      return Unauthenticated("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.");
    case AzureLogin::Bearer::kValid:
      break;
  }
  if (!base::EqualsIgnoreAsciiCase(identity.resource, call.origin)) {
    return Unauthenticated("InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource.");
  }
  return std::nullopt;
}

std::string ClockDuration(microseconds duration) {
  const auto whole = std::chrono::ceil<seconds>(duration).count();
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", static_cast<int>(whole / 3600),
                                   static_cast<int>(whole / 60 % 60), static_cast<int>(whole % 60));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

// What it takes to do what the call does in a subscription.
std::string ActionOf(const AzureCall& call) {
  switch (call.operation) {
    case Operation::kQueryPolicyStates:
      return "Microsoft.PolicyInsights/policyStates/queryResults/read";
    case Operation::kListPolicyAssignments:
      return "Microsoft.Authorization/policyAssignments/read";
    case Operation::kListPolicyExemptions:
      return "Microsoft.Authorization/policyExemptions/read";
    case Operation::kGetPolicyDefinition:
      return "Microsoft.Authorization/policyDefinitions/read";
    default:
      return "Microsoft.ContainerRegistry/registries/read";
  }
}

bool IsAboutPolicies(Operation operation) {
  return operation == Operation::kListPolicyAssignments || operation == Operation::kListPolicyExemptions ||
         operation == Operation::kGetPolicyDefinition || operation == Operation::kListDescendants;
}

std::size_t PageBegin(const AzureCall& call) {
  const std::string token = call.Query("$skiptoken");
  std::size_t begin = 0;
  std::from_chars(token.data(), token.data() + token.size(), begin);
  return begin;
}

}  // namespace

AzureWorld::AzureWorld(const base::Clock& clock, AzureSettings settings)
    : clock_(clock), born_at_(clock.Monotonic()), born_(clock.Now()), settings_(std::move(settings)) {
  login_.Put(TestApplication());
}

http::Response AzureWorld::Answer(const http::Request& request) {
  const AzureCall call = ReadAzureCall(request);
  const std::optional<AzureFailure> failure = failures_.Take(call);
  base::MutexLock lock(mutex_);
  const Instant now = clock_.Monotonic();
  const Turn turn{call, request, login_.Identify(request, TimeAt(now)), now, TimeAt(now)};
  AzureReply reply = failure ? FailureReply(*failure, turn) : Dispatch(turn);

  std::array<char, 48> id;
  std::snprintf(id.data(), id.size(), "c0ffee00-0000-4000-8000-%012llu", static_cast<unsigned long long>(++answers_));
  for (const char* const name : {"x-ms-request-id", "x-ms-correlation-request-id"}) {
    reply.response.headers.emplace_back(name, id.data());
  }
  const std::string key = KeyOf(turn);
  log_.Add({now, call.service, call.operation, call.subscription, reply.response.status}, key);
  if (reply.stay_away) {
    log_.Close(key, now + *reply.stay_away);
  }
  return std::move(reply.response);
}

std::string AzureWorld::KeyOf(const Turn& turn) {
  const auto client = turn.call.form.find("client_id");
  const std::string identity = turn.identity.application != nullptr ? turn.identity.application->client_id
                               : client != turn.call.form.end()     ? client->second
                                                                    : std::string("nobody");
  return std::string(NameOf(turn.call.service)) + " of " + identity +
         (turn.call.subscription.empty() ? "" : " in " + turn.call.subscription);
}

AzureReply AzureWorld::FailureReply(const AzureFailure& failure, const Turn& turn) {
  const std::string code = !failure.code.empty()   ? failure.code
                           : failure.status == 429 ? "TooManyRequests"
                           : failure.status == 503 ? "ServiceUnavailable"
                           : failure.status == 403 ? "AuthorizationFailed"
                                                   : "InternalServerError";
  const std::string message = "The service is having a bad day.";
  http::Response response;
  if (failure.body) {
    response = JsonResponse(failure.status, *failure.body);
  } else if (turn.call.service == Service::kLogin) {
    response = EntraError(failure.status, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.", turn.time);
  } else if (turn.call.service == Service::kInstanceMetadata || turn.call.service == Service::kIdentityEndpoint) {
    response = MetadataError(failure.status, code, message);
  } else {
    response = GatewayError(failure.status, code, message);
  }
  response.headers.insert(response.headers.end(), failure.headers.begin(), failure.headers.end());
  if (!failure.retry_after) {
    return {std::move(response), std::nullopt};
  }
  return WithRetryAfter(std::move(response), *failure.retry_after, failure.retry_after_as_date, turn.time);
}

AzureReply AzureWorld::Dispatch(const Turn& turn) {
  switch (turn.call.service) {
    case Service::kLogin:
      return {login_.Exchange(turn.call, turn.request, settings_.token, turn.time), std::nullopt};
    case Service::kInstanceMetadata:
      return {login_.AskInstanceMetadata(turn.call, turn.request, settings_.token, turn.time), std::nullopt};
    case Service::kIdentityEndpoint:
      return {login_.AskIdentityEndpoint(turn.call, turn.request, settings_.token, turn.time), std::nullopt};
    case Service::kResourceManager:
    case Service::kResourceGraph:
    case Service::kPolicyInsights:
      break;
  }
  if (auto refused = WhyNotAuthenticated(turn.identity, turn.call)) {
    return {*std::move(refused), std::nullopt};
  }
  if (turn.call.operation == Operation::kUnknown) {
    return {GatewayError(404, "NotFound", "The requested path does not exist."), std::nullopt};
  }
  if (turn.call.Query("api-version").empty()) {
    return {
        GatewayError(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."),
        std::nullopt};
  }
  const bool reads_by_post = turn.call.operation == Operation::kQueryGraph || turn.call.operation == Operation::kQueryPolicyStates;
  if (turn.call.method != (reads_by_post ? "POST" : "GET")) {
    return {GatewayError(405, "MethodNotAllowed", "The method is not allowed here."), std::nullopt};
  }
  return turn.call.service == Service::kResourceGraph    ? AnswerGraph(turn)
         : turn.call.service == Service::kPolicyInsights ? AnswerPolicyInsights(turn)
                                                         : AnswerResourceManager(turn);
}

AzureReply AzureWorld::AnswerResourceManager(const Turn& turn) {
  const double factor = settings_.all_identities_factor;
  const BucketSize all{settings_.reads.tokens * factor, settings_.reads.refill_per_second * factor};
  TokenBucket& mine = buckets_[KeyOf(turn)];
  TokenBucket& everybodys = buckets_["all " + turn.call.subscription];
  AzureReply reply;
  if (!mine.Take(settings_.reads, turn.now)) {
    reply = TooManyReads(turn, settings_.reads);
  } else if (!everybodys.Take(all, turn.now)) {
    reply = TooManyReads(turn, all);
  } else {
    reply.response = IsAboutPolicies(turn.call.operation) ? ReadPolicies(turn) : ReadRegistries(turn);
  }
  http::Headers& headers = reply.response.headers;
  headers.emplace_back("x-ms-ratelimit-remaining-subscription-reads", std::to_string(mine.left()));
  headers.emplace_back("x-ms-ratelimit-remaining-subscription-global-reads", std::to_string(everybodys.left()));
  return reply;
}

AzureReply AzureWorld::TooManyReads(const Turn& turn, const BucketSize& bucket) {
  const microseconds until_next =
      bucket.refill_per_second > 0 ? microseconds(static_cast<std::int64_t>(1e6 / bucket.refill_per_second)) : std::chrono::hours(1);
  const microseconds wait = settings_.retry_after ? microseconds(*settings_.retry_after) : until_next;
  return WithRetryAfter(
      GatewayError(429, "SubscriptionRequestsThrottled",
                   "Number of 'read' requests for subscription '" + turn.call.subscription + "' actor '" +
                       turn.identity.application->client_id +
                       "' exceeded. Please try again after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
                       "additional information."),
      wait, settings_.retry_after_as_date, turn.time);
}

std::optional<http::Response> AzureWorld::WhyNoSubscription(const Turn& turn) {
  if (subscriptions_.Find(turn.call.subscription) == nullptr) {
    return GatewayError(404, "SubscriptionNotFound", "The subscription '" + turn.call.subscription + "' could not be found.");
  }
  if (!MayRead(turn.identity, turn.call.subscription)) {
    return Forbidden(turn.identity, ActionOf(turn.call), ScopeOfCall(turn.call));
  }
  return std::nullopt;
}

bool AzureWorld::MayRead(const AzureLogin::Identity& identity, const std::string& subscription) {
  const auto& readable = identity.application->subscriptions;
  const AzureSubscriptions::Subscription* const found = subscriptions_.Find(subscription);
  return found != nullptr && !found->denied && (!readable || readable->contains(subscription));
}

http::Response AzureWorld::ReadPolicies(const Turn& turn) {
  if (!turn.call.subscription.empty()) {
    if (auto missing = WhyNoSubscription(turn)) {
      return *std::move(missing);
    }
  }
  switch (turn.call.operation) {
    case Operation::kListDescendants:
      return AzurePolicyAssignments::ListDescendants(turn.call, management_groups_, settings_.policy_page);
    case Operation::kGetPolicyDefinition:
      return policies_.Get(turn.call);
    default:
      return policies_.List(turn.call, management_groups_, settings_.policy_page);
  }
}

http::Response AzureWorld::ReadRegistries(const Turn& turn) {
  const std::string api_version = turn.call.Query("api-version");
  if (std::find(kApiVersions.begin(), kApiVersions.end(), api_version) == kApiVersions.end()) {
    return GatewayError(400, "NoRegisteredProviderFound",
                        "No registered resource provider found for location 'westeurope' and API version '" + api_version +
                            "' for type 'registries'. The supported api-versions are '" + std::string(kSupported) + "'.");
  }
  const RegistryView view = ViewAt(api_version);
  const bool lacks_connections = turn.call.operation == Operation::kListConnections && view == RegistryView::kOf2019;
  if (lacks_connections || (turn.call.operation == Operation::kListChildren && !HasChildren(api_version, turn.call.children))) {
    return GatewayError(404, "InvalidResourceType",
                        "The resource type 'registries/" + (lacks_connections ? "privateEndpointConnections" : turn.call.children) +
                            "' could not be found in the namespace 'Microsoft.ContainerRegistry' for api version '" + api_version + "'.");
  }
  if (auto missing = WhyNoSubscription(turn)) {
    return *std::move(missing);
  }
  AzureSubscriptions::Subscription& subscription = *subscriptions_.Find(turn.call.subscription);
  if (!turn.call.resource_group.empty() && !subscription.groups.contains(turn.call.resource_group)) {
    return GatewayError(404, "ResourceGroupNotFound", "Resource group '" + turn.call.resource_group + "' could not be found.");
  }
  return turn.call.operation == Operation::kListRegistries ? ListRegistries(turn, subscription, view)
                                                           : ReadOneRegistry(turn, subscription, view);
}

http::Response AzureWorld::ReadOneRegistry(const Turn& turn, AzureSubscriptions::Subscription& subscription, RegistryView view) {
  const AzureCall& call = turn.call;
  const auto found = subscription.registries.find(base::AsciiLower(RegistryId(call.subscription, call.resource_group, call.registry)));
  if (found == subscription.registries.end()) {
    if (settings_.not_found_by_provider) {
      return ProviderError(404, "ResourceNotFound", "The resource " + call.registry + " could not be found.");
    }
    return GatewayError(404, "ResourceNotFound",
                        "The Resource 'Microsoft.ContainerRegistry/registries/" + call.registry + "' under resource group '" +
                            call.resource_group + "' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix");
  }
  AzureSubscriptions::Registry& registry = found->second;
  const bool connections = call.operation == Operation::kListConnections;
  if (registry.denied) {
    const std::string below = connections ? "privateEndpointConnections/" : call.children.empty() ? "" : call.children + "/";
    return Forbidden(turn.identity, "Microsoft.ContainerRegistry/registries/" + below + "read", registry.id());
  }
  if (call.operation == Operation::kListChildren) {
    return children_.Answer(call, settings_.children_page);
  }
  return JsonResponse(200, connections ? registry.ConnectionsText() : registry.TextOf(view));
}

http::Response AzureWorld::ListRegistries(const Turn& turn, AzureSubscriptions::Subscription& subscription, RegistryView view) {
  const AzureCall& call = turn.call;
  std::size_t next = 0;
  const std::string& page = subscription.ListPage(call.resource_group, view, PageBegin(call), settings_.list_page, next);
  std::string end = "]}";
  if (next != 0) {
    const std::string link = call.origin + call.target.substr(0, call.target.find('?')) +
                             "?api-version=" + http::PercentEncode(call.Query("api-version")) + "&%24skiptoken=" + std::to_string(next);
    end = "],\"nextLink\":" + base::DumpJson(link) + "}";
  }
  constexpr std::string_view kBegin = R"({"value":[)";
  std::string text;
  text.reserve(kBegin.size() + page.size() + end.size());
  return JsonResponse(200, std::move(text.append(kBegin).append(page).append(end)));
}

AzureReply AzureWorld::AnswerGraph(const Turn& turn) {
  GraphWindow& window = graph_windows_[KeyOf(turn)];
  if (turn.now >= window.ends) {
    window = {turn.now + settings_.graph_window, settings_.graph_queries};
  }
  const microseconds resets_after = std::chrono::ceil<microseconds>(window.ends - turn.now);
  AzureReply reply;
  if (window.left == 0) {
    reply = TooManyQueries(turn, resets_after);
  } else {
    --window.left;
    reply.response = QueryGraph(turn);
  }
  reply.response.headers.emplace_back("x-ms-user-quota-remaining", std::to_string(window.left));
  reply.response.headers.emplace_back("x-ms-user-quota-resets-after", ClockDuration(resets_after));
  return reply;
}

AzureReply AzureWorld::TooManyQueries(const Turn& turn, microseconds resets_after) {
  json details = {{"code", "RateLimiting"},
                  {"message",
                   "Client application has been throttled and should not continue to repeat the request until an amount of time has "
                   "elapsed. Please see https://aka.ms/resourcegraph-throttling for help."}};
  json error = {{"code", "RateLimiting"},
                {"message", "Please provide below info when asking for support: timestamp = " + base::FormatTime(turn.time) + "."},
                {"details", json::array({std::move(details)})}};
  const microseconds wait = settings_.retry_after ? microseconds(*settings_.retry_after) : resets_after;
  return WithRetryAfter(AzureJson(429, {{"error", std::move(error)}}), wait, settings_.retry_after_as_date, turn.time);
}

http::Response AzureWorld::QueryGraph(const Turn& turn) {
  if (!HeaderOf(turn.request, "Content-Type").starts_with("application/json")) {
    return GatewayError(415, "UnsupportedMediaType", "The content media type is not supported. Only 'application/json' is supported.");
  }
  const std::optional<GraphQuery> query = ReadGraphQuery(turn.request.body);
  if (!query) {
    return GatewayError(400, "BadRequest", "Please provide below info when asking for support: the query is not understood.");
  }
  const std::set<std::string> scope = ScopeOf(*query);
  std::set<std::string> readable;
  std::string scope_key;
  for (const std::string& subscription : scope) {
    if (MayRead(turn.identity, subscription)) {
      readable.insert(subscription);
      scope_key += subscription;
    }
  }
  if (readable.empty() && !scope.empty()) {
    return GatewayError(403, "AccessDenied", "Access to the subscriptions or management groups of the query is denied.");
  }
  graph_.Settle(turn.now);
  AzureSubscriptions* const subscriptions = &subscriptions_;
  return JsonResponse(200, graph_.Answer(*query, settings_.graph_page, scope_key, [&](const AzureGraph::Row& row) {
    const AzureSubscriptions::Registry* const registry = subscriptions->FindRegistry(row.id);
    return readable.contains(row.subscription) && (registry == nullptr || !registry->denied);
  }));
}

std::set<std::string> AzureWorld::ScopeOf(const GraphQuery& query) {
  std::set<std::string> scope(query.subscriptions.begin(), query.subscriptions.end());
  for (const std::string& group : query.management_groups) {
    const auto found = management_groups_.find(group);
    if (found == management_groups_.end()) {
      scope.insert("management group " + group);  // which nobody may read
    } else {
      scope.insert(found->second.begin(), found->second.end());
    }
  }
  if (query.subscriptions.empty() && query.management_groups.empty()) {
    for (const auto& [subscription, ignored] : subscriptions_.all()) {
      scope.insert(subscription);
    }
  }
  return scope;
}

AzureReply AzureWorld::AnswerPolicyInsights(const Turn& turn) {
  TokenBucket& bucket = buckets_[KeyOf(turn)];
  AzureReply reply;
  if (!bucket.Take(settings_.states, turn.now)) {
    reply = TooManyReads(turn, settings_.states);
  } else if (auto missing = WhyNoSubscription(turn)) {
    reply.response = *std::move(missing);
  } else {
    reply.response = states_.Answer(turn.call, settings_.states_page);
  }
  reply.response.headers.emplace_back("x-ms-ratelimit-remaining-policy-insights-requests", std::to_string(bucket.left()));
  return reply;
}

AzureSettings AzureWorld::settings() const {
  base::MutexLock lock(mutex_);
  return settings_;
}

void AzureWorld::SetSettings(const AzureSettings& settings) {
  base::MutexLock lock(mutex_);
  settings_ = settings;
}

std::string AzureWorld::AddRegistry(const std::string& subscription, const std::string& resource_group, const std::string& name,
                                    const json& properties) {
  PutRegistry(RegistryBody(subscription, resource_group, name, properties));
  return RegistryId(subscription, resource_group, name);
}

void AzureWorld::PutRegistry(json body) {
  base::MutexLock lock(mutex_);
  TellGraph(body);
  subscriptions_.Put(std::move(body));
}

bool AzureWorld::ChangeRegistry(const std::string& id, const json& properties) {
  base::MutexLock lock(mutex_);
  const AzureSubscriptions::Registry* const registry = subscriptions_.FindRegistry(id);
  if (registry == nullptr) {
    return false;
  }
  json body = registry->body();
  body["properties"].merge_patch(properties);
  TellGraph(body);
  subscriptions_.Put(std::move(body));
  return true;
}

bool AzureWorld::DeleteRegistry(const std::string& id) {
  base::MutexLock lock(mutex_);
  graph_.Erase(id, clock_.Monotonic() + settings_.graph_lag);
  children_.EraseAllOf(id);
  return subscriptions_.Erase(id);
}

void AzureWorld::PutChild(json body) {
  base::MutexLock lock(mutex_);
  children_.Put(std::move(body));
}

bool AzureWorld::DeleteChild(const std::string& id) {
  base::MutexLock lock(mutex_);
  return children_.Erase(id);
}

void AzureWorld::DeleteChildrenOf(const std::string& registry_id) {
  base::MutexLock lock(mutex_);
  children_.EraseAllOf(registry_id);
}

void AzureWorld::TellGraph(const json& body) {
  const std::string id = body.at("id");
  graph_.Put(id, PartsOf(id).subscription, body.at("properties").value("loginServer", ""), clock_.Monotonic() + settings_.graph_lag);
}

std::optional<json> AzureWorld::FindRegistry(const std::string& id) {
  base::MutexLock lock(mutex_);
  const AzureSubscriptions::Registry* const registry = subscriptions_.FindRegistry(id);
  return registry == nullptr ? std::nullopt : std::optional(registry->body());
}

std::vector<std::string> AzureWorld::RegistryIds() {
  base::MutexLock lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [ignored, subscription] : subscriptions_.all()) {
    for (const auto& [lower_id, registry] : subscription.registries) {
      ids.push_back(registry.id());
    }
  }
  return ids;
}

void AzureWorld::AddSubscription(const std::string& subscription) {
  base::MutexLock lock(mutex_);
  subscriptions_.Add(subscription);
  Changed();
}

void AzureWorld::DeleteSubscription(const std::string& subscription) {
  base::MutexLock lock(mutex_);
  const AzureSubscriptions::Subscription* const found = subscriptions_.Find(subscription);
  if (found == nullptr) {
    return;
  }
  for (const auto& [id, registry] : found->registries) {
    graph_.Erase(id, clock_.Monotonic() + settings_.graph_lag);
  }
  subscriptions_.Remove(subscription);
  Changed();
}

void AzureWorld::SetManagementGroup(const std::string& name, const std::vector<std::string>& subscriptions) {
  base::MutexLock lock(mutex_);
  std::vector<std::string>& group = management_groups_[base::AsciiLower(name)];
  group.clear();
  for (const std::string& subscription : subscriptions) {
    group.push_back(base::AsciiLower(subscription));
  }
  Changed();
}

void AzureWorld::PutApplication(const AzureApplication& application) {
  AzureApplication lower = application;
  if (application.subscriptions) {
    lower.subscriptions->clear();
    for (const std::string& subscription : *application.subscriptions) {
      lower.subscriptions->insert(base::AsciiLower(subscription));
    }
  }
  base::MutexLock lock(mutex_);
  login_.Put(std::move(lower));
  Changed();
}

std::string AzureWorld::IdentityHeader() const {
  base::MutexLock lock(mutex_);
  return login_.identity_header();
}

void AzureWorld::RevokeTokens() {
  base::MutexLock lock(mutex_);
  login_.RevokeTokens();
}

std::uint64_t AzureWorld::TokensHandedOut() const {
  base::MutexLock lock(mutex_);
  return login_.handed_out();
}

std::string AzureWorld::LastAssertion() const {
  base::MutexLock lock(mutex_);
  return login_.last_assertion();
}

void AzureWorld::DenySubscription(const std::string& subscription, bool denied) {
  base::MutexLock lock(mutex_);
  subscriptions_.Add(subscription);
  subscriptions_.Find(subscription)->denied = denied;
  Changed();
}

void AzureWorld::DenyRegistry(const std::string& id, bool denied) {
  base::MutexLock lock(mutex_);
  subscriptions_.SetDenied(id, denied);
  Changed();
}

void AzureWorld::PutPolicyState(const PolicyState& state) {
  base::MutexLock lock(mutex_);
  states_.Put(state);
}

std::string AzureWorld::PutPolicy(const json& body) {
  base::MutexLock lock(mutex_);
  policies_.Put(body);
  return body.at("id");
}

void AzureWorld::DeletePolicy(const std::string& id) {
  base::MutexLock lock(mutex_);
  policies_.Erase(id);
}

std::uint64_t AzureWorld::Count() const {
  base::MutexLock lock(mutex_);
  return log_.Count();
}

std::uint64_t AzureWorld::Count(AzureService service) const {
  base::MutexLock lock(mutex_);
  return log_.Count(service);
}

std::uint64_t AzureWorld::Count(const std::string& subscription) const {
  base::MutexLock lock(mutex_);
  return log_.Count(subscription);
}

std::vector<AzureRequest> AzureWorld::Requests() const {
  base::MutexLock lock(mutex_);
  return log_.Requests();
}

std::vector<std::string> AzureWorld::violations() const {
  base::MutexLock lock(mutex_);
  return log_.violations();
}

void AzureWorld::ForgetRequests() {
  base::MutexLock lock(mutex_);
  log_.Clear();
}

}  // namespace support
