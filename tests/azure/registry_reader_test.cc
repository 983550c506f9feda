#include "azure/registry_reader.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/resource_graph.h"
#include "tests/azure/arm_world.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ArmError::Kind;

constexpr const char* kSubscription = "00000000-0000-0000-0000-000000000000";
constexpr const char* kListTarget =
    "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.ContainerRegistry/registries?api-version=2025-11-01";
constexpr const char* kGraphTarget = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";

json ReadData(const std::string& name) {
  std::ifstream file(std::string(ACR_TEST_DATA) + "/" + name);
  EXPECT_TRUE(file.good()) << name;
  return json::parse(file);
}

std::string IdOf(const std::string& name, const std::string& subscription = kSubscription) {
  return "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
}
std::string TargetOf(const std::string& name) { return IdOf(name) + "?api-version=2025-11-01"; }
std::string ConnectionsTargetOf(const std::string& name) { return IdOf(name) + "/privateEndpointConnections?api-version=2025-11-01"; }

// A recorded body under another name.
json Body(const std::string& name, const std::string& subscription = kSubscription) {
  static const json kRecorded = ReadData("registries/premium_open_2023-11-01-preview.json");
  json body = kRecorded;
  body["id"] = IdOf(name, subscription);
  body["name"] = name;
  body["properties"]["loginServer"] = name + ".azurecr.io";
  return body;
}

json BodyWithoutConnections(const std::string& name) {
  json body = Body(name);
  body["properties"].erase("privateEndpointConnections");
  return body;
}

http::Response Answer(const json& body, http::Headers headers = {}) { return support::JsonResponse(200, body.dump(), std::move(headers)); }
http::Response ListOf(json::array_t bodies, const std::string& next = {}) {
  json list = {{"value", std::move(bodies)}};
  if (!next.empty()) {
    list["nextLink"] = next;
  }
  return Answer(list);
}

json GraphRow(const std::string& name, const std::string& subscription = kSubscription) {
  return {{"id", IdOf(name, subscription)}, {"loginServer", name + ".azurecr.io"}};
}
json GraphAnswer(json::array_t rows, std::size_t total, const std::string& skip_token = {}) {
  json answer = {{"totalRecords", total}, {"count", rows.size()}, {"resultTruncated", "false"}, {"data", std::move(rows)}};
  if (!skip_token.empty()) {
    answer["$skipToken"] = skip_token;
  }
  return answer;
}

// A reader whose pauses move the clock.
class ReaderWorld : public ArmWorld {
 public:
  explicit ReaderWorld(support::ScriptedHttp::Answer answer, std::string api_version = std::string(kRegistryApiVersion))
      : ArmWorld(std::move(answer)), reader(MakeRegistryReader(arm, clock, std::move(api_version), [this](milliseconds time) {
          pauses.push_back(time);
          clock.Advance(time);
        })) {}

  // Answers by "GET /target"; anything else is 500.
  explicit ReaderWorld(std::map<std::string, http::Response> answers)
      : ReaderWorld([answers = std::move(answers)](const http::Request& request) {
          const auto found = answers.find(request.method + " " + request.url.substr(std::string_view(kArmOrigin).size()));
          return found == answers.end() ? ArmFailure(500, "Unexpected") : found->second;
        }) {}

  std::vector<milliseconds> pauses;
  std::unique_ptr<RegistryReader> reader;
};

template <class T>
std::vector<std::string> LoginServers(const std::vector<T>& found) {
  std::vector<std::string> names;
  for (const T& one : found) {
    names.push_back(one.login_server);
  }
  return names;
}

TEST(RegistryReader, ListsASubscription) {
  ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({Body("alpha"), Body("beta")})}});
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_THAT(LoginServers(*registries), ElementsAre("alpha.azurecr.io", "beta.azurecr.io"));
  EXPECT_EQ(registries->at(0).resource_id, IdOf("alpha"));
  EXPECT_EQ(json::parse(registries->at(0).body.Text()), Body("alpha"));
  EXPECT_EQ(registries->at(0).observed, world.clock.Now());
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("GET ") + kListTarget));
}

