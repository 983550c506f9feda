#include "policy/initiative.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/definition_world.h"

namespace policy {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kPrivateLinkId = "/providers/Microsoft.Authorization/policyDefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4";

json Member(const std::string& reference, const json& parameters = json::object()) {
  json given = json::object();
  for (auto value = parameters.begin(); value != parameters.end(); ++value) {
    given[value.key()] = {{"value", *value}};
  }
  return {{"policyDefinitionId", kPrivateLinkId}, {"policyDefinitionReferenceId", reference}, {"parameters", given}};
}

json Body(std::initializer_list<json> members, const json& parameters = json::object()) {
  return {{"displayName", "Registries"},
          {"metadata", {{"version", "1.2.3"}}},
          {"parameters", parameters},
          {"policyDefinitions", json::array_t(members)}};
}

std::string Flat(std::initializer_list<json> members, const json& parameters = json::object()) {
  json document = Body(members, parameters);
  document["id"] = "/providers/Microsoft.Authorization/policySetDefinitions/5e7";
  document["name"] = "5e7";
  return document.dump();
}

std::shared_ptr<const Initiative> Parsed(const std::string& text) {
  auto initiative = ParseInitiative(text, "set.json", "set");
  EXPECT_TRUE(initiative) << initiative.error().message;
  return initiative ? *initiative : nullptr;
}

std::string SetErrorOf(const std::string& text) {
  const auto initiative = ParseInitiative(text, "set.json", "set");
  return initiative ? "no error" : initiative.error().message;
}

// What a member is given for its parameter x.
tl::expected<json, std::string> Given(const json& value, const json& parameters, const json& bound) {
  const auto initiative = Parsed(Flat({Member("m", {{"x", value}})}, parameters));
  if (!initiative) {
    return tl::unexpected(std::string("does not parse"));
  }
  auto given = MemberParameters(*initiative, initiative->members[0], bound);
  return given ? tl::expected<json, std::string>((*given)["x"]) : given;
}

TEST(Initiative, IsReadFlatAndInArmsShape) {
  const std::initializer_list<json> members = {Member("first"), Member("second")};
  for (const std::string& text :
       {Flat(members), json{{"id", "/providers/Microsoft.Authorization/policySetDefinitions/5e7"}, {"properties", Body(members)}}.dump()}) {
    EXPECT_TRUE(IsInitiative(text));
    const auto initiative = Parsed(text);
    ASSERT_TRUE(initiative);
    EXPECT_EQ(initiative->name, "set");
    EXPECT_EQ(initiative->guid, "5e7");
    EXPECT_EQ(initiative->display_name, "Registries");
    EXPECT_EQ(initiative->version, "1.2.3");
    ASSERT_EQ(initiative->members.size(), 2U);
    EXPECT_EQ(initiative->members[1].reference_id, "second");
    EXPECT_EQ(initiative->members[1].definition_id, kPrivateLinkId);
  }
}

TEST(Initiative, IsToldFromADefinition) {
  EXPECT_FALSE(IsInitiative(Document(json::parse(R"({"field": "name", "equals": "x"})"), json::object())));
  EXPECT_FALSE(IsInitiative("no json"));
}

TEST(Initiative, NamesAMemberWithoutAReferenceByItsDefinition) {
  json member = Member("x");
  member.erase("policyDefinitionReferenceId");
  const auto initiative = Parsed(Flat({member}));
  ASSERT_TRUE(initiative);
  EXPECT_EQ(initiative->members[0].reference_id, "e8eef0a8-67cf-4eb4-9386-14b0e78733d4");
}

TEST(Initiative, IgnoresWhatSaysNothingAboutRegistries) {
  json member = Member("x");
  member["groupNames"] = {"NS-1"};
  member["definitionVersion"] = "1.*.*";
  EXPECT_EQ(SetErrorOf(Flat({member})), "no error");
}

TEST(Initiative, TakesAnEmptyListOfAllowedValuesForAnyValue) {
  // As https://github.com/Azure/azure-policy has it: Regulatory Compliance/SOC_2023.json and others.
  EXPECT_EQ(
      SetErrorOf(Flat({Member("a")}, {{"p", {{"type", "string"}, {"defaultValue", "Administrator"}, {"allowedValues", json::array()}}}})),
      "no error");
}

TEST(Initiative, IsRefusedWithTheJsonPathOfWhatIsNotUnderstood) {
  json odd = Member("x");
  odd["selectors"] = json::array();
  json no_id = Member("x");
  no_id.erase("policyDefinitionId");
  json bare = Member("x");
  bare["parameters"] = {{"x", 1}};
  EXPECT_EQ(SetErrorOf(Flat({Member("a"), odd})),
            "set.json: $.policyDefinitions[1].selectors: is not known of a definition in an initiative");
  EXPECT_THAT(SetErrorOf(Flat({no_id})), HasSubstr("$.policyDefinitions[0].policyDefinitionId: expected"));
  EXPECT_THAT(SetErrorOf(Flat({bare})), HasSubstr("$.policyDefinitions[0].parameters.x: expected an object with \"value\""));
  EXPECT_THAT(SetErrorOf(Flat({Member("a"), Member("A")})),
              HasSubstr("$.policyDefinitions[1].policyDefinitionReferenceId: \"A\" is there"));
  EXPECT_THAT(SetErrorOf(Flat({})), HasSubstr("$.policyDefinitions: expected an array of 1 to 1000"));
  EXPECT_THAT(SetErrorOf(Flat({Member("a", {{"x", "[parameters('nothing')]"}})})),
              HasSubstr("$.policyDefinitions[0].parameters.x.value: "));
  EXPECT_THAT(SetErrorOf(Flat({Member("a", {{"x", {{"in", {"[field('name')]"}}}}})})),
              HasSubstr("$.policyDefinitions[0].parameters.x.value.in[0]: an initiative can give nothing but what comes from its own"));
  EXPECT_THAT(SetErrorOf(Flat({Member("a", {{"x", {"y", "[[abc"}}})})),
              HasSubstr("$.policyDefinitions[0].parameters.x.value[1]: \"[[\" stands for a literal \"[\" only in a text that ends with"));
  EXPECT_THAT(SetErrorOf(Flat({Member("a")}, {{"p", {{"type", "Text"}}}})), HasSubstr("$.parameters.p.type: expected String"));
}

TEST(Initiative, GivesItsParametersOn) {
  const json declared = {{"effect", {{"type", "String"}}}, {"list", {{"type", "Array"}}}};
  const json bound = {{"effect", "Deny"}, {"list", {1, 2}}};
  EXPECT_EQ(Given("plain", declared, bound), json("plain"));
  EXPECT_EQ(Given(7, declared, bound), json(7));
  EXPECT_EQ(Given("[parameters('effect')]", declared, bound), json("Deny"));
  EXPECT_EQ(Given("[parameters('EFFECT')]", declared, bound), json("Deny"));
  EXPECT_EQ(Given("[parameters('list')]", declared, bound), (json{1, 2}));
  EXPECT_EQ(Given("[concat(parameters('effect'), '-', string(length(parameters('list'))))]", declared, bound), json("Deny-2"));
  EXPECT_EQ(Given(json{"[parameters('effect')]", {{"a", "[first(parameters('list'))]"}}}, declared, bound), (json{"Deny", {{"a", 1}}}));
  EXPECT_EQ(Given("[[literal]", declared, bound), json("[literal]"));
}

TEST(Initiative, SaysWhichParameterItNeeds) {
  const auto missing = Given("[parameters('effect')]", {{"effect", {{"type", "String"}}}}, json::object());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), "the initiative needs its parameter effect (String)");
  const auto fails = Given("[substring(parameters('effect'), 9)]", {{"effect", {{"type", "String"}}}}, {{"effect", "Deny"}});
  ASSERT_FALSE(fails);
  EXPECT_THAT(fails.error(), AllOf(HasSubstr("its parameter x: "), HasSubstr("substring: ")));
}

