// What reads Azure, against the fake Azure of tests/support: without sockets, in simulated time.
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/policy_states.h"
#include "tests/azure/fake_azure_session.h"
#include "tests/support/azure_world_client.h"
#include "tests/support/temp_folder.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using support::AzureOperation;
using support::AzureService;
using support::AzureSettings;
using support::EveryCallAbout;
using support::EveryCallOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Kind = ArmError::Kind;

constexpr milliseconds kDeadline = minutes(5);
constexpr const char* kOrigin = "https://management.azure.com";

std::string Subscription(int number) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%08x-0000-4000-8000-000000000000", static_cast<unsigned>(number));
  return text.data();
}

const std::string kSubscription = Subscription(1);  // NOLINT: of a few tests' whole life

class FakeAzure : public ::testing::Test {
 protected:
  std::unique_ptr<Session> LogIn(const support::AzureApplication& application = support::TestApplication(),
                                 std::string api_version = std::string(kRegistryApiVersion)) {
    folder_.Write("secret", application.client_secret);
    CredentialOptions options;
    options.kind = CredentialKind::kClientSecret;
    options.tenant_id = application.tenant_id;
    options.client_id = application.client_id;
    options.client_secret_file = folder_ / "secret";
    auto source = MakeTokenSource(
        options, [](const std::string&) { return std::nullopt; }, cloud_, client_, clock_, [](milliseconds) { return true; });
    EXPECT_TRUE(source) << (source ? "" : source.error().ToString());
    return std::make_unique<Session>(*std::move(source), cloud_, client_, clock_, std::move(api_version));
  }

  // The error of a call that has to fail, which is listened to.
  template <class T>
  ArmError ErrorOf(const ArmResult<T>& result) {
    EXPECT_FALSE(result);
    if (!result) {
      heard_.Note(result.error().ToString());
    }
    return result ? ArmError{} : result.error();
  }

  void Set(const std::function<void(AzureSettings&)>& change) {
    AzureSettings settings = world_.settings();
    change(settings);
    world_.SetSettings(settings);
  }

  ArmResult<std::vector<policy::Registry>> List(const std::string& subscription = kSubscription) {
    return session_->reader->List(subscription, kDeadline);
  }
  ArmResult<policy::Registry> Get(const std::string& id) { return session_->reader->Get(id, kDeadline); }
  ArmResult<policy::ChildList> Children(const std::string& id, const std::string& kind = "tokens") {
    return session_->reader->ListChildren(id, kind, kDeadline);
  }
  ArmResult<std::vector<Discovered>> Discover(const Scope& scope = {}) { return session_->reader->Discover(scope, kDeadline); }

  const Cloud cloud_ = FindCloud("AzureCloud").value();
  support::TempFolder folder_;
  support::FakeClock clock_;
  support::AzureWorld world_{clock_};
  std::function<void()> on_request_ = [] {};  // while there is a latency
  support::AzureWorldClient client_{world_, [this](milliseconds time) {
                                      clock_.Advance(time);
                                      on_request_();
                                    }};
  Heard heard_;
  std::unique_ptr<Session> session_ = LogIn();
};

template <class T>
std::vector<std::string> Names(const ArmResult<std::vector<T>>& found) {
  std::vector<std::string> names;
  if (!found) {
    return {found.error().ToString()};
  }
  for (const T& one : *found) {
    names.push_back(one.login_server.substr(0, one.login_server.find('.')));
  }
  return names;
}

std::size_t CountStatus(const support::AzureWorld& world, int status) {
  std::size_t count = 0;
  for (const support::AzureRequest& request : world.Requests()) {
    count += request.status == status ? 1 : 0;
  }
  return count;
}

