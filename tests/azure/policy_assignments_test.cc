#include "azure/policy_assignments.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/back_off.h"
#include "base/text.h"
#include "tests/azure/arm_world.h"
#include "tests/azure/fake_azure_session.h"
#include "tests/support/azure_world_client.h"
#include "tests/support/temp_folder.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using support::AzureOperation;
using support::PolicyAssignmentBody;
using support::PolicyDefinitionBody;
using support::PolicyExemptionBody;
using support::PolicyInitiativeBody;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const std::string kOne = "00000001-0000-4000-8000-000000000000";    // NOLINT: of a few tests' whole life
const std::string kTwo = "00000002-0000-4000-8000-000000000000";    // NOLINT
const std::string kThree = "00000003-0000-4000-8000-000000000000";  // NOLINT
const std::string kGroup = "/providers/Microsoft.Management/managementGroups/";
const std::string kBuiltIn = "/providers/Microsoft.Authorization/policyDefinitions/5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";
constexpr const char* kRule = R"({"if": {"field": "type", "equals": "a"}, "then": {"effect": "deny"}})";

std::string Scope1() { return "/subscriptions/" + kOne; }

class Assignments : public ::testing::Test {
 protected:
  Assignments() {
    for (const std::string& subscription : {kOne, kTwo, kThree}) {
      world_.AddSubscription(subscription);
    }
    world_.PutPolicy(PolicyDefinitionBody("", "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580", {{"policyRule", json::parse(kRule)}}));
  }

  std::unique_ptr<Session> LogIn(const support::AzureApplication& application = support::TestApplication()) {
    world_.PutApplication(application);
    folder_.Write(application.client_id, application.client_secret);
    CredentialOptions options;
    options.kind = CredentialKind::kClientSecret;
    options.tenant_id = application.tenant_id;
    options.client_id = application.client_id;
    options.client_secret_file = folder_ / application.client_id;
    auto source = MakeTokenSource(
        options, [](const std::string&) { return std::nullopt; }, cloud_, client_, clock_, [](milliseconds) { return true; });
    EXPECT_TRUE(source) << (source ? "" : source.error().ToString());
    return std::make_unique<Session>(*std::move(source), cloud_, client_, clock_);
  }

  PolicyAssignments Read(const Scope& scope, const std::vector<Arm*>& identities) {
    const Wait wait = [this](milliseconds time) {
      waits_.push_back(time);
      clock_.Advance(time);
      return true;
    };
    return ReadPolicyAssignments(identities, scope, wait, clock_);
  }
  PolicyAssignments Read(const Scope& scope) { return Read(scope, {&session_->arm}); }
  // Of which nothing may fail.
  policy::AssignedPolicies ReadAll(const Scope& scope) {
    PolicyAssignments read = Read(scope);
    EXPECT_THAT(read.problems, IsEmpty());
    return std::move(read.assigned);
  }
  std::string OnlyProblem(const Scope& scope) {
    const PolicyAssignments read = Read(scope);
    EXPECT_THAT(read.problems, SizeIs(1));
    return read.problems.empty() ? "" : heard_.Note(read.problems[0]);
  }

  const Cloud cloud_ = FindCloud("AzureCloud").value();
  support::TempFolder folder_;
  support::FakeClock clock_;
  support::AzureWorld world_{clock_};
  support::AzureWorldClient client_{world_, [this](milliseconds time) { clock_.Advance(time); }};
  Heard heard_;
  std::vector<milliseconds> waits_;
  std::unique_ptr<Session> session_ = LogIn();
};

TEST_F(Assignments, OfASubscriptionAreThoseOnItBelowItAndAboveIt) {
  world_.SetManagementGroup("platform", {kOne, kTwo});
  const std::string above = world_.PutPolicy(PolicyAssignmentBody(kGroup + "Platform", "above", kBuiltIn));
  const std::string on = world_.PutPolicy(PolicyAssignmentBody(Scope1(), "on", kBuiltIn));
  const std::string below = world_.PutPolicy(PolicyAssignmentBody(Scope1() + "/resourceGroups/Shop", "below", kBuiltIn));
  world_.PutPolicy(PolicyAssignmentBody("/subscriptions/" + kThree, "elsewhere", kBuiltIn));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {kOne}, .management_groups = {}});
  EXPECT_THAT(assigned.assignments,
              UnorderedElementsAre(Key(base::AsciiLower(above)), Key(base::AsciiLower(on)), Key(base::AsciiLower(below))));
  EXPECT_THAT(assigned.subscriptions, ElementsAre(kOne));
  EXPECT_THAT(assigned.definitions, ElementsAre(Key(base::AsciiLower(kBuiltIn))));
  EXPECT_EQ(assigned.definitions.begin()->second["properties"]["policyRule"], json::parse(kRule)) << "as Azure printed it";
}

