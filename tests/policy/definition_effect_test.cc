#include "policy/definition_effect.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace policy {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

base::Result<std::shared_ptr<const Definition>> WithEffect(const json& effect,
                                                           const json& effect_parameter = {{"type", "String"}, {"defaultValue", "Audit"}}) {
  const json document = {{"parameters", {{"effect", effect_parameter}}},
                         {"policyRule", {{"if", {{"field", "name"}, {"equals", "x"}}}, {"then", {{"effect", effect}}}}}};
  return ParseDefinition(document.dump(), "t.json", "t");
}

std::string LoadError(const json& effect) {
  const auto definition = WithEffect(effect);
  return definition ? "no error" : definition.error().message;
}

TEST(DefinitionEffect, OfADefinitionIsOneThatSaysSomethingAboutCompliance) {
  for (const char* effect : {"Deny", "audit", "Append", "MODIFY", "Disabled", "deny", "[parameters('effect')]",
                             "[if(equals(parameters('effect'), 'a'), 'b', 'c')]"}) {
    EXPECT_EQ(LoadError(effect), "no error") << effect;
  }
  for (const char* effect :
       {"Manual", "denyAction", "DenyAction", "Foo", "enforceOPAConstraint", "addToNetworkGroup", "mutate", "[[deny]"}) {
    EXPECT_EQ(LoadError(effect), "t.json: $.policyRule.then.effect: the effect \"" + std::string(effect) +
                                     "\" says nothing about compliance; only Deny, Audit, Append, Modify, AuditIfNotExists and "
                                     "DeployIfNotExists do, and Disabled switches a definition off");
  }
}

TEST(DefinitionEffect, IsRefusedWhereItCannotBeUnderstood) {
  EXPECT_THAT(LoadError("[parameters('nothing')]"), HasSubstr("$.policyRule.then.effect: "));
  EXPECT_THAT(LoadError("[field('name')]"), HasSubstr("$.policyRule.then.effect: an effect can come from nothing but"));
  EXPECT_THAT(LoadError("[concat('a'"), HasSubstr("$.policyRule.then.effect: "));
  EXPECT_THAT(LoadError(7), HasSubstr("$.policyRule.then.effect: expected a string"));
}

TEST(DefinitionEffect, OfABuiltInThatDeniesActionsIsRefused) {
  // As https://github.com/Azure/azure-policy has it: General/ResourceType_denyActionDelete.json.
  const json rule = {{"if", {{"field", "type"}, {"in", "[parameters('listOfResourceTypesDisallowedForDeletion')]"}}},
                     {"then", {{"effect", "[parameters('effect')]"}, {"details", {{"actionNames", {"delete"}}}}}}};
  const json document = {
      {"mode", "All"},
      {"parameters",
       {{"listOfResourceTypesDisallowedForDeletion", {{"type", "Array"}}},
        {"effect", {{"type", "String"}, {"allowedValues", {"DenyAction", "Disabled"}}, {"defaultValue", "DenyAction"}}}}},
      {"policyRule", rule}};
  const auto of_any_type = ParseDefinition(document.dump(), "t.json", "t");
  ASSERT_FALSE(of_any_type);
  EXPECT_THAT(of_any_type.error().message, HasSubstr("$.policyRule.if.in: only a literal tells"));
  json of_registries = document;
  of_registries["policyRule"]["if"]["in"] = {"Microsoft.ContainerRegistry/registries"};
  const auto definition = ParseDefinition(of_registries.dump(), "t.json", "t");
  ASSERT_TRUE(definition) << definition.error().message;
  const auto bound = BindToJudge(**definition, json::object());
  ASSERT_FALSE(bound);
  EXPECT_THAT(bound.error().at(0), HasSubstr("the effect \"DenyAction\" says nothing about compliance"));
}

TEST(DefinitionEffect, OfAParameterIsKnownWhenItIsBound) {
  const auto definition = *WithEffect("[parameters('effect')]", {{"type", "String"}});
  EXPECT_THAT(WhyItJudgesNothing(*definition, {{"effect", "manual"}}), HasSubstr("\"manual\""));
  EXPECT_EQ(WhyItJudgesNothing(*definition, {{"effect", "AuditIfNotExists"}}), "");
  EXPECT_EQ(WhyItJudgesNothing(*definition, json::object()), "") << "it need not be given";
  const auto bound = BindToJudge(*definition, {{"effect", "Foo"}});
  ASSERT_FALSE(bound);
  EXPECT_THAT(bound.error().at(0), HasSubstr("t: the effect \"Foo\" says nothing about compliance"));
  EXPECT_TRUE(BindToJudge(*definition, {{"effect", "Deny"}}));
  const auto failing = *WithEffect("[substring(parameters('effect'), 100)]");
  EXPECT_THAT(WhyItJudgesNothing(*failing, {{"effect", "Audit"}}), HasSubstr("its effect cannot be told"));
}

TEST(DefinitionEffect, DisabledSwitchesOff) {
  const auto by_parameter = *WithEffect("[parameters('effect')]");
  EXPECT_TRUE(IsSwitchedOff(*by_parameter, {{"effect", "disabled"}}));
  EXPECT_FALSE(IsSwitchedOff(*by_parameter, {{"effect", "Deny"}}));
  EXPECT_TRUE(IsSwitchedOff(**WithEffect("Disabled"), json::object()));
  EXPECT_FALSE(IsSwitchedOff(**WithEffect("audit"), json::object()));
}

}  // namespace
}  // namespace policy