TEST_F(FakeAzure, TenThousandRegistriesCostAsManyCallsAsTheirSubscriptionsAndPages) {
  constexpr int kRegistries = 10'000;
  constexpr int kSubscriptions = 300;
  for (int i = 0; i < kRegistries; ++i) {
    world_.AddRegistry(Subscription(i % kSubscriptions), "platform", "registry" + std::to_string(i));
  }
  const auto found = Discover();
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(*found, SizeIs(kRegistries));
  std::size_t listed = 0;
  for (int i = 0; i < kSubscriptions; ++i) {
    const auto registries = List(Subscription(i));
    ASSERT_TRUE(registries) << registries.error().ToString();
    listed += registries->size();
  }
  EXPECT_EQ(listed, kRegistries);
  EXPECT_EQ(world_.Count(), 311U) << "a token, ten pages of Resource Graph, a list for each subscription";
  EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(FakeAzure, BothSidesArePagedToTheEnd) {
  Set([](AzureSettings& settings) {
    settings.list_page = 2;
    settings.graph_page = 3;
  });
  for (const char* name : {"alpha", "bravo", "charlie", "delta", "echo"}) {
    world_.AddRegistry(kSubscription, "platform", name);
  }
  world_.AddRegistry(Subscription(2), "platform", "foxtrot");
  EXPECT_THAT(Names(Discover()), ElementsAre("alpha", "bravo", "charlie", "delta", "echo", "foxtrot"));
  EXPECT_EQ(world_.Count(AzureService::kResourceGraph), 2U);
  EXPECT_THAT(Names(List()), ElementsAre("alpha", "bravo", "charlie", "delta", "echo"));
  EXPECT_EQ(world_.Count(kSubscription), 3U);
  const std::string id = world_.AddRegistry(kSubscription, "platform", "golf");
  EXPECT_THAT(Names(List()), Contains("golf")) << "what is written once is written again after a change";
  world_.DeleteRegistry(id);
  EXPECT_THAT(Names(List()), Not(Contains("golf")));
}

TEST_F(FakeAzure, RegistryIsReadWithAllThatJudgesIt) {
  const std::string id = world_.AddRegistry(kSubscription, "platform", "alpha");
  const auto registry = Get(id);
  ASSERT_TRUE(registry) << registry.error().ToString();
  const json properties = json::parse(registry->body.Text()).at("properties");
  EXPECT_EQ(properties.at("encryption").at("status"), "enabled");
  EXPECT_EQ(properties.at("publicNetworkAccess"), "Disabled");
  EXPECT_EQ(properties.at("dataEndpointEnabled"), true);
  EXPECT_EQ(properties.at("privateEndpointConnections").size(), 1U);
  EXPECT_TRUE(world_.ChangeRegistry(id, support::WithOpenNetwork()));
  EXPECT_EQ(json::parse(Get(id)->body.Text()).at("properties").at("publicNetworkAccess"), "Enabled");
  EXPECT_EQ(world_.FindRegistry(id)->at("properties").at("publicNetworkAccess"), "Enabled");
}

TEST_F(FakeAzure, OldApiVersionHidesMembersAndHasNoListOfConnections) {
  session_ = LogIn(support::TestApplication(), "2019-05-01");
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddRegistry(kSubscription, "platform", "bravo");
  const auto registries = List();
  ASSERT_TRUE(registries) << registries.error().ToString();
  for (const policy::Registry& registry : *registries) {
    for (const char* member : {"encryption", "publicNetworkAccess", "dataEndpointEnabled", "privateEndpointConnections"}) {
      EXPECT_FALSE(json::parse(registry.body.Text()).at("properties").contains(member)) << member;
    }
  }
  EXPECT_EQ(world_.Count(kSubscription), 2U) << "the list, and one question for connections that this version does not know";
  session_ = LogIn(support::TestApplication(), "2026-03-01-preview");
  EXPECT_THAT(List()->at(0).body.Text(), HasSubstr("softDeletePolicy"));
  session_ = LogIn();
  EXPECT_THAT(List()->at(0).body.Text(), Not(HasSubstr("softDeletePolicy"))) << "in no stable version";
  session_ = LogIn(support::TestApplication(), "2030-01-01");
  const ArmError error = ErrorOf(List());
  EXPECT_EQ(error.kind, Kind::kRejected);
  EXPECT_EQ(error.code, "NoRegisteredProviderFound");
}

// ---- tokens

TEST_F(FakeAzure, TokenThatEndsAmidAListIsRenewedBeforeItDoes) {
  Set([](AzureSettings& settings) {
    settings.list_page = 1;
    settings.token.expires_in = seconds(120);
  });
  for (int i = 0; i < 25; ++i) {
    world_.AddRegistry(kSubscription, "platform", "registry" + std::to_string(i));
  }
  client_.SetLatency(seconds(10));
  EXPECT_THAT(Names(List()), SizeIs(25));
  EXPECT_GE(world_.TokensHandedOut(), 3U);
  EXPECT_EQ(CountStatus(world_, 401), 0U);
}

TEST_F(FakeAzure, TokenThatIsRevokedAmidAListCostsOneRefusal) {
  Set([](AzureSettings& settings) { settings.list_page = 1; });
  for (const char* name : {"alpha", "bravo", "charlie", "delta"}) {
    world_.AddRegistry(kSubscription, "platform", name);
  }
  client_.SetLatency(milliseconds(1));
  on_request_ = [this, requests = 0]() mutable {
    if (++requests == 4) {  // after the token and two pages
      world_.RevokeTokens();
    }
  };
  EXPECT_THAT(Names(List()), ElementsAre("alpha", "bravo", "charlie", "delta"));
  EXPECT_EQ(CountStatus(world_, 401), 1U);
  EXPECT_EQ(world_.TokensHandedOut(), 2U);
}

TEST_F(FakeAzure, TokenThatIsAlwaysRefusedIsNotRenewedInALoop) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.Fail(EveryCallAbout(kSubscription), {.status = 401, .code = "InvalidAuthenticationToken"});
  for (int i = 0; i < 10; ++i) {
    const ArmError error = ErrorOf(List());
    EXPECT_EQ(error.kind, Kind::kForbidden);
    EXPECT_EQ(error.status, 401);
  }
  EXPECT_LE(world_.TokensHandedOut(), 2U);
}