TEST_F(Assignments, OfAManagementGroupAreThoseOfEverySubscriptionBelowIt) {
  world_.SetManagementGroup("platform", {kOne, kTwo});
  world_.SetManagementGroup("two", {kTwo});
  const std::string all = world_.PutPolicy(PolicyAssignmentBody(kGroup + "platform", "all", kBuiltIn));
  const std::string some = world_.PutPolicy(PolicyAssignmentBody(kGroup + "two", "some", kBuiltIn));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {}, .management_groups = {"Platform"}});
  EXPECT_THAT(assigned.subscriptions, ElementsAre(kOne, kTwo));
  EXPECT_THAT(assigned.assignments.at(base::AsciiLower(all)).subscriptions, ElementsAre(kOne, kTwo));
  EXPECT_THAT(assigned.assignments.at(base::AsciiLower(some)).subscriptions, ElementsAre(kTwo));
}

TEST_F(Assignments, BringInitiativesAndTheirMembersEachOnce) {
  const std::string custom = world_.PutPolicy(PolicyDefinitionBody(Scope1(), "own rule", {{"policyRule", json::parse(kRule)}}));
  const json members = {{{"policyDefinitionReferenceId", "a"}, {"policyDefinitionId", kBuiltIn}},
                        {{"policyDefinitionReferenceId", "b"}, {"policyDefinitionId", base::AsciiLower(kBuiltIn)}},
                        {{"policyDefinitionReferenceId", "c"}, {"policyDefinitionId", custom}}};
  const std::string initiative = world_.PutPolicy(PolicyInitiativeBody(kGroup + "platform", "baseline", {{"policyDefinitions", members}}));
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "one", initiative));
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "two", base::AsciiLower(initiative)));
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "three", kBuiltIn));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {kOne}, .management_groups = {}});
  EXPECT_THAT(assigned.initiatives, ElementsAre(Key(base::AsciiLower(initiative))));
  EXPECT_THAT(assigned.definitions, UnorderedElementsAre(Key(base::AsciiLower(kBuiltIn)), Key(base::AsciiLower(custom))));
  EXPECT_EQ(world_.Count(support::AzureService::kResourceManager), 5U) << "two lists, the initiative and two definitions";
}

TEST_F(Assignments, ComeWithTheirExemptions) {
  const std::string assignment = world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", kBuiltIn));
  const std::string scope = Scope1() + "/resourceGroups/Shop/providers/Microsoft.ContainerRegistry/registries/Contoso";
  const std::string exemption = world_.PutPolicy(PolicyExemptionBody(scope, "key vault move", assignment));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {kOne}, .management_groups = {}});
  EXPECT_THAT(assigned.exemptions, ElementsAre(Key(base::AsciiLower(exemption))));
  EXPECT_THAT(assigned.exemptions.begin()->second.subscriptions, ElementsAre(kOne));
}

TEST_F(Assignments, AreReadToTheLastPage) {
  support::AzureSettings settings = world_.settings();
  settings.policy_page = 2;
  world_.SetSettings(settings);
  world_.SetManagementGroup("platform", {kOne, kTwo, kThree});
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    world_.PutPolicy(PolicyExemptionBody(Scope1(), name, world_.PutPolicy(PolicyAssignmentBody(Scope1(), name, kBuiltIn))));
  }
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {}, .management_groups = {"platform"}});
  EXPECT_THAT(assigned.subscriptions, SizeIs(3));
  EXPECT_THAT(assigned.assignments, SizeIs(5));
  EXPECT_THAT(assigned.exemptions, SizeIs(5));
}

TEST_F(Assignments, SayWhichSubscriptionsAreBelowTheGroupsThatTheyLeaveOut) {
  world_.SetManagementGroup("sandbox", {kTwo});
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", kBuiltIn, {{"notScopes", {kGroup + "Sandbox", kGroup + "secret", Scope1()}}}));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {kOne}, .management_groups = {}});
  EXPECT_THAT(assigned.management_groups, ElementsAre(Pair("sandbox", ElementsAre(kTwo))));
  EXPECT_THAT(assigned.unread_groups, ElementsAre(Pair("secret", HasSubstr("Microsoft.Management/managementGroups/descendants/read at "
                                                                           "/providers/Microsoft.Management/managementGroups/secret"))));
}