TEST(RegistryReader, TakesLoginServersUnderACustomCloudsSuffix) {
  json body = Body("alpha");
  body["properties"]["loginServer"] = "alpha.azsacr.stack.example";
  ReaderWorld world([&](const http::Request& request) { return request.url.ends_with(kListTarget) ? ListOf({body}) : Answer(body); });
  const auto reader = MakeRegistryReader(world.arm, world.clock, std::string(kRegistryApiVersion), SleepPause,
                                         policy::RegistrySuffixes().With({"azsacr.stack.example"}));
  const auto registries = reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_THAT(LoginServers(*registries), ElementsAre("alpha.azsacr.stack.example"));
  const auto registry = reader->Get(IdOf("alpha"), kDeadline);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(registry->login_server, "alpha.azsacr.stack.example");
  EXPECT_FALSE(world.reader->List(kSubscription, kDeadline));
}

TEST(RegistryReader, ListsASubscriptionThatHoldsNone) {
  ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({})}});
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries);
  EXPECT_THAT(*registries, IsEmpty());
}

TEST(RegistryReader, AsksWithTheApiVersionThatIsSet) {
  ReaderWorld world([](const http::Request&) { return ListOf({}); }, "2023-07-01&x");
  EXPECT_TRUE(world.reader->List(kSubscription, kDeadline));
  EXPECT_THAT(world.Sent(), ElementsAre(HasSubstr("registries?api-version=2023-07-01%26x")));
}

TEST(RegistryReader, FollowsNextLinksToTheEnd) {
  const std::string second = std::string(kListTarget) + "&$skipToken=two";
  ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({Body("alpha")}, kArmOrigin + second)},
                     {"GET " + second, ListOf({}, kArmOrigin + second + "3")},
                     {"GET " + second + "3", ListOf({Body("beta")})}});
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_THAT(LoginServers(*registries), ElementsAre("alpha.azurecr.io", "beta.azurecr.io"));
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("GET ") + kListTarget, "GET " + second, "GET " + second + "3"));
}

TEST(RegistryReader, NeverFollowsANextLinkToAnotherHost) {
  ReaderWorld world([](const http::Request&) { return ListOf({Body("alpha")}, "https://evil.example/subscriptions"); });
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_FALSE(registries);
  EXPECT_EQ(registries.error().kind, Kind::kRejected);
  EXPECT_THAT(registries.error().message, HasSubstr("evil.example:443"));
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("GET ") + kListTarget));
}

TEST(RegistryReader, EndsAListThatGoesRoundInCircles) {
  ReaderWorld world([](const http::Request&) { return ListOf({}, std::string(kArmOrigin) + kListTarget); });
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_FALSE(registries);
  EXPECT_EQ(registries.error().kind, Kind::kUnavailable);
  EXPECT_THAT(world.Sent(), SizeIs(kMaxPages));
}

TEST(RegistryReader, TakesHalfAListForNone) {
  const std::string second = std::string(kListTarget) + "&$skipToken=two";
  for (const http::Response& broken : {ArmFailure(500, "InternalServerError"), ArmFailure(404, "ResourceNotFound"), ListOf({Body("alpha")}),
                                       support::JsonResponse(200, "[]"), support::JsonResponse(200, R"({"value":[)")}) {
    ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({Body("alpha")}, kArmOrigin + second)}, {"GET " + second, broken}});
    const auto registries = world.reader->List(kSubscription, kDeadline);
    ASSERT_FALSE(registries) << broken.body;
    EXPECT_EQ(registries.error().kind, Kind::kUnavailable) << broken.body;
  }
}

TEST(RegistryReader, NamesTheListElementThatIsNoRegistry) {
  json other_type = Body("beta");
  other_type["type"] = "Microsoft.ContainerRegistry/registries/replications";
  json no_login_server = Body("beta");
  no_login_server["properties"].erase("loginServer");
  json of_another_subscription = Body("beta", "11111111-0000-0000-0000-000000000000");
  json strange_id = Body("beta");
  strange_id["id"] = IdOf("beta") + "/../alpha";
  for (const json& element :
       {json(7), json(nullptr), json::object(), other_type, no_login_server, of_another_subscription, strange_id, Body("alpha")}) {
    ReaderWorld world([&](const http::Request&) { return ListOf({Body("alpha"), element}); });
    const auto registries = world.reader->List(kSubscription, kDeadline);
    ASSERT_FALSE(registries) << element;
    EXPECT_EQ(registries.error().kind, Kind::kUnavailable) << element;
    EXPECT_THAT(registries.error().message, HasSubstr("the registries of subscription 00000000-0000-0000-0000-000000000000: $.value[1]"))
        << element;
    EXPECT_THAT(world.Sent(), SizeIs(1));
  }
}