TEST_F(FakeAzure, LoginRefusesWhatIsWrong) {
  support::AzureApplication wrong = support::TestApplication();
  wrong.client_secret += "-of-yesterday";
  session_ = LogIn(wrong);
  EXPECT_THAT(ErrorOf(List()).ToString(), HasSubstr("AADSTS7000215: Invalid client secret provided"));
  wrong = support::TestApplication("11111111-0000-0000-0000-000000000000");
  session_ = LogIn(wrong);
  EXPECT_THAT(ErrorOf(List()).ToString(), HasSubstr("AADSTS90002: Tenant '11111111-0000-0000-0000-000000000000' not found."));
  wrong = support::TestApplication(support::TestApplication().tenant_id, "11111111-0000-0000-0000-000000000000");
  session_ = LogIn(wrong);
  EXPECT_THAT(ErrorOf(List()).ToString(), HasSubstr("AADSTS700016"));
  EXPECT_EQ(world_.TokensHandedOut(), 0U);
}

// ---- what may not be read, and what is not there

TEST_F(FakeAzure, SubscriptionThatMayNotBeReadIsForbiddenAndLeftOut) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddRegistry(Subscription(2), "platform", "bravo");
  world_.DenySubscription(kSubscription);
  const ArmError error = ErrorOf(List());
  EXPECT_EQ(error.kind, Kind::kForbidden);
  EXPECT_EQ(error.code, "AuthorizationFailed");
  EXPECT_THAT(error.remedy, HasSubstr("at /subscriptions/" + kSubscription));
  EXPECT_THAT(Names(Discover()), ElementsAre("bravo")) << "without a sign";
  EXPECT_EQ(ErrorOf(Discover({{kSubscription}, {}})).kind, Kind::kForbidden) << "when nothing of the scope may be read";
  world_.DenySubscription(kSubscription, false);
  EXPECT_THAT(Names(List()), ElementsAre("alpha"));
  EXPECT_THAT(Names(Discover()), ElementsAre("alpha", "bravo"));
}

TEST_F(FakeAzure, RegistryThatMayNotBeReadVanishesFromListsAndIsForbidden) {
  const std::string id = world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddRegistry(kSubscription, "platform", "bravo");
  world_.DenyRegistry(id);
  EXPECT_THAT(Names(List()), ElementsAre("bravo"));
  EXPECT_THAT(Names(Discover()), ElementsAre("bravo"));
  EXPECT_EQ(ErrorOf(Get(id)).kind, Kind::kForbidden);
  world_.DenyRegistry(id, false);
  EXPECT_THAT(Names(List()), ElementsAre("alpha", "bravo"));
  EXPECT_TRUE(Get(id));
}