TEST_F(Assignments, OfADefinitionThatIsGoneAreNoProblem) {
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", Scope1() + "/providers/Microsoft.Authorization/policyDefinitions/gone"));
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "b", Scope1() + "/providers/Microsoft.Authorization/policySetDefinitions/gone"));
  const policy::AssignedPolicies assigned = ReadAll({.subscriptions = {kOne}, .management_groups = {}});
  EXPECT_THAT(assigned.assignments, SizeIs(2));
  EXPECT_THAT(assigned.definitions, IsEmpty());
  EXPECT_THAT(assigned.initiatives, IsEmpty());
}

struct Forbidden {
  AzureOperation operation;
  const char* action;
  const char* scope;
};

TEST_F(Assignments, ThatMayNotBeReadSayWhichPermissionIsMissing) {
  world_.SetManagementGroup("platform", {kOne});
  const std::string definition = world_.PutPolicy(PolicyDefinitionBody(kGroup + "platform", "x", {{"policyRule", json::parse(kRule)}}));
  world_.PutPolicy(PolicyAssignmentBody(kGroup + "platform", "a", definition));
  const std::string at = "at /subscriptions/" + kOne;
  const std::vector<Forbidden> cases = {
      {AzureOperation::kListPolicyAssignments, "Microsoft.Authorization/policyAssignments/read", at.c_str()},
      {AzureOperation::kListPolicyExemptions, "Microsoft.Authorization/policyExemptions/read", at.c_str()},
      {AzureOperation::kGetPolicyDefinition, "Microsoft.Authorization/policyDefinitions/read",
       "at /providers/Microsoft.Management/managementGroups/platform"},
      {AzureOperation::kListDescendants, "Microsoft.Management/managementGroups/descendants/read",
       "at /providers/Microsoft.Management/managementGroups/platform"},
  };
  for (const Forbidden& forbidden : cases) {
    const int failure = world_.Fail(support::EveryCallOf(forbidden.operation), {.status = 403});
    EXPECT_THAT(OnlyProblem({.subscriptions = {kOne}, .management_groups = {"platform"}}),
                AllOf(HasSubstr("403 AuthorizationFailed"), HasSubstr(std::string("assign a role with ") + forbidden.action),
                      HasSubstr(forbidden.scope), HasSubstr("0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b"), HasSubstr("docs/import.md")));
    world_.Mend(failure);
  }
}

TEST_F(Assignments, AreAskedOfTheIdentityThatMayReadThem) {
  support::AzureApplication first =
      support::TestApplication("72f988bf-86f1-41af-91ab-2d7cd011db47", "11111111-3c4d-4e5f-8a6b-7c8d9e0f1a2b");
  first.subscriptions = {kOne};
  support::AzureApplication second =
      support::TestApplication("72f988bf-86f1-41af-91ab-2d7cd011db47", "22222222-3c4d-4e5f-8a6b-7c8d9e0f1a2b");
  second.subscriptions = {kTwo};
  const auto one = LogIn(first);
  const auto two = LogIn(second);
  world_.PutPolicy(PolicyAssignmentBody("/subscriptions/" + kTwo, "a", kBuiltIn));
  const PolicyAssignments both = Read({.subscriptions = {kOne, kTwo}, .management_groups = {}}, {&one->arm, &two->arm});
  EXPECT_THAT(both.problems, IsEmpty());
  EXPECT_THAT(both.assigned.assignments, SizeIs(1));
  EXPECT_THAT(Read({.subscriptions = {kOne, kTwo}, .management_groups = {}}, {&one->arm}).problems, SizeIs(2))
      << "assignments and exemptions";
}