TEST(RegistryReader, RefusesAnAnswerThatIsNoList) {
  for (const char* body : {"{}", R"({"value":{}})", R"({"value":null})", R"({"value":[],"nextLink":7})"}) {
    ReaderWorld world([&](const http::Request&) { return support::JsonResponse(200, body); });
    const auto registries = world.reader->List(kSubscription, kDeadline);
    ASSERT_FALSE(registries) << body;
    EXPECT_EQ(registries.error().kind, Kind::kUnavailable) << body;
  }
  for (const char* body : {R"({"value":[],"nextLink":null})", R"({"value":[],"nextLink":""})"}) {
    ReaderWorld world([&](const http::Request&) { return support::JsonResponse(200, body); });
    EXPECT_TRUE(world.reader->List(kSubscription, kDeadline)) << body;
  }
}

TEST(RegistryReader, ReadsEveryRecordedBody) {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(ACR_TEST_DATA) + "/registries")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json" || name.starts_with("list_")) {
      continue;
    }
    const json body = ReadData("registries/" + name);
    const bool lacks = !body.at("properties").contains("privateEndpointConnections");
    ReaderWorld world([&](const http::Request& request) {
      return request.url.find("/privateEndpointConnections?") == std::string::npos ? Answer(body) : ListOf({});
    });
    const auto registry = world.reader->Get(body.at("id"), kDeadline);
    ASSERT_TRUE(registry) << name << ": " << registry.error().ToString();
    EXPECT_EQ(registry->login_server, body.at("properties").at("loginServer").get<std::string>()) << name;
    EXPECT_THAT(world.Sent(), SizeIs(lacks ? 2 : 1)) << name;
    ++read;
  }
  EXPECT_GE(read, 20U);
}

TEST(RegistryReader, GetsOneRegistry) {
  ReaderWorld world({{"GET " + TargetOf("alpha"), Answer(Body("alpha"))}});
  const auto registry = world.reader->Get(IdOf("alpha"), kDeadline);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(registry->login_server, "alpha.azurecr.io");
  EXPECT_EQ(registry->name, "alpha");
  EXPECT_EQ(json::parse(registry->body.Text()), Body("alpha"));
  EXPECT_THAT(world.Sent(), ElementsAre("GET " + TargetOf("alpha")));
}

TEST(RegistryReader, GetsARegistryByAnIdInAnyCase) {
  ReaderWorld world([](const http::Request&) { return Answer(Body("alpha")); });
  const auto registry = world.reader->Get(
      "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERREGISTRY/REGISTRIES/ALPHA",
      kDeadline);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(registry->resource_id, IdOf("alpha")) << "as Azure writes it";
}