TEST(Initiative, FindsItsDefinitionsByIdAloneAndFilesWithoutOneByTheirName) {
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  const auto find = [&](const std::string& id) { return FindMemberDefinition(set, {"r", id, json::object()}); };
  EXPECT_EQ(find(std::string(kPrivateLinkId))->name, "private-link");
  EXPECT_EQ(find("/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/private-link"), nullptr);
  EXPECT_EQ(find("/providers/Microsoft.Authorization/policyDefinitions/00000000-0000-0000-0000-000000000000"), nullptr);

  const std::string nameless = R"({"name": "team", "policyRule": {"if": {"field": "name", "equals": "x"}, "then": {"effect": "audit"}}})";
  const auto team = ParseDefinition(nameless, "t.json", "t");
  ASSERT_TRUE(team);
  ASSERT_TRUE(set.Add(*team));
  EXPECT_EQ(find("/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/Team"), *team);
}

TEST(DefinitionSet, HoldsInitiativesEachUnderANameOfItsOwn) {
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  const auto initiative = Parsed(Flat({Member("a")}));
  ASSERT_TRUE(set.AddInitiative(initiative));
  EXPECT_EQ(set.FindInitiative("SET"), initiative);
  EXPECT_EQ(set.FindInitiative("5e7"), initiative);
  EXPECT_EQ(set.FindInitiative("/providers/Microsoft.Authorization/policySetDefinitions/5E7"), initiative);
  EXPECT_EQ(set.FindInitiative(""), nullptr);
  EXPECT_EQ(set.Find("set"), nullptr);
  const auto again = set.AddInitiative(initiative);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("\"set\" is already the initiative \"set\""));
  const auto clash = ParseInitiative(Flat({Member("a")}), "f", "private-link");
  ASSERT_TRUE(clash);
  EXPECT_THAT(set.AddInitiative(*clash).error().message, HasSubstr("is already the definition \"private-link\""));
}

}  // namespace
}  // namespace policy
