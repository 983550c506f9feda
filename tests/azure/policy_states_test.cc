#include "azure/policy_states.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/azure/arm_world.h"

namespace azure {
namespace {

using nlohmann::json;
using policy::ComplianceState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ArmError::Kind;

constexpr const char* kSubscription = "00000000-0000-0000-0000-00000000000a";
constexpr const char* kTarget =
    "/subscriptions/00000000-0000-0000-0000-00000000000a/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"
    "?api-version=2019-10-01&%24filter=resourceType%20eq%20%27Microsoft.ContainerRegistry%2Fregistries%27";
constexpr const char* kPrivateLink = "/providers/microsoft.authorization/policydefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4";
constexpr const char* kPremiumSku = "/providers/microsoft.authorization/policydefinitions/bd560fc0-3c69-498a-ae9f-aa8eb7de0e13";

std::string IdOf(const std::string& name) {
  return "/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/rg/providers/microsoft.containerregistry/registries/" + name;
}

json Row(const std::string& id, const std::string& definition, const std::string& state,
         const std::string& timestamp = "2026-11-23T03:04:05.1234567Z") {
  return {{"resourceId", id},
          {"policyDefinitionId", definition},
          {"policyDefinitionName", definition.substr(definition.rfind('/') + 1)},
          {"complianceState", state},
          {"timestamp", timestamp}};
}

http::Response Page(json::array_t rows, const std::string& next = {}) {
  json page = {{"@odata.count", rows.size()}, {"value", std::move(rows)}};
  if (!next.empty()) {
    page["@odata.nextLink"] = next;
  }
  return support::JsonResponse(200, page.dump());
}

// Answers one request after the other; the last answer is for all that follow.
class StatesWorld : public ArmWorld {
 public:
  explicit StatesWorld(std::vector<http::Response> answers)
      : ArmWorld([answers = std::move(answers), next = std::size_t{0}](const http::Request&) mutable {
          return answers[std::min(next++, answers.size() - 1)];
        }) {}

  ArmResult<policy::SubscriptionStates> Read() {
    return MakeStatesReader(arm, clock, [this](milliseconds time) {
      pauses.push_back(time);
      clock.Advance(time);
    })(kSubscription, kDeadline);
  }
  // What is read of contoso and private-link.
  policy::ComplianceOpinion Opinion() {
    const auto states = Read();
    EXPECT_TRUE(states) << (states ? "" : states.error().ToString());
    return states ? states->registries.at(IdOf("contoso")).at(kPrivateLink) : policy::ComplianceOpinion();
  }

  std::vector<milliseconds> pauses;
};

TEST(PolicyStates, AreReadByRegistryAndDefinition) {
  StatesWorld world({Page({Row(IdOf("contoso"), kPrivateLink, "NonCompliant"), Row(IdOf("contoso"), kPremiumSku, "Compliant"),
                           Row(IdOf("fabrikam"), kPrivateLink, "Exempt")})});
  const auto states = world.Read();
  ASSERT_TRUE(states) << states.error().ToString();
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("POST ") + kTarget));
  EXPECT_EQ(world.http.requests()[0].body, "") << "as it is documented";
  EXPECT_EQ(states->subscription, kSubscription);
  EXPECT_EQ(states->asked, world.clock.Now());
  ASSERT_THAT(states->registries, SizeIs(2));
  const policy::ComplianceOpinions& contoso = states->registries.at(IdOf("contoso"));
  EXPECT_EQ(contoso.at(kPrivateLink).state, ComplianceState::kNonCompliant);
  EXPECT_EQ(contoso.at(kPrivateLink).time, base::ParseTime("2026-11-23T03:04:05.123456Z").value());
  EXPECT_EQ(contoso.at(kPremiumSku).state, ComplianceState::kCompliant);
  EXPECT_EQ(states->registries.at(IdOf("fabrikam")).at(kPrivateLink).state, ComplianceState::kExempt);
}

TEST(PolicyStates, AreNoneWhereNothingIsAssigned) {
  StatesWorld world({Page({})});
  const auto states = world.Read();
  ASSERT_TRUE(states) << states.error().ToString();
  EXPECT_THAT(states->registries, IsEmpty());
}

TEST(PolicyStates, IdsAreTheSameInAnyCase) {
  StatesWorld world(
      {Page({Row("/subscriptions/00000000-0000-0000-0000-00000000000A/resourceGroups/RG/providers/"
                 "Microsoft.ContainerRegistry/registries/Contoso",
                 "/providers/Microsoft.Authorization/policyDefinitions/E8EEF0A8-67CF-4EB4-9386-14B0E78733D4", "Compliant")})});
  EXPECT_EQ(world.Opinion().state, ComplianceState::kCompliant);
}

// Whoever may define policies in a subscription chooses their names.
TEST(PolicyStates, ADefinitionOfTheSameNameElsewhereIsAnotherOne) {
  const std::string other = std::string("/subscriptions/") + kSubscription + kPrivateLink;
  StatesWorld world({Page({Row(IdOf("contoso"), other, "Compliant")})});
  const auto states = world.Read();
  ASSERT_TRUE(states) << states.error().ToString();
  EXPECT_FALSE(states->registries.at(IdOf("contoso")).contains(kPrivateLink));
  EXPECT_EQ(states->registries.at(IdOf("contoso")).at(other).state, ComplianceState::kCompliant);
}