TEST(RegistryReader, PutsNothingButIdsIntoUrls) {
  ReaderWorld world([](const http::Request&) { return Answer(Body("alpha")); });
  for (const std::string& id : {std::string(), IdOf("alpha") + "/privateEndpointConnections", IdOf("alpha") + "?x", IdOf(".."),
                                IdOf("a%2fb"), std::string("https://evil.example") + IdOf("alpha")}) {
    EXPECT_EQ(world.reader->Get(id, kDeadline).error().kind, Kind::kRejected) << id;
  }
  for (const char* subscription :
       {"", "..", "me", "00000000-0000-0000-0000-000000000000/resourceGroups/x", "00000000-0000-0000-0000-00000000000?"}) {
    EXPECT_EQ(world.reader->List(subscription, kDeadline).error().kind, Kind::kRejected) << subscription;
  }
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(RegistryReader, RefusesAnAnswerAboutAnotherRegistry) {
  for (const json& body : {Body("beta"), json{{"value", json::array({Body("alpha")})}}, json{{"data", json::array()}}, json::object(),
                           json{{"error", {{"code", "x"}, {"message", "y"}}}}}) {
    ReaderWorld world([&](const http::Request&) { return Answer(body); });
    const auto registry = world.reader->Get(IdOf("alpha"), kDeadline);
    ASSERT_FALSE(registry) << body;
    EXPECT_EQ(registry.error().kind, Kind::kUnavailable) << body;
  }
}

TEST(RegistryReader, KnowsThatARegistryIsGone) {
  for (const http::Response& gone :
       {support::JsonResponse(404, ReadData("azure/error_404_arm-gateway.json").dump(), {{"x-ms-failure-cause", "gateway"}}),
        support::JsonResponse(404, ReadData("azure/error_404_rp.json").dump()), ArmFailure(404, "ResourceGroupNotFound"),
        ArmFailure(404, "SubscriptionNotFound")}) {
    ReaderWorld world([&](const http::Request&) { return gone; });
    EXPECT_EQ(world.reader->Get(IdOf("alpha"), kDeadline).error().kind, Kind::kNotFound) << gone.body;
  }
}

TEST(RegistryReader, NeverTakesAWrongQuestionForAGoneRegistry) {
  for (const char* code : {"InvalidResourceType", "InvalidResourceNamespace", ""}) {
    ReaderWorld world([&](const http::Request&) { return ArmFailure(404, code); });
    EXPECT_NE(world.reader->Get(IdOf("alpha"), kDeadline).error().kind, Kind::kNotFound) << code;
  }
  ReaderWorld world({{"GET " + TargetOf("alpha"), Answer(BodyWithoutConnections("alpha"))},
                     {"GET " + ConnectionsTargetOf("alpha"), ArmFailure(404, "ResourceNotFound")}});
  EXPECT_EQ(world.reader->Get(IdOf("alpha"), kDeadline).error().kind, Kind::kUnavailable) << "of its connections, not of itself";
}

TEST(RegistryReader, NamesTheLeastRoleWhereItIsForbidden) {
  ReaderWorld world([](const http::Request& request) {
    return request.url.find("registries/lacking?") == std::string::npos ? ArmFailure(403, "AuthorizationFailed")
                                                                        : Answer(BodyWithoutConnections("lacking"));
  });
  const ArmError list = world.reader->List(kSubscription, kDeadline).error();
  EXPECT_EQ(list.kind, Kind::kForbidden);
  EXPECT_EQ(list.code, "AuthorizationFailed");
  EXPECT_EQ(
      list.remedy,
      "assign the role of docs/azure.md, or any with Microsoft.ContainerRegistry/registries/read, at "
      "/subscriptions/00000000-0000-0000-0000-000000000000 to workload identity 0b8f of tenant 72f9; without a role of your own the "
      "built-in \"Container Registry Configuration Reader and Data Access Configuration Reader\" fits; a role acts within 30 minutes");
  const ArmError get = world.reader->Get(IdOf("alpha"), kDeadline).error();
  EXPECT_EQ(get.kind, Kind::kForbidden);
  EXPECT_THAT(get.remedy, HasSubstr("registries/read, at " + IdOf("alpha") + " to"));
  const ArmError discover = world.reader->Discover(Scope{}, kDeadline).error();
  EXPECT_EQ(discover.kind, Kind::kForbidden);
  EXPECT_THAT(discover.remedy, HasSubstr("at the subscriptions or management groups of the scope"));
  const ArmError connections = world.reader->Get(IdOf("lacking"), kDeadline).error();
  EXPECT_EQ(connections.kind, Kind::kForbidden);
  EXPECT_THAT(connections.remedy, HasSubstr("registries/privateEndpointConnections/read, at " + IdOf("lacking") + " to"));
}

TEST(RegistryReader, KeepsTheRemedyOfARefusedToken) {
  ReaderWorld world([](const http::Request&) { return ArmFailure(401, "InvalidAuthenticationTokenTenant"); });
  EXPECT_THAT(world.reader->List(kSubscription, kDeadline).error().remedy, HasSubstr("tenant and the cloud"));
}

TEST(RegistryReader, FetchesConnectionsThatABodyLacks) {
  const json connections = ReadData("azure/pec-list_approved-and-pending.json");
  json null_connections = Body("gamma");
  null_connections["properties"]["privateEndpointConnections"] = nullptr;
  ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({Body("alpha"), BodyWithoutConnections("beta"), null_connections})},
                     {"GET " + ConnectionsTargetOf("beta"), Answer(connections)},
                     {"GET " + ConnectionsTargetOf("gamma"), ListOf({})},
                     {"GET " + TargetOf("beta"), Answer(BodyWithoutConnections("beta"))}});
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  json expected = Body("beta");
  expected["properties"]["privateEndpointConnections"] = connections["value"];
  EXPECT_EQ(json::parse(registries->at(0).body.Text()), Body("alpha"));
  EXPECT_EQ(json::parse(registries->at(1).body.Text()), expected);
  EXPECT_EQ(json::parse(registries->at(2).body.Text()), Body("gamma"));
  EXPECT_THAT(world.Sent(),
              ElementsAre(std::string("GET ") + kListTarget, "GET " + ConnectionsTargetOf("beta"), "GET " + ConnectionsTargetOf("gamma")));
  const auto registry = world.reader->Get(IdOf("beta"), kDeadline);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(json::parse(registry->body.Text()), expected);
}

