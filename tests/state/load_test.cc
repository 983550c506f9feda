#include "state/load.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace state {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Shown(const std::string& file, const std::string& message, const std::string& remedy = {}) {
  return ToProblem(file, {base::ErrorCode::kInvalidArgument, message, remedy}).ToString();
}

TEST(ToProblem, NamesTheFileOnceWithWhateverPlaceTheErrorGave) {
  EXPECT_EQ(Shown("a.json", "a.json: cannot be opened"), "a.json: cannot be opened");
  EXPECT_EQ(Shown("a.json", "a.json:3:14: unexpected end"), "a.json:3:14: unexpected end");
  EXPECT_EQ(Shown("a.json", "name taken"), "a.json: name taken");
  EXPECT_EQ(Shown("a.json", "name taken", "rename it"), "a.json: name taken; rename it");
}

TEST(LoadPolicyWithDefinitions, ReportsEveryBadDefinitionFile) {
  const std::map<std::string, base::Result<std::string>> files = {
      {"d/a.json", std::string("{")},
      {"d/b.json", std::string("[]")},
      {"d/c.json", base::Fail(base::ErrorCode::kUnavailable, "d/c.json: cannot be opened")},
  };
  const auto loaded = LoadPolicyWithDefinitions(policy::DefaultPolicyText(), "policy.yaml", files);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error(), SizeIs(3));
  EXPECT_THAT(base::ToString(loaded.error()), AllOf(HasSubstr("d/a.json"), HasSubstr("d/b.json"), HasSubstr("d/c.json: cannot be opened")));
}

TEST(LoadPolicyWithDefinitions, TellsInitiativesFromDefinitions) {
  const std::string set = R"({"policyDefinitions": [
      {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4"}]})";
  const std::string policy = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n  - initiative: base\n";
  const auto loaded = LoadPolicyWithDefinitions(policy, "policy.yaml", {{"d/base.json", set}});
  ASSERT_TRUE(loaded) << base::ToString(loaded.error());
  ASSERT_THAT((*loaded)->requirements, SizeIs(1));
  EXPECT_EQ((*loaded)->requirements[0].name, "private-link");

  const auto bad = LoadPolicyWithDefinitions(policy, "policy.yaml", {{"d/base.json", std::string(R"({"policyDefinitions": []})")}});
  ASSERT_FALSE(bad);
  EXPECT_THAT(base::ToString(bad.error()), HasSubstr("d/base.json: $.policyDefinitions: expected an array"));
}

TEST(LoadDefinitions, KeepsWhatIsGood) {
  const LoadedDefinitions loaded = LoadDefinitions({{"d/bad.json", std::string("{}")}, {"d/worse.json", std::string("{")}});
  EXPECT_THAT(loaded.problems, SizeIs(2));
  EXPECT_NE(loaded.definitions.Find("private-link"), nullptr);
}

TEST(JudgeAll, KeepsTheVerdictOfABodyThatIsTheSameUnderTheSamePolicy) {
  const policy::Policy policy;
  policy::Registry registry;
  registry.login_server = "contoso.azurecr.io";
  registry.resource_id = "/r";
  registry.body = policy::RegistryBody("{}");
  registry.observed = base::Time(std::chrono::seconds(1));
  auto known = std::make_shared<policy::RegistryFacts>();
  known->registry = registry;
  known->verdict.resize(2);  // findings that no requirement of this policy would make: whoever judges anew loses them
  known->verdict[0].result = policy::FindingResult::kCompliant;
  known->verdict[1].result = policy::FindingResult::kNonCompliant;
  known->verdict[1].last_compliant = base::Time(std::chrono::seconds(1));
  policy::Facts previous;
  previous.Add(known);

  registry.observed = base::Time(std::chrono::seconds(2));
  const policy::Facts same = JudgeAll({registry}, policy, previous, &policy, base::Time());
  const policy::RegistryFacts* const renewed = same.Find("contoso.azurecr.io");
  ASSERT_THAT(renewed->verdict, SizeIs(2));
  EXPECT_EQ(renewed->registry.observed, base::Time(std::chrono::seconds(2)));
  EXPECT_EQ(renewed->verdict[0].last_compliant, base::Time(std::chrono::seconds(2)));
  EXPECT_EQ(renewed->verdict[1].last_compliant, base::Time(std::chrono::seconds(1)));

  const policy::Policy other;
  EXPECT_THAT(JudgeAll({registry}, other, previous, &policy, base::Time()).Find("contoso.azurecr.io")->verdict, SizeIs(0));
  registry.resource_id = "/another";
  EXPECT_THAT(JudgeAll({registry}, policy, previous, &policy, base::Time()).Find("contoso.azurecr.io")->verdict, SizeIs(0));
  registry.resource_id = "/r";
  registry.body = policy::RegistryBody(R"({"other":1})");
  EXPECT_THAT(JudgeAll({registry}, policy, previous, &policy, base::Time()).Find("contoso.azurecr.io")->verdict, SizeIs(0));
}

}  // namespace
}  // namespace state