TEST_F(FakeAzure, WhatIsNotThereIsSaidInEitherShape) {
  const std::string id = world_.AddRegistry(kSubscription, "platform", "alpha");
  EXPECT_TRUE(world_.DeleteRegistry(id));
  for (const bool by_provider : {false, true}) {
    Set([&](AzureSettings& settings) { settings.not_found_by_provider = by_provider; });
    const ArmError error = ErrorOf(Get(id));
    EXPECT_EQ(error.kind, Kind::kNotFound);
    EXPECT_EQ(error.code, "ResourceNotFound");
  }
  EXPECT_EQ(ErrorOf(Get(support::RegistryId(kSubscription, "other", "alpha"))).code, "ResourceGroupNotFound");
  EXPECT_EQ(ErrorOf(List(Subscription(9))).code, "SubscriptionNotFound");
  EXPECT_THAT(Names(List()), IsEmpty()) << "the subscription is there still";
  world_.DeleteSubscription(kSubscription);
  EXPECT_EQ(ErrorOf(List()).kind, Kind::kNotFound);
}

TEST_F(FakeAzure, EachIdentityReadsItsOwnSubscriptionsOnItsOwnAllowance) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddRegistry(Subscription(2), "platform", "bravo");
  support::AzureApplication other =
      support::TestApplication("11111111-0000-0000-0000-000000000000", "22222222-0000-0000-0000-000000000000");
  other.subscriptions = {Subscription(2)};
  world_.PutApplication(other);
  const auto session = LogIn(other);
  EXPECT_THAT(Names(session->reader->Discover({}, kDeadline)), ElementsAre("bravo"));
  EXPECT_EQ(ErrorOf(session->reader->List(kSubscription, kDeadline)).kind, Kind::kForbidden);
  Set([](AzureSettings& settings) { settings.reads = {1, 0}; });
  const std::string second = Subscription(2);
  EXPECT_TRUE(List(second));
  EXPECT_TRUE(session->reader->List(second, kDeadline));
  EXPECT_EQ(ErrorOf(List(second)).kind, Kind::kThrottled);
}

// ---- Resource Graph

TEST_F(FakeAzure, ResourceGraphIsBehind) {
  const std::string old = world_.AddRegistry(kSubscription, "platform", "alpha");
  EXPECT_THAT(Names(Discover()), ElementsAre("alpha"));
  Set([](AzureSettings& settings) { settings.graph_lag = hours(1); });
  world_.AddRegistry(kSubscription, "platform", "bravo");
  world_.DeleteRegistry(old);
  clock_.Advance(minutes(59));
  EXPECT_THAT(Names(Discover()), ElementsAre("alpha"));
  EXPECT_THAT(Names(List()), ElementsAre("bravo")) << "Resource Manager is not";
  clock_.Advance(minutes(1));
  EXPECT_THAT(Names(Discover()), ElementsAre("bravo"));
}

TEST_F(FakeAzure, ResourceGraphKeepsToItsScope) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddRegistry(Subscription(2), "platform", "bravo");
  world_.AddRegistry(Subscription(3), "platform", "charlie");
  world_.SetManagementGroup("Production", {Subscription(2), Subscription(3)});
  EXPECT_THAT(Names(Discover({{kSubscription}, {}})), ElementsAre("alpha"));
  EXPECT_THAT(Names(Discover({{}, {"production"}})), ElementsAre("bravo", "charlie"));
  EXPECT_THAT(Names(session_->reader->LookUp({"charlie.azurecr.io", "ALPHA.azurecr.io", "nobody.azurecr.io"}, {}, kDeadline)),
              ElementsAre("alpha", "charlie"));
  EXPECT_THAT(Names(session_->reader->LookUp({"alpha.azurecr.io"}, {{}, {"production"}}, kDeadline)), IsEmpty());
}

TEST_F(FakeAzure, ResourceGraphsQuotaIsKept) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  int answered = 0;
  for (int i = 0; i < 1'000; ++i) {
    answered += Discover() ? 1 : 0;
    clock_.Advance(milliseconds(20));
  }
  EXPECT_GT(answered, 40);
  EXPECT_LE(world_.Count(AzureService::kResourceGraph), 60U) << "15 in each of the four windows of 20 s";
  EXPECT_THAT(world_.violations(), IsEmpty());
}

// ---- limits