TEST(PolicyStates, OfSeveralAssignmentsTheWorstCounts) {
  const std::vector<std::string> words = {"Compliant", "Exempt", "Error", "Conflict", "NonCompliant"};  // from light to heavy
  for (std::size_t heavy = 1; heavy < words.size(); ++heavy) {
    for (std::size_t light = 0; light < heavy; ++light) {
      const json a = Row(IdOf("contoso"), kPrivateLink, words[heavy], "2026-11-01T00:00:00Z");
      const json b = Row(IdOf("contoso"), kPrivateLink, words[light], "2026-11-02T00:00:00Z");
      for (const json::array_t& rows : {json::array_t{a, b}, json::array_t{b, a}}) {
        StatesWorld world({Page(rows)});
        EXPECT_EQ(world.Opinion().state, policy::ParseComplianceState(words[heavy])) << words[light];
      }
    }
  }
}

TEST(PolicyStates, OfTheSameStateTheNewestCounts) {
  StatesWorld world({Page({Row(IdOf("contoso"), kPrivateLink, "Compliant", "2026-11-01T00:00:00Z"),
                           Row(IdOf("contoso"), kPrivateLink, "Compliant", "2026-11-03T00:00:00Z"),
                           Row(IdOf("contoso"), kPrivateLink, "Compliant", "2026-11-02T00:00:00Z")})});
  EXPECT_EQ(world.Opinion().time, base::ParseTime("2026-11-03T00:00:00Z").value());
}

TEST(PolicyStates, GoOnOnTheNextPageAndWaitForItWhereTheyMust) {
  const std::string next = std::string(kArmOrigin) + kTarget + "&%24skiptoken=1";
  StatesWorld world({Page({Row(IdOf("contoso"), kPrivateLink, "Compliant")}, next),
                     ArmFailure(429, "TooManyRequests", {{"Retry-After", "7"}}), Page({Row(IdOf("fabrikam"), kPrivateLink, "Compliant")})});
  const auto states = world.Read();
  ASSERT_TRUE(states) << states.error().ToString();
  EXPECT_THAT(states->registries, SizeIs(2));
  EXPECT_THAT(world.pauses, ElementsAre(seconds(7)));
  EXPECT_EQ(world.Sent().back(), std::string("POST ") + kTarget + "&%24skiptoken=1");
}

TEST(PolicyStates, ALinkThatLeadsElsewhereIsNotFollowed) {
  StatesWorld world({Page({}, "https://evil.example/subscriptions")});
  const auto states = world.Read();
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().kind, Kind::kRejected);
  EXPECT_THAT(world.Sent(), SizeIs(1));
}

TEST(PolicyStates, PagesThatNeverEndAreNotFollowedForEver) {
  StatesWorld world({Page({}, std::string(kArmOrigin) + kTarget)});
  const auto states = world.Read();
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().kind, Kind::kUnavailable);
  EXPECT_THAT(states.error().message, HasSubstr("more than 500 pages"));
  EXPECT_THAT(world.Sent(), SizeIs(kMaxStatesPages));
}

TEST(PolicyStates, ThatMayNotBeReadSayWhatIsNeeded) {
  StatesWorld world({ArmFailure(403, "AuthorizationFailed")});
  const auto states = world.Read();
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().kind, Kind::kForbidden);
  EXPECT_THAT(states.error().ToString(), AllOf(HasSubstr("Microsoft.PolicyInsights/policyStates/queryResults/read"),
                                               HasSubstr(kSubscription), HasSubstr("workload identity 0b8f of tenant 72f9")));
}

TEST(PolicyStates, AnAnswerOfAnotherShapeIsNone) {
  json another = Row(IdOf("contoso"), kPrivateLink, "Compliant");
  another["resourceId"] =
      "/subscriptions/00000000-0000-0000-0000-00000000000b/resourcegroups/rg/providers/"
      "microsoft.containerregistry/registries/contoso";
  json no_time = Row(IdOf("contoso"), kPrivateLink, "Compliant", "yesterday");
  json no_definition = Row(IdOf("contoso"), "", "Compliant");
  for (const json& row : {another, no_time, no_definition, json("text"), json(nullptr)}) {
    StatesWorld world({Page({Row(IdOf("contoso"), kPrivateLink, "Compliant"), row})});
    const auto states = world.Read();
    ASSERT_FALSE(states) << row;
    EXPECT_EQ(states.error().kind, Kind::kUnavailable);
    EXPECT_THAT(states.error().message, HasSubstr("$.value[1] is not the state of a registry in this subscription"));
  }
  for (const char* body : {"{}", R"({"value": {}})", R"({"value": [], "@odata.nextLink": 1})"}) {
    StatesWorld world({support::JsonResponse(200, body)});
    EXPECT_FALSE(world.Read()) << body;
  }
}

TEST(PolicyStates, AreAskedForByTheIdOfASubscriptionAlone) {
  StatesWorld world({Page({})});
  const auto states = MakeStatesReader(world.arm, world.clock)("x/../y", kDeadline);
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().kind, Kind::kRejected);
  EXPECT_THAT(world.Sent(), IsEmpty());
}

}  // namespace
}  // namespace azure