TEST_F(Assignments, AreAskedForAgainWhenAzureIsThrottlingOrDown) {
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", kBuiltIn));
  world_.Fail(support::EveryCallOf(AzureOperation::kListPolicyAssignments), {.status = 429, .retry_after = seconds(7)}, 1);
  world_.Fail(support::EveryCallOf(AzureOperation::kGetPolicyDefinition), {.status = 503}, 2);
  EXPECT_THAT(ReadAll({.subscriptions = {kOne}, .management_groups = {}}).definitions, SizeIs(1));
  EXPECT_THAT(waits_, ElementsAre(seconds(7), kFirstRetry, kFirstRetry));
  EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(Assignments, AreNotWaitedForWhenAzureStaysDown) {
  world_.Fail(support::EveryCallOf(AzureOperation::kListPolicyExemptions), {.status = 503});
  EXPECT_THAT(OnlyProblem({.subscriptions = {kOne}, .management_groups = {}}),
              AllOf(HasSubstr("the policyExemptions of subscription " + kOne), HasSubstr("503")));
}

TEST_F(Assignments, AreAskedForByIdsAlone) {
  EXPECT_THAT(OnlyProblem({.subscriptions = {"x/../y"}, .management_groups = {}}), HasSubstr("is no id of a subscription"));
  EXPECT_THAT(OnlyProblem({.subscriptions = {}, .management_groups = {".."}}), HasSubstr("is no name of a management group"));
  EXPECT_EQ(world_.Count(support::AzureService::kResourceManager), 0U);
}

TEST_F(Assignments, ThatNameWhatIsNoDefinitionAreAProblem) {
  for (const std::string& id : {std::string("x"), Scope1() + "/../providers/Microsoft.Authorization/policyDefinitions/x",
                                Scope1() + "/providers/Microsoft.Authorization/policyDefinitions/..", kBuiltIn + "/versions"}) {
    world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", id));
    EXPECT_THAT(OnlyProblem({.subscriptions = {kOne}, .management_groups = {}}), HasSubstr("is no id of a policy definition")) << id;
  }
}

// Answers of another shape, by who is asked for what.
TEST_F(Assignments, AnAnswerOfAnotherShapeIsNone) {
  world_.PutPolicy(PolicyAssignmentBody(Scope1(), "a", kBuiltIn));
  const json stranger = {{"id", Scope1() + "/providers/Microsoft.Authorization/roleAssignments/x"}, {"properties", json::object()}};
  const json bare = {{"id", Scope1() + "/providers/Microsoft.Authorization/policyAssignments/x"}};
  const std::vector<std::pair<AzureOperation, std::string>> cases = {
      {AzureOperation::kListPolicyAssignments, "{}"},
      {AzureOperation::kListPolicyAssignments, R"({"value": {}})"},
      {AzureOperation::kListPolicyAssignments, R"({"value": [], "nextLink": 1})"},
      {AzureOperation::kListPolicyAssignments, R"({"value": ["text"]})"},
      {AzureOperation::kListPolicyAssignments, json{{"value", {stranger}}}.dump()},
      {AzureOperation::kListPolicyAssignments, json{{"value", {bare}}}.dump()},
      {AzureOperation::kListPolicyExemptions, json{{"value", {stranger}}}.dump()},
      {AzureOperation::kGetPolicyDefinition, stranger.dump()},
      {AzureOperation::kGetPolicyDefinition, "{}"},
  };
  for (const auto& [operation, body] : cases) {
    const int failure = world_.Fail(support::EveryCallOf(operation), {.status = 200, .body = body});
    EXPECT_THAT(Read({.subscriptions = {kOne}, .management_groups = {}}).problems, SizeIs(1)) << body;
    world_.Mend(failure);
  }
  world_.SetManagementGroup("platform", {kOne});
  world_.Fail(support::EveryCallOf(AzureOperation::kListDescendants),
              {.status = 200, .body = R"({"value": [{"id": "/subscriptions/x"}]})"});
  EXPECT_THAT(OnlyProblem({.subscriptions = {}, .management_groups = {"platform"}}), HasSubstr("$.value[0]"));
}

TEST(AssignmentPages, ThatNeverEndAreNotFollowedForEverNorElsewhere) {
  for (const std::string& next : {std::string(kArmOrigin) + "/subscriptions/a", std::string("https://evil.example/")}) {
    ArmWorld world(
        [&](const http::Request&) { return support::JsonResponse(200, json{{"value", json::array()}, {"nextLink", next}}.dump()); });
    const PolicyAssignments read = ReadPolicyAssignments(
        {&world.arm}, {.subscriptions = {kOne}, .management_groups = {}}, [](milliseconds) { return false; }, world.clock);
    EXPECT_THAT(read.problems, SizeIs(2));
    EXPECT_EQ(world.Sent().size(), next.starts_with("https://evil") ? 2 : 2 * kMaxPolicyPages);
  }
}

}  // namespace
}  // namespace azure