TEST(RegistryReader, FetchesAllPagesOfConnections) {
  const json connections = ReadData("azure/pec-list_approved-and-pending.json")["value"];
  const std::string second = ConnectionsTargetOf("alpha") + "&$skipToken=two";
  ReaderWorld world({{"GET " + TargetOf("alpha"), Answer(BodyWithoutConnections("alpha"))},
                     {"GET " + ConnectionsTargetOf("alpha"), ListOf({connections[0]}, kArmOrigin + second)},
                     {"GET " + second, ListOf({connections[1]})}});
  const auto registry = world.reader->Get(IdOf("alpha"), kDeadline);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(json::parse(registry->body.Text())["properties"]["privateEndpointConnections"], connections);
}

TEST(RegistryReader, FailsWhenConnectionsCannotBeRead) {
  for (const http::Response& broken :
       {ArmFailure(500, "InternalServerError"), support::JsonResponse(200, "{}"), ListOf({}, "https://evil.example/"),
        ListOf({}, std::string(kArmOrigin) + ConnectionsTargetOf("alpha"))}) {
    ReaderWorld world(
        {{std::string("GET ") + kListTarget, ListOf({BodyWithoutConnections("alpha")})}, {"GET " + ConnectionsTargetOf("alpha"), broken}});
    EXPECT_FALSE(world.reader->List(kSubscription, kDeadline)) << broken.body;
  }
}

TEST(RegistryReader, LeavesConnectionsOutWhereTheApiVersionKnowsOfNone) {
  ReaderWorld world({{std::string("GET ") + kListTarget, ListOf({BodyWithoutConnections("alpha"), BodyWithoutConnections("beta")})},
                     {"GET " + ConnectionsTargetOf("alpha"), ArmFailure(400, "NoRegisteredProviderFound")}});
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_EQ(json::parse(registries->at(0).body.Text()), BodyWithoutConnections("alpha"));
  EXPECT_EQ(json::parse(registries->at(1).body.Text()), BodyWithoutConnections("beta"));
  EXPECT_THAT(world.Sent(), SizeIs(2)) << "asked once, not for each registry";
}

TEST(RegistryReader, DatesWhatItReadByWhenItAsked) {
  ReaderWorld* self = nullptr;
  const std::string second = std::string(kListTarget) + "&$skipToken=two";
  ReaderWorld world([&](const http::Request& request) {
    self->clock.Advance(seconds(5));
    if (request.url.find("privateEndpointConnections") != std::string::npos) {
      return ListOf({});
    }
    if (request.url.find("registries?") == std::string::npos) {
      return Answer(BodyWithoutConnections("alpha"));
    }
    return request.url.ends_with("two") ? ListOf({Body("beta")}) : ListOf({BodyWithoutConnections("alpha")}, kArmOrigin + second);
  });
  self = &world;
  const base::Time start = world.clock.Now();
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_EQ(registries->at(0).observed, start);
  EXPECT_EQ(registries->at(1).observed, start + seconds(10)) << "after the first page and its connections";
  const base::Time later = world.clock.Now();
  EXPECT_EQ(world.reader->Get(IdOf("alpha"), kDeadline)->observed, later);
}

TEST(RegistryReader, DatesAPageThatItWaitedForByItsLastAttempt) {
  bool refuse = true;
  ReaderWorld world([&](const http::Request& request) {
    if (!request.url.ends_with("two")) {
      return ListOf({Body("alpha")}, std::string(kArmOrigin) + kListTarget + "&$skipToken=two");
    }
    return std::exchange(refuse, false) ? ArmFailure(429, "TooManyRequests", {{"Retry-After", "7"}}) : ListOf({Body("beta")});
  });
  const base::Time start = world.clock.Now();
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_EQ(registries->at(0).observed, start);
  EXPECT_EQ(registries->at(1).observed, start + seconds(7));
}