TEST_F(FakeAzure, NothingIsSentWithinARetryAfter) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  for (const bool as_date : {false, true}) {
    const std::string subscription = Subscription(as_date ? 2 : 1);
    world_.AddSubscription(subscription);
    world_.Fail(EveryCallAbout(subscription), {.status = 429, .retry_after = seconds(30), .retry_after_as_date = as_date}, 1);
    clock_.Advance(milliseconds(400));  // a date has no fractions
    EXPECT_EQ(ErrorOf(List(subscription)).kind, Kind::kThrottled);
    const ArmError held = ErrorOf(List(subscription));
    EXPECT_EQ(held.kind, Kind::kThrottled);
    EXPECT_EQ(held.status, 0) << "not sent";
    clock_.Advance(held.retry_after - milliseconds(1));
    EXPECT_EQ(ErrorOf(List(subscription)).status, 0);
    EXPECT_EQ(world_.Count(subscription), 1U);
    clock_.Advance(milliseconds(1));
    EXPECT_TRUE(List(subscription));
    EXPECT_EQ(world_.Count(subscription), 2U);
  }
  EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(FakeAzure, NoticesWhoAsksWithinARetryAfter) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.Fail(EveryCallAbout(kSubscription), {.status = 429, .retry_after = seconds(30)}, 1);
  const auto impatient = LogIn();  // remembers nothing of the other's
  EXPECT_EQ(ErrorOf(List()).kind, Kind::kThrottled);
  clock_.Advance(seconds(29));
  EXPECT_TRUE(impatient->reader->List(kSubscription, kDeadline));
  EXPECT_THAT(world_.violations(), ElementsAre(HasSubstr("in " + kSubscription + ": asked 1000 ms too early")));
}

TEST_F(FakeAzure, ReadsAreCountedInABucketForEachSubscription) {
  Set([](AzureSettings& settings) { settings.reads = {60, 1}; });
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.AddSubscription(Subscription(2));
  int answered = 0;
  for (int i = 0; i < 600; ++i) {
    answered += List() ? 1 : 0;
    clock_.Advance(milliseconds(100));
  }
  EXPECT_GT(answered, 60);
  EXPECT_LE(answered, 60 + 60) << "the bucket, and what came into it in a minute";
  EXPECT_TRUE(List(Subscription(2)));
  EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(FakeAzure, LongListWaitsForItsAllowance) {
  Set([](AzureSettings& settings) {
    settings.list_page = 1;
    settings.reads = {5, 1};
    settings.retry_after = seconds(3);
    settings.retry_after_as_date = true;
  });
  for (int i = 0; i < 20; ++i) {
    world_.AddRegistry(kSubscription, "platform", "registry" + std::to_string(i));
  }
  EXPECT_THAT(Names(List()), SizeIs(20));
  EXPECT_THAT(world_.violations(), IsEmpty());
}

// ---- children

TEST_F(FakeAzure, ListsChildrenPageByPageUntilTheirRegistryGoes) {
  Set([](AzureSettings& settings) { settings.children_page = 2; });
  const std::string alpha = world_.AddRegistry(kSubscription, "platform", "alpha");
  const std::string beta = world_.AddRegistry(kSubscription, "platform", "beta");
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    world_.PutChild(support::ChildBody(alpha, "tokens", name, {{"status", "enabled"}}));
  }
  world_.PutChild(support::ChildBody(alpha, "scopeMaps", "a"));
  world_.PutChild(support::ChildBody(beta, "tokens", "a"));
  EXPECT_TRUE(world_.DeleteChild(alpha + "/tokens/B"));
  EXPECT_FALSE(world_.DeleteChild(alpha + "/tokens/b"));
  const auto tokens = Children(alpha);
  ASSERT_TRUE(tokens) << tokens.error().ToString();
  const json bodies = json::parse(tokens->resources);
  ASSERT_THAT(bodies, SizeIs(4));
  EXPECT_EQ(bodies[0], support::ChildBody(alpha, "tokens", "a", {{"status", "enabled"}}));
  EXPECT_EQ(bodies[3]["name"], "e");
  EXPECT_EQ(world_.Count(AzureService::kResourceManager), 2u);
  EXPECT_EQ(Children(alpha, "webhooks")->resources, "[]");
  EXPECT_TRUE(world_.DeleteRegistry(alpha));
  EXPECT_EQ(ErrorOf(Children(alpha)).kind, Kind::kNotFound);
  world_.AddRegistry(kSubscription, "platform", "alpha");
  EXPECT_EQ(Children(alpha)->resources, "[]");
  EXPECT_THAT(json::parse(Children(beta)->resources), SizeIs(1));
}

TEST_F(FakeAzure, ChildrenFailAsTheRestDoes) {
  const std::string alpha = world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.Fail(support::EveryListOf("tokens"), {.status = 403}, 1);
  EXPECT_EQ(ErrorOf(Children(alpha)).kind, Kind::kForbidden);
  world_.Fail(support::EveryListOf("tokens"), {.status = 503});
  EXPECT_TRUE(Children(alpha, "scopeMaps"));
  EXPECT_TRUE(Get(alpha));
  EXPECT_EQ(ErrorOf(Children(alpha)).kind, Kind::kUnavailable);
  world_.MendAll();
  world_.DenyRegistry(alpha);
  EXPECT_THAT(ErrorOf(Children(alpha)).ToString(), HasSubstr("Microsoft.ContainerRegistry/registries/tokens/read"));
}

TEST_F(FakeAzure, OldApiVersionsLackKindsOfChildren) {
  const std::string alpha = world_.AddRegistry(kSubscription, "platform", "alpha");
  const std::vector<std::tuple<std::string, bool, bool>> versions = {
      {"2021-09-01", false, false}, {"2022-12-01", true, false}, {"2023-07-01", true, true}, {"2021-08-01-preview", true, true}};
  for (const auto& [version, has_tokens, has_rules] : versions) {
    session_ = LogIn(support::TestApplication(), version);
    for (const auto& [kind, has] : {std::pair("tokens", has_tokens), {"cacheRules", has_rules}, {"webhooks", true}}) {
      const auto list = Children(alpha, kind);
      EXPECT_EQ(list.has_value(), has) << version << " " << kind;
      if (!list) {
        EXPECT_EQ(list.error().kind, Kind::kRejected) << "and so no registry is taken for gone";
        EXPECT_THAT(list.error().ToString(), HasSubstr("inventory.apiVersion"));
      }
    }
  }
}

// ---- bad days

TEST_F(FakeAzure, FailingServiceIsUnavailableAndNamesTheCorrelationId) {
  const std::string id = world_.AddRegistry(kSubscription, "platform", "alpha");
  for (const int status : {500, 502, 503, 504}) {
    const int failure = world_.Fail(AzureService::kResourceManager, status);
    for (const ArmError& error : {ErrorOf(List()), ErrorOf(Get(id))}) {
      EXPECT_EQ(error.kind, Kind::kUnavailable) << status;
      EXPECT_THAT(error.ToString(), HasSubstr("(correlation id c0ffee00-")) << status;
    }
    EXPECT_TRUE(Discover()) << "another service";
    world_.Mend(failure);
    EXPECT_TRUE(List());
  }
  world_.Fail(EveryCallOf(AzureOperation::kGetRegistry), {.status = 500});
  EXPECT_EQ(ErrorOf(Get(id)).kind, Kind::kUnavailable);
  EXPECT_TRUE(List()) << "another operation";
  world_.MendAll();
  EXPECT_TRUE(Get(id));
  world_.Fail(AzureService::kLogin, 503);
  world_.RevokeTokens();
  EXPECT_THAT(ErrorOf(List()).ToString(), HasSubstr("AADSTS90033"));
}

TEST_F(FakeAzure, AnswersThatAreNoneAreNotTakenForAny) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  for (const char* body : {"", "<html>Sign in to the network</html>", R"({"value":[{"id":)", R"({"value":{}})", "[]"}) {
    const int failure = world_.Fail(EveryCallAbout(kSubscription), {.status = 200, .body = body});
    EXPECT_EQ(ErrorOf(List()).kind, Kind::kUnavailable) << body;
    world_.Mend(failure);
  }
}

TEST_F(FakeAzure, RedirectIsNeverFollowed) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  world_.Fail(EveryCallAbout(kSubscription), {.status = 302, .body = "", .headers = {{"Location", "https://evil.example/"}}}, 1);
  EXPECT_EQ(ErrorOf(List()).kind, Kind::kUnavailable);
  EXPECT_EQ(world_.Count(kSubscription), 1U);
  world_.RevokeTokens();
  world_.Fail(EveryCallOf(AzureService::kLogin), {.status = 307, .body = "", .headers = {{"Location", "https://evil.example/"}}});
  EXPECT_THAT(ErrorOf(List()).ToString(), HasSubstr("HTTP 307"));
}