TEST(RegistryReader, KeepsOneDeadlineForAllItsCalls) {
  ReaderWorld* self = nullptr;
  ReaderWorld world([&](const http::Request&) {
    self->clock.Advance(milliseconds(400));
    return ListOf({}, std::string(kArmOrigin) + kListTarget);
  });
  self = &world;
  EXPECT_EQ(world.reader->List(kSubscription, seconds(1)).error().kind, Kind::kUnavailable);
  const std::vector<http::Request> requests = world.http.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2].deadline, milliseconds(200));
}

TEST(RegistryReader, DiscoversRegistries) {
  ReaderWorld world([](const http::Request&) { return Answer(GraphAnswer({GraphRow("alpha"), GraphRow("beta")}, 2)); });
  const auto found = world.reader->Discover(Scope{}, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(LoginServers(*found), ElementsAre("alpha.azurecr.io", "beta.azurecr.io"));
  EXPECT_EQ(found->at(0).resource_id, IdOf("alpha"));
  EXPECT_EQ(found->at(0).subscription, kSubscription);
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("POST ") + kGraphTarget));
  EXPECT_EQ(json::parse(world.http.requests()[0].body), GraphRequests(AllRegistriesQuery(), Scope{})[0]);
}

TEST(RegistryReader, DiscoversAllPages) {
  ReaderWorld world([](const http::Request& request) {
    const json token = json::parse(request.body)["options"].value("$skipToken", json());
    return Answer(token.is_null() ? GraphAnswer({GraphRow("alpha")}, 2, "two") : GraphAnswer({GraphRow("beta")}, 2));
  });
  const auto found = world.reader->Discover(Scope{}, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(LoginServers(*found), ElementsAre("alpha.azurecr.io", "beta.azurecr.io"));
  const json first = GraphRequests(AllRegistriesQuery(), Scope{})[0];
  ASSERT_THAT(world.http.requests(), SizeIs(2));
  EXPECT_EQ(json::parse(world.http.requests()[1].body), NextGraphRequest(first, "two"));
}

TEST(RegistryReader, DiscoversEachRegistryOnce) {
  ReaderWorld world([](const http::Request& request) {
    return Answer(json::parse(request.body)["managementGroups"].size() == 300 ? GraphAnswer({GraphRow("alpha")}, 1)
                                                                              : GraphAnswer({GraphRow("Alpha"), GraphRow("beta")}, 2));
  });
  const auto found = world.reader->Discover(Scope{{}, std::vector<std::string>(301, "group")}, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(LoginServers(*found), ElementsAre("alpha.azurecr.io", "beta.azurecr.io"));
  EXPECT_THAT(world.Sent(), SizeIs(2));
}

TEST(RegistryReader, RefusesADiscoveryThatIsNotWhole) {
  json truncated = GraphAnswer({GraphRow("alpha")}, 1);
  truncated["resultTruncated"] = "true";
  for (const json& answer : {truncated, GraphAnswer({GraphRow("alpha")}, 2), GraphAnswer({GraphRow("alpha"), GraphRow("ALPHA")}, 2),
                             GraphAnswer({GraphRow("alpha")}, 9, "again"), json::object()}) {
    ReaderWorld world([&](const http::Request&) { return Answer(answer); });
    const auto found = world.reader->Discover(Scope{}, kDeadline);
    ASSERT_FALSE(found) << answer;
    EXPECT_EQ(found.error().kind, Kind::kUnavailable) << answer;
    EXPECT_LE(world.Sent().size(), kMaxPages);
  }
}

TEST(RegistryReader, TakesNothingOfResourceGraphForAGoneRegistry) {
  ReaderWorld world([](const http::Request&) { return ArmFailure(404, "SubscriptionNotFound"); });
  EXPECT_EQ(world.reader->Discover(Scope{}, kDeadline).error().kind, Kind::kUnavailable);
}

TEST(RegistryReader, LooksNamesUpInOneQuery) {
  ReaderWorld world([](const http::Request&) { return Answer(GraphAnswer({GraphRow("alpha")}, 1)); });
  const Scope scope{{kSubscription}, {}};
  const auto found = world.reader->LookUp({"ALPHA.azurecr.io", "bad'name) or (true", "beta.azurecr.io", "a\\"}, scope, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(LoginServers(*found), ElementsAre("alpha.azurecr.io"));
  ASSERT_THAT(world.http.requests(), SizeIs(1));
  EXPECT_EQ(json::parse(world.http.requests()[0].body), GraphRequests(RegistriesQuery({"alpha.azurecr.io", "beta.azurecr.io"}), scope)[0]);
}

TEST(RegistryReader, AsksNothingWhereNoNameCanBeAHost) {
  ReaderWorld world([](const http::Request&) { return ArmFailure(500, "Unexpected"); });
  for (const std::vector<std::string>& names : {std::vector<std::string>{}, {"a'b", ""}}) {
    const auto found = world.reader->LookUp(names, Scope{}, kDeadline);
    ASSERT_TRUE(found);
    EXPECT_THAT(*found, IsEmpty());
  }
  EXPECT_EQ(world.reader->LookUp(std::vector<std::string>(RegistryReader::kMaxLookUp + 1, "a"), Scope{}, kDeadline).error().kind,
            Kind::kRejected);
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(RegistryReader, NeverWaitsBeforeTheFirstCall) {
  ReaderWorld world([](const http::Request&) { return ArmFailure(429, "TooManyRequests", {{"Retry-After", "3"}}); });
  const auto registries = world.reader->List(kSubscription, kDeadline);
  ASSERT_FALSE(registries);
  EXPECT_EQ(registries.error().kind, Kind::kThrottled);
  EXPECT_EQ(registries.error().retry_after, seconds(3));
  EXPECT_EQ(world.reader->Get(IdOf("alpha"), kDeadline).error().kind, Kind::kThrottled) << "the same subscription";
  EXPECT_THAT(world.pauses, IsEmpty());
  EXPECT_THAT(world.Sent(), SizeIs(1));
}

TEST(RegistryReader, WaitsBetweenPagesAsLongAsAzureAsks) {
  ReaderWorld* self = nullptr;
  std::chrono::steady_clock::time_point open{};
  bool refuse = true;
  ReaderWorld world([&](const http::Request& request) {
    EXPECT_GE(self->clock.Monotonic(), open) << "sent within a Retry-After";
    if (!json::parse(request.body)["options"].contains("$skipToken")) {
      return Answer(GraphAnswer({GraphRow("alpha")}, 2, "two"));
    }
    if (std::exchange(refuse, false)) {
      open = self->clock.Monotonic() + seconds(7);
      return ArmFailure(429, "RateLimiting", {{"Retry-After", "7"}});
    }
    return Answer(GraphAnswer({GraphRow("beta")}, 2));
  });
  self = &world;
  const auto found = world.reader->Discover(Scope{}, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(*found, SizeIs(2));
  EXPECT_THAT(world.pauses, ElementsAre(seconds(7)));
  EXPECT_THAT(world.Sent(), SizeIs(3));
}

TEST(RegistryReader, NeverWaitsBeyondItsDeadlineOrForEver) {
  const auto second_page_throttled = [](const http::Request& request) {
    return json::parse(request.body)["options"].contains("$skipToken") ? ArmFailure(429, "RateLimiting", {{"Retry-After", "2"}})
                                                                       : Answer(GraphAnswer({GraphRow("alpha")}, 2, "two"));
  };
  ReaderWorld impatient(second_page_throttled);
  EXPECT_EQ(impatient.reader->Discover(Scope{}, seconds(2)).error().kind, Kind::kThrottled);
  EXPECT_THAT(impatient.pauses, IsEmpty());
  ReaderWorld patient(second_page_throttled);
  EXPECT_EQ(patient.reader->Discover(Scope{}, std::chrono::hours(1)).error().kind, Kind::kThrottled);
  EXPECT_THAT(patient.pauses, SizeIs(5));
}

// An Azure of 300 subscriptions, whose Resource Graph gives 15 queries in 5 seconds and refuses the rest.
TEST(RegistryReader, SendsTokensNowhereButToResourceManager) {
  ReaderWorld world([](const http::Request& request) {
    return request.method == "GET" ? ListOf({BodyWithoutConnections("alpha")}, "https://evil.example/next")
                                   : Answer(GraphAnswer({GraphRow("alpha")}, 2, "https://evil.example/token"));
  });
  EXPECT_FALSE(world.reader->Discover(Scope{}, kDeadline));
  EXPECT_FALSE(world.reader->List(kSubscription, kDeadline));
  EXPECT_FALSE(world.reader->Get(IdOf("alpha"), kDeadline));
  ASSERT_FALSE(world.http.requests().empty());
  for (const http::Request& request : world.http.requests()) {
    EXPECT_TRUE(request.url.starts_with("https://management.azure.com/")) << request.url;
  }
}

}  // namespace
}  // namespace azure