TEST_F(FakeAzure, TransportFails) {
  world_.AddRegistry(kSubscription, "platform", "alpha");
  ASSERT_TRUE(List());
  for (const auto fault : {support::TransportFault::kUnreachable, support::TransportFault::kDropped, support::TransportFault::kDeadline}) {
    client_.faults().Add(support::Every(), fault, 1);
    const auto before = clock_.Monotonic();
    EXPECT_EQ(ErrorOf(List()).kind, Kind::kUnavailable);
    EXPECT_EQ(clock_.Monotonic() - before, fault == support::TransportFault::kDeadline ? kDeadline : milliseconds(0));
    EXPECT_TRUE(List());
  }
}

// ---- Policy Insights

TEST_F(FakeAzure, PolicyStatesComeLowerCasedAndInPages) {
  constexpr const char* kDefinition = "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";
  Set([](AzureSettings& settings) { settings.states_page = 2; });
  for (const char* name : {"Alpha", "Bravo", "Charlie"}) {
    const std::string id = world_.AddRegistry(kSubscription, "Platform", name);
    world_.PutPolicyState({id, kDefinition, "NonCompliant", "audit", "registries", clock_.Now()});
    world_.PutPolicyState({id, "e8eef0a8-67cf-4eb4-9386-14b0e78733d4", "Compliant", "audit", "registries", clock_.Now()});
  }
  std::string target = "/subscriptions/" + kSubscription +
                       "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?api-version=2019-10-01&%24filter="
                       "resourceType%20eq%20'Microsoft.ContainerRegistry%2Fregistries'%20and%20policyDefinitionName%20eq%20'" +
                       kDefinition + "'";
  std::vector<std::string> ids;
  while (!target.empty()) {
    const auto page = session_->arm.Post(target, json::object(), kDeadline);
    ASSERT_TRUE(page) << page.error().ToString();
    for (const json& row : page->at("value")) {
      EXPECT_EQ(row.at("complianceState"), "NonCompliant");
      ids.push_back(row.at("resourceId"));
    }
    target = page->value("@odata.nextLink", "");
    EXPECT_TRUE(target.empty() || target.starts_with(kOrigin)) << target;
  }
  const std::string group =
      "/subscriptions/" + kSubscription + "/resourcegroups/platform/providers/microsoft.containerregistry/registries/";
  EXPECT_THAT(ids, UnorderedElementsAre(group + "alpha", group + "bravo", group + "charlie"));
  EXPECT_EQ(world_.Count(AzureService::kPolicyInsights), 2U);
}

TEST_F(FakeAzure, PolicyStatesOfASubscriptionAreReadWhole) {
  constexpr const char* kDefinition = "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";
  Set([](AzureSettings& settings) {
    settings.states_page = 2;
    settings.states = {2, 1};  // so that pages have to be waited for
  });
  for (const char* name : {"Alpha", "Bravo", "Charlie"}) {
    for (const char* assignment : {"one", "two", "three"}) {
      const bool bad = name == std::string("Bravo") && assignment == std::string("two");
      world_.PutPolicyState({world_.AddRegistry(kSubscription, "Platform", name), kDefinition, bad ? "NonCompliant" : "Compliant", "audit",
                             assignment, clock_.Now()});
    }
  }
  world_.PutPolicyState({world_.AddRegistry(Subscription(2), "Platform", "Other"), kDefinition});
  const auto read = MakeStatesReader(session_->arm, clock_, [this](milliseconds time) { clock_.Advance(time); })(kSubscription, kDeadline);
  ASSERT_TRUE(read) << read.error().ToString();
  std::vector<std::string> states;
  for (const auto& [id, opinions] : read->registries) {
    ASSERT_THAT(opinions, SizeIs(1));
    states.push_back(id.substr(id.rfind('/') + 1) + " " +
                     std::string(policy::ToString(
                         opinions.at(std::string("/providers/microsoft.authorization/policydefinitions/") + kDefinition).state)));
  }
  EXPECT_THAT(states, ElementsAre("alpha Compliant", "bravo NonCompliant", "charlie Compliant"));
  EXPECT_THAT(world_.violations(), IsEmpty());
}

}  // namespace
}  // namespace azure
