#include "policy/policy_import.h"

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "policy/policy.h"
#include "tests/support/policy_bodies.h"

namespace policy {
namespace {

using nlohmann::json;
using support::PolicyAssignmentBody;
using support::PolicyDefinitionBody;
using support::PolicyExemptionBody;
using support::PolicyInitiativeBody;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kOne = "00000001-0000-4000-8000-000000000000";  // NOLINT: of a few tests' whole life
const std::string kTwo = "00000002-0000-4000-8000-000000000000";  // NOLINT
const std::string kScopeOne = "/subscriptions/" + kOne;           // NOLINT
const std::string kScopeTwo = "/subscriptions/" + kTwo;           // NOLINT
const std::string kGroup = "/providers/Microsoft.Management/managementGroups/platform";
const std::string kRegistry = "/resourceGroups/Shop/providers/Microsoft.ContainerRegistry/registries/Contoso";
constexpr const char* kKeyGuid = "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";
const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

json Effects(const std::string& default_value) {
  return {{"effect", {{"type", "String"}, {"defaultValue", default_value}, {"allowedValues", {"Audit", "Deny", "Disabled"}}}}};
}

// That a registry's SKU is not one of the parameter `allowed`.
json SkuDefinition(const std::string& scope, const std::string& name) {
  json parameters = Effects("Audit");
  parameters["allowed"] = {{"type", "Array"}, {"defaultValue", {"Premium"}}};
  return PolicyDefinitionBody(
      scope, name,
      {{"parameters", parameters},
       {"policyRule",
        {{"if",
          {{"allOf",
            {{{"field", "type"}, {"equals", "Microsoft.ContainerRegistry/registries"}},
             {{"field", "Microsoft.ContainerRegistry/registries/sku.name"}, {"notIn", "[parameters('allowed')]"}}}}}},
         {"then", {{"effect", "[parameters('effect')]"}}}}}});
}

// About registries, with an effect as it is; where that asks for another resource, of the type `related`.
json WithEffect(const std::string& name, const std::string& effect,
                const std::string& related = "Microsoft.ContainerRegistry/registries/replications") {
  json body = SkuDefinition(kScopeOne, name);
  body["properties"]["policyRule"]["then"] = {{"effect", effect}};
  if (effect.ends_with("IfNotExists")) {
    body["properties"]["policyRule"]["then"]["details"] = {{"type", related}};
  }
  return body;
}

json WithCondition(const std::string& name, const json& condition, const std::string& mode = "Indexed") {
  json body = SkuDefinition(kScopeOne, name);
  body["properties"]["mode"] = mode;
  body["properties"]["policyRule"]["if"] = condition;
  return body;
}

// What Azure has, put together by its objects.
class World {
 public:
  World() { assigned.subscriptions = {kOne}; }

  std::string Define(const json& body) {
    const std::string id = body.at("id");
    const bool initiative = id.find("policySetDefinitions") != std::string::npos;
    (initiative ? assigned.initiatives : assigned.definitions)[base::AsciiLower(id)] = body;
    return id;
  }
  std::string Assign(const json& body, const std::set<std::string>& subscriptions = {kOne}) {
    assigned.assignments[base::AsciiLower(body.at("id").get<std::string>())] = {body, subscriptions};
    return body.at("id");
  }
  void Exempt(const json& body, const std::set<std::string>& subscriptions = {kOne}) {
    assigned.exemptions[base::AsciiLower(body.at("id").get<std::string>())] = {body, subscriptions};
  }

  ImportedPolicy Import() const { return ImportPolicy(assigned, kNow); }
  // The rules as they read.
  json Rules() const {
    const std::string rules = Import().rules;
    const auto yaml = base::ParseYaml(rules, "rules");
    EXPECT_TRUE(yaml) << rules;
    return yaml ? base::ToJson(*yaml) : json();
  }
  json Requirements() const { return Rules().at("requirements"); }
  json Exemptions() const { return Rules().at("exemptions"); }

  AssignedPolicies assigned;
};

TEST(PolicyImport, OfADefinitionIsItsFileAndARequirement) {
  World world;
  const json definition = SkuDefinition(kScopeOne, "Premium only");
  world.Assign(
      PolicyAssignmentBody(kScopeOne, "a", world.Define(definition),
                           {{"parameters", {{"effect", {{"value", "Deny"}}}, {"ALLOWED", {{"value", {"Premium", "Standard"}}}}}}}));
  const ImportedPolicy imported = world.Import();
  EXPECT_THAT(imported.problems, IsEmpty());
  ASSERT_THAT(imported.definitions, ElementsAre(Key("premium-only.json")));
  EXPECT_EQ(base::ParseJson(imported.definitions.at("premium-only.json"), "file").value(), definition) << "as Azure printed it";
  EXPECT_EQ(world.Requirements(),
            (json{{{"definition", "premium-only"}, {"effect", "Deny"}, {"parameters", {{"allowed", {"Premium", "Standard"}}}}}}));
  EXPECT_EQ(imported.requirements, 1U);
  EXPECT_THAT(imported.rules,
              HasSubstr("# assignment \"a\" (" + kScopeOne + "/providers/Microsoft.Authorization/policyAssignments/a): Premium only\n"));
}

TEST(PolicyImport, OfABuiltInDefinitionHasAReadableName) {
  World world;
  json definition = SkuDefinition("", kKeyGuid);
  definition["properties"]["displayName"] = "Container registries: encrypted with a customer-managed key!";
  world.Assign(PolicyAssignmentBody(kScopeOne, "a", world.Define(definition)));
  EXPECT_THAT(world.Import().definitions, ElementsAre(Key("container-registries-encrypted-with-a-customer-managed-key.json")));
}

TEST(PolicyImport, GivesNamesThatNothingElseHas) {
  World world;
  json twin = SkuDefinition("", kKeyGuid);
  twin["properties"]["displayName"] = "Premium SKU";  // as a built-in definition of ours
  json nameless = SkuDefinition("", "11111111-1701-4a6f-9a7a-aa9c8ddd0580");
  nameless["properties"]["displayName"] = "。";
  json own = SkuDefinition(kScopeOne, "unknown-registry");
  for (const json& body : {twin, nameless, own}) {
    world.Assign(PolicyAssignmentBody(kScopeOne, body.at("name"), world.Define(body)));
  }
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  for (const auto& [file, text] : world.Import().definitions) {
    const auto definition = ParseDefinition(text, file, file.substr(0, file.find('.')));
    ASSERT_TRUE(definition) << definition.error().ToString();
    EXPECT_TRUE(set.Add(*definition)) << file;
  }
  EXPECT_THAT(world.Import().definitions, SizeIs(3));
}

struct EffectCase {
  const char* effect;
  const char* mode;
  const char* ours;  // "": it is left out quietly
};

TEST(PolicyImport, TakesEffectsForWhatTheyDoHere) {
  const std::vector<EffectCase> cases = {{"Deny", "Default", "Deny"},
                                         {"deny", "", "Deny"},
                                         {"Audit", "Default", "Audit"},
                                         {"Modify", "Default", "Audit"},
                                         {"AuditIfNotExists", "Default", "Audit"},
                                         {"deployIfNotExists", "Default", "Audit"},
                                         {"append", "Default", "Audit"},
                                         {"Deny", "DoNotEnforce", "Audit"},
                                         {"Disabled", "Default", ""},
                                         {"disabled", "DoNotEnforce", ""}};
  for (const EffectCase& one : cases) {
    World world;
    world.Assign(PolicyAssignmentBody(kScopeOne, "a", world.Define(WithEffect("d", one.effect)), {{"enforcementMode", one.mode}}));
    EXPECT_THAT(world.Import().problems, IsEmpty()) << one.effect;
    const json requirements = world.Requirements();
    EXPECT_EQ(requirements.empty() ? "" : requirements.at(0).at("effect"), one.ours) << one.effect << " " << one.mode;
    EXPECT_EQ(world.Import().definitions.size(), requirements.size());
  }
}

TEST(PolicyImport, ComputesEffectsFromParameters) {
  World world;
  world.Assign(PolicyAssignmentBody(
      kScopeOne, "a", world.Define(WithEffect("d", "[if(contains(parameters('allowed'), 'Basic'), 'Audit', parameters('Effect'))]")),
      {{"parameters", {{"effect", {{"value", "Deny"}}}}}}));
  EXPECT_EQ(world.Requirements().at(0).at("effect"), "Deny");
}

// One thing that is left out, and what is said of it.
struct LeftOut {
  const char* what;
  std::function<void(World&)> make;
  const char* said;  // "": nothing
};

TEST(PolicyImport, LeavesOutWhatItCannotWriteAndSaysSo) {
  const auto assign = [](World& world, const json& definition, const json& properties) {
    world.Assign(PolicyAssignmentBody(kScopeOne, "a", world.Define(definition), properties));
  };
  const json sku = SkuDefinition(kScopeOne, "d");
  const auto selectors = [](const json& selector) { return json{{"resourceSelectors", {{{"selectors", {selector}}}}}}; };
  const std::vector<LeftOut> cases = {
      {"a related resource that is not read",
       [&](World& w) { assign(w, WithEffect("d", "AuditIfNotExists", "Microsoft.Insights/diagnosticSettings"), json::object()); },
       "Microsoft.Insights/diagnosticSettings"},
      {"denyAction", [&](World& w) { assign(w, WithEffect("d", "denyAction"), json::object()); },
       "\"denyAction\" says nothing about compliance"},
      {"an effect that needs a registry", [&](World& w) { assign(w, WithEffect("d", "[field('name')]"), json::object()); },
       "an effect can come from nothing but"},
      {"an unknown mode", [&](World& w) { assign(w, sku, {{"enforcementMode", "Enroll"}}); }, "enforcementMode \"Enroll\""},
      {"an unsupported construct",
       [&](World& w) {
         assign(w, WithCondition("d", {{"field", "Microsoft.ContainerRegistry/registries/sku.name"}, {"resembles", "a"}}), json::object());
       },
       "resembles"},
      {"an unsupported construct about no type",
       [&](World& w) { assign(w, WithCondition("d", {{"field", "tags['a']"}, {"resembles", "a"}}), json::object()); }, "resembles"},
      {"an unsupported construct about everything but a type",
       [&](World& w) {
         assign(w,
                WithCondition("d", {{"allOf",
                                     {{{"field", "type"}, {"notEquals", "Microsoft.Resources/subscriptions"}},
                                      {{"field", "tags['a']"}, {"resembles", "a"}}}}}),
                json::object());
       },
       "resembles"},
      {"another type",
       [&](World& w) {
         assign(w, WithCondition("d", {{"field", "type"}, {"equals", "Microsoft.Storage/storageAccounts"}}), json::object());
       },
       ""},
      {"a type that is nobody's",
       [&](World& w) { assign(w, WithCondition("d", {{"field", "type"}, {"equals", "Contoso.Portal/pages"}}), json::object()); }, ""},
      {"another type's alias",
       [&](World& w) {
         assign(w, WithCondition("d", {{"field", "Microsoft.Storage/storageAccounts/sku.name"}, {"equals", "a"}}), json::object());
       },
       ""},
      {"what runs in Kubernetes",
       [&](World& w) { assign(w, WithCondition("d", {{"field", "type"}, {"equals", "a"}}, "Microsoft.Kubernetes.Data"), json::object()); },
       ""},
      {"a definition that is gone",
       [&](World& w) {
         w.Assign(PolicyAssignmentBody(kScopeOne, "a", kScopeOne + "/providers/Microsoft.Authorization/policyDefinitions/gone"));
       },
       "which does not exist"},
      {"an initiative that is gone",
       [&](World& w) {
         w.Assign(PolicyAssignmentBody(kScopeOne, "a", kScopeOne + "/providers/Microsoft.Authorization/policySetDefinitions/gone"));
       },
       "which does not exist"},
      {"a parameter of the wrong type", [&](World& w) { assign(w, sku, {{"parameters", {{"allowed", {{"value", "Premium"}}}}}}); },
       "expected a value of type Array"},
      {"some locations", [&](World& w) { assign(w, sku, selectors({{"kind", "resourceLocation"}, {"in", {"westeurope"}}})); },
       "resourceSelectors tell registries apart"},
      {"other types alone",
       [&](World& w) { assign(w, sku, selectors({{"kind", "resourceType"}, {"in", {"Microsoft.Storage/storageAccounts"}}})); }, ""},
      {"all but registries",
       [&](World& w) { assign(w, sku, selectors({{"kind", "resourceType"}, {"notIn", {"microsoft.containerregistry/Registries"}}})); }, ""},
      {"what has no location",
       [&](World& w) { assign(w, sku, selectors({{"kind", "resourceWithoutLocation"}, {"in", {"subscriptionLevelResources"}}})); }, ""},
      {"another resource's scope",
       [&](World& w) {
         w.Assign(PolicyAssignmentBody(kScopeOne + "/resourceGroups/a/providers/Microsoft.Storage/storageAccounts/b", "a", w.Define(sku)));
       },
       ""},
      {"a group that nobody could read",
       [&](World& w) {
         w.assigned.unread_groups["platform"] = "403 Forbidden";
         assign(w, sku, {{"notScopes", {kGroup}}});
       },
       "could not be read: 403 Forbidden"},
      {"an old version",
       [&](World& w) {
         json versioned = sku;
         versioned["properties"]["version"] = "2.0.1";
         assign(w, versioned, {{"definitionVersion", "1.*.*"}});
       },
       "version 1.*.* of it is assigned, and Azure's newest is 2.0.1"},
      {"an override of another kind",
       [&](World& w) { assign(w, sku, {{"overrides", {{{"kind", "definitionVersion"}, {"value", "1.*.*"}}}}}); },
       "override of the kind \"definitionVersion\""},
      {"an override of some locations",
       [&](World& w) {
         assign(w, sku,
                {{"overrides",
                  {{{"kind", "policyEffect"}, {"value", "Deny"}, {"selectors", {{{"kind", "resourceLocation"}, {"in", {"a"}}}}}}}}});
       },
       "an override of its effect has selectors"},
      {"overrides that contradict each other",
       [&](World& w) {
         assign(w, sku, {{"overrides", {{{"kind", "policyEffect"}, {"value", "Deny"}}, {{"kind", "policyEffect"}, {"value", "Audit"}}}}});
       },
       "contradict each other"},
  };
  for (const LeftOut& one : cases) {
    World world;
    one.make(world);
    const ImportedPolicy imported = world.Import();
    EXPECT_EQ(imported.requirements, 0U) << one.what;
    EXPECT_THAT(imported.definitions, IsEmpty()) << one.what;
    if (*one.said == '\0') {
      EXPECT_THAT(imported.problems, IsEmpty()) << one.what;
      EXPECT_EQ(imported.rules, "requirements: []\nexemptions: []\n") << one.what;
    } else {
      EXPECT_THAT(imported.problems, ElementsAre(AllOf(HasSubstr("assignment \"a\""), HasSubstr(one.said)))) << one.what;
      EXPECT_THAT(imported.rules, AllOf(HasSubstr("# Left out:\n# - assignment \"a\""), HasSubstr(one.said))) << one.what;
    }
  }
}

struct Selector {
  const char* what;
  json properties;
  const char* effect;
};

TEST(PolicyImport, HeedsSelectorsAndOverrides) {
  const json here = {{"kind", "resourceType"}, {"in", {"Microsoft.Storage/storageAccounts", "microsoft.containerregistry/registries"}}};
  const json somewhere = {{"kind", "resourceLocation"}, {"in", {"westeurope"}}};
  const json elsewhere = {{"kind", "resourceType"}, {"in", {"Microsoft.Storage/storageAccounts"}}};
  const std::vector<Selector> cases = {
      {"registries among others", {{"resourceSelectors", {{{"selectors", {here}}}}}}, "Audit"},
      {"one selector of two", {{"resourceSelectors", {{{"selectors", {somewhere}}}, {{"selectors", {here}}}}}}, "Audit"},
      {"what has a location",
       {{"resourceSelectors", {{{"selectors", {{{"kind", "resourceWithoutLocation"}, {"notIn", {"subscriptionLevelResources"}}}}}}}}},
       "Audit"},
      {"an override of everything", {{"overrides", {{{"kind", "policyEffect"}, {"value", "Deny"}}}}}, "Deny"},
      {"an override of other types",
       {{"overrides", {{{"kind", "policyEffect"}, {"value", "Deny"}, {"selectors", {elsewhere, somewhere}}}}}},
       "Audit"},
      {"an override of other members",
       {{"overrides",
         {{{"kind", "policyEffect"}, {"value", "Deny"}, {"selectors", {{{"kind", "policyDefinitionReferenceId"}, {"in", {"x"}}}}}}}}},
       "Audit"},
  };
  for (const Selector& one : cases) {
    World world;
    world.Assign(PolicyAssignmentBody(kScopeOne, "a", world.Define(SkuDefinition(kScopeOne, "d")), one.properties));
    EXPECT_THAT(world.Import().problems, IsEmpty()) << one.what;
    ASSERT_THAT(world.Requirements(), SizeIs(1)) << one.what;
    EXPECT_EQ(world.Requirements().at(0).at("effect"), one.effect) << one.what;
  }
}

TEST(PolicyImport, TellsWhichRegistriesAnAssignmentIsFor) {
  World world;
  world.assigned.subscriptions = {kOne, kTwo};
  const std::string definition = world.Define(SkuDefinition(kScopeOne, "d"));
  world.Assign(PolicyAssignmentBody(kGroup, "all", definition), {kOne, kTwo});
  world.Assign(PolicyAssignmentBody(kGroup, "some", definition), {kTwo});
  world.Assign(PolicyAssignmentBody(kScopeOne, "one", definition));
  world.Assign(PolicyAssignmentBody(kScopeOne + "/resourceGroups/Shop", "group", definition));
  world.Assign(PolicyAssignmentBody(kScopeOne + kRegistry, "registry", definition));
  const json requirements = world.Requirements();
  json scopes;
  for (const json& requirement : requirements) {
    scopes[requirement.value("name", "d")] = requirement.value("scopes", json());
  }
  EXPECT_EQ(scopes, (json{{"d", nullptr},
                          {"d-some", {kScopeTwo}},
                          {"d-one", {kScopeOne}},
                          {"d-group", {kScopeOne + "/resourceGroups/Shop"}},
                          {"d-registry", {kScopeOne + kRegistry}}}));
}

TEST(PolicyImport, TellsWhichRegistriesAnAssignmentIsNotFor) {
  World world;
  world.assigned.management_groups["platform"] = {kOne, kTwo};
  world.Assign(PolicyAssignmentBody(
      kScopeOne, "a", world.Define(SkuDefinition(kScopeOne, "d")),
      {{"notScopes",
        {kScopeOne + kRegistry, kScopeOne + "/resourceGroups/Shop", kGroup,
         kScopeOne + "/resourceGroups/a/providers/Microsoft.Storage/storageAccounts/b", kScopeOne + kRegistry + "/tokens/t"}}}));
  EXPECT_EQ(world.Requirements().at(0).at("notScopes"), json({kScopeOne, kScopeOne + "/resourceGroups/Shop", kScopeOne + kRegistry}))
      << "of the group's subscriptions, those that were asked for";
}

// An initiative of the SKU definition twice, and of something else.
class ImportedInitiatives : public ::testing::Test {
 protected:
  ImportedInitiatives() {
    const std::string sku = world_.Define(SkuDefinition(kScopeOne, "sku"));
    const std::string other = world_.Define(WithCondition("other", {{"field", "type"}, {"equals", "Microsoft.Storage/storageAccounts"}}));
    const json parameters = {{"skuEffect", {{"type", "String"}, {"defaultValue", "Deny"}}},
                             {"tiers", {{"type", "Array"}, {"defaultValue", json::array()}}}};
    const json members = {{{"policyDefinitionReferenceId", "First"},
                           {"policyDefinitionId", sku},
                           {"parameters",
                            {{"effect", {{"value", "[parameters('skuEffect')]"}}},
                             {"allowed", {{"value", "[union(parameters('tiers'), createArray('Premium'))]"}}}}}},
                          {{"policyDefinitionReferenceId", "Second"},
                           {"policyDefinitionId", sku},
                           {"parameters", {{"effect", {{"value", "Audit"}}}, {"allowed", {{"value", {"[[x]"}}}}}}},
                          {{"policyDefinitionReferenceId", "Other"}, {"policyDefinitionId", other}}};
    initiative_ = world_.Define(PolicyInitiativeBody(kScopeOne, "base", {{"parameters", parameters}, {"policyDefinitions", members}}));
  }

  World world_;
  std::string initiative_;
};

TEST_F(ImportedInitiatives, ExpandToTheirMembersWithTheirParameters) {
  world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_, {{"parameters", {{"TIERS", {{"value", {"Standard"}}}}}}}));
  EXPECT_THAT(world_.Import().problems, IsEmpty());
  EXPECT_EQ(world_.Requirements(),
            (json{{{"definition", "sku"}, {"effect", "Deny"}, {"parameters", {{"allowed", {"Standard", "Premium"}}}}},
                  {{"definition", "sku"}, {"name", "sku-a"}, {"effect", "Audit"}, {"parameters", {{"allowed", {"[x]"}}}}}}));
  EXPECT_THAT(world_.Import().rules, HasSubstr(", Second: sku, by the initiative \"base\""));
}

TEST_F(ImportedInitiatives, AreOverriddenByReferenceId) {
  const auto of = [](const char* how, const char* id) { return json::array({{{"kind", "policyDefinitionReferenceId"}, {how, {id}}}}); };
  world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_,
                                     {{"overrides",
                                       {{{"kind", "policyEffect"}, {"value", "disabled"}, {"selectors", of("in", "first")}},
                                        {{"kind", "policyEffect"}, {"value", "deny"}, {"selectors", of("notIn", "First")}}}}}));
  const json requirements = world_.Requirements();
  ASSERT_THAT(requirements, SizeIs(1));
  EXPECT_EQ(requirements.at(0).at("effect"), "Deny");
  EXPECT_EQ(requirements.at(0).at("parameters").at("allowed"), json({"[x]"}));
}

TEST_F(ImportedInitiatives, SayWhichMemberCannotBeWritten) {
  json& members = world_.assigned.initiatives.begin()->second["properties"]["policyDefinitions"];
  members[0]["parameters"]["allowed"]["value"] = "[parameters('unheard')]";
  members[1]["definitionVersion"] = "1.*.*";
  world_.assigned.definitions.at(
      base::AsciiLower(kScopeOne + "/providers/Microsoft.Authorization/policyDefinitions/sku"))["properties"]["version"] = "1.1.0-preview";
  members.push_back(
      {{"policyDefinitionReferenceId", "Gone"}, {"policyDefinitionId", "/providers/Microsoft.Authorization/policyDefinitions/gone"}});
  world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_));
  EXPECT_THAT(world_.Import().problems, ElementsAre(AllOf(HasSubstr(", First: sku: "), HasSubstr("unheard")),
                                                    AllOf(HasSubstr(", Second: sku: "), HasSubstr("1.1.0-preview")),
                                                    AllOf(HasSubstr(", Gone: "), HasSubstr("does not exist"))));
}

TEST_F(ImportedInitiatives, OfAnOldVersionAreLeftOut) {
  world_.assigned.initiatives.begin()->second["properties"]["version"] = "3.0.0";
  world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_, {{"definitionVersion", "2.*.*"}}));
  EXPECT_THAT(world_.Requirements(), IsEmpty());
  EXPECT_THAT(world_.Import().problems, ElementsAre(HasSubstr("version 2.*.* of its initiative, which is at 3.0.0")));
}

TEST_F(ImportedInitiatives, AboutNothingOfOursAreNotMentioned) {
  json& members = world_.assigned.initiatives.begin()->second["properties"]["policyDefinitions"];
  members.erase(members.begin(), members.begin() + 2);
  world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_, {{"definitionVersion", "2.*.*"}, {"enforcementMode", "Enroll"}}));
  EXPECT_EQ(world_.Import().rules, "requirements: []\nexemptions: []\n");
  EXPECT_THAT(world_.Import().problems, IsEmpty());
}

class ImportedExemptions : public ImportedInitiatives {
 protected:
  ImportedExemptions() { assignment_ = world_.Assign(PolicyAssignmentBody(kScopeOne, "a", initiative_)); }
  void Exempt(const json& properties = {{"expiresOn", "2027-03-31T18:00:00.1234567Z"}}, const std::string& scope = kScopeOne + kRegistry) {
    world_.Exempt(PolicyExemptionBody(scope, "Key Vault move", assignment_, properties));
  }

  std::string assignment_;
};

TEST_F(ImportedExemptions, WaiveTheRequirementsOfTheirAssignment) {
  Exempt({{"expiresOn", "2027-03-31T18:00:00.1234567Z"}, {"description", "SEC-1234\nask Anna"}, {"exemptionCategory", "Mitigated"}});
  EXPECT_EQ(world_.Exemptions(), (json{{{"name", "key-vault-move"},
                                        {"resourceId", kScopeOne + kRegistry},
                                        {"requirements", {"sku", "sku-a"}},
                                        {"expires", "2027-03-31T18:00:00Z"},
                                        {"reason", "Mitigated: Key Vault move: SEC-1234?ask Anna"}}}));
  EXPECT_EQ(world_.Import().exemptions, 1U);
}

TEST_F(ImportedExemptions, WaiveSomeMembersAlone) {
  Exempt({{"expiresOn", "2027-03-31T18:00:00Z"}, {"policyDefinitionReferenceIds", {"second", "Other"}}});
  EXPECT_EQ(world_.Exemptions().at(0).at("requirements"), json({"sku-a"}));
  Exempt({{"expiresOn", "2027-03-31T18:00:00Z"}, {"policyDefinitionReferenceIds", {"Other"}}});
  EXPECT_THAT(world_.Exemptions(), IsEmpty());
  EXPECT_THAT(world_.Import().problems, IsEmpty());
}

TEST_F(ImportedExemptions, WithoutAnEndEndWithTheNextYear) {
  Exempt(json::object());
  EXPECT_EQ(world_.Exemptions().at(0).at("expires"), "2027-12-31");
  EXPECT_THAT(world_.Import().rules, HasSubstr("# it never expires in Azure"));
}

TEST_F(ImportedExemptions, ThatHaveExpiredAreACommentAlone) {
  Exempt({{"expiresOn", "2026-11-23T12:00:00Z"}});
  EXPECT_THAT(world_.Exemptions(), IsEmpty());
  EXPECT_THAT(world_.Import().problems, IsEmpty());
  EXPECT_THAT(world_.Import().rules, HasSubstr("it expired at 2026-11-23T12:00:00Z\n"));
}

TEST_F(ImportedExemptions, OfAManagementGroupAreOfEachSubscription) {
  world_.assigned.subscriptions = {kOne, kTwo};
  world_.Exempt(PolicyExemptionBody(kGroup, "move", assignment_), {kOne, kTwo});
  const json exemptions = world_.Exemptions();
  ASSERT_THAT(exemptions, SizeIs(2));
  EXPECT_EQ(exemptions.at(0).at("resourceId"), kScopeOne);
  EXPECT_EQ(exemptions.at(1).at("resourceId"), kScopeTwo);
  EXPECT_EQ(exemptions.at(0).at("name"), "move-00000001");
  EXPECT_EQ(exemptions.at(1).at("name"), "move-00000002");
}

TEST_F(ImportedExemptions, OfOneNameAreToldApart) {
  Exempt();
  Exempt({{"expiresOn", "2027-03-31T18:00:00Z"}}, kScopeOne);
  const json exemptions = world_.Exemptions();
  ASSERT_THAT(exemptions, SizeIs(2));
  EXPECT_NE(exemptions.at(0).at("name"), exemptions.at(1).at("name"));
}

TEST_F(ImportedExemptions, ThatAreNotForRegistriesAreNotMentioned) {
  Exempt(json::object(), kScopeOne + "/resourceGroups/a/providers/Microsoft.Storage/storageAccounts/b");
  world_.Exempt(PolicyExemptionBody(kScopeOne, "other", kScopeOne + "/providers/Microsoft.Authorization/policyAssignments/other"));
  EXPECT_THAT(world_.Exemptions(), IsEmpty());
  EXPECT_THAT(world_.Import().problems, IsEmpty());
}

TEST_F(ImportedExemptions, ThatCannotBeWrittenAreSaidToBe) {
  const std::vector<std::pair<json, std::string>> cases = {
      {{{"expiresOn", "soon"}}, "\"soon\" is no time"},
      {{{"resourceSelectors", {{{"selectors", {{{"kind", "resourceLocation"}, {"in", {"a"}}}}}}}}},
       "resourceSelectors tell registries apart"}};
  for (const auto& [properties, said] : cases) {
    Exempt(properties);
    EXPECT_THAT(world_.Exemptions(), IsEmpty());
    EXPECT_THAT(world_.Import().problems, ElementsAre(AllOf(HasSubstr("exemption \"Key Vault move\""), HasSubstr(said))));
  }
  world_.assigned.exemptions.clear();
  Exempt(json::object(), kScopeOne + kRegistry + "/tokens/t");
  EXPECT_THAT(world_.Import().problems, ElementsAre(HasSubstr("a part of a registry")));
}

TEST(PolicyImport, TakesNoTextFromAzureForYaml) {
  World world;
  json definition = SkuDefinition(kScopeOne, "d");
  definition["properties"]["displayName"] = "a\nrequirements: []\r# \xE2\x80\xA8: b";
  const std::string assignment = world.Assign(PolicyAssignmentBody(
      kScopeOne, "a", world.Define(definition),
      {{"displayName", "x\n- definition: y"}, {"parameters", {{"allowed", {{"value", {"a\"]\n  b: c", "{{", "yes", "1"}}}}}}}));
  world.Exempt(PolicyExemptionBody(kScopeOne + "/resourceGroups/it's a: \"group\"", "e", assignment, {{"description", "# \"no\": [\n"}}));
  const json rules = world.Rules();
  EXPECT_EQ(rules.at("requirements"),
            (json{{{"definition", "d"}, {"effect", "Audit"}, {"parameters", {{"allowed", {"a\"]\n  b: c", "{{", "yes", "1"}}}}}}));
  EXPECT_EQ(rules.at("exemptions").at(0).at("resourceId"), kScopeOne + "/resourceGroups/it's a: \"group\"");
  EXPECT_EQ(rules.at("exemptions").at(0).at("reason"), "Waiver: e: # \"no\": [?");
}

TEST(PolicyImport, IsTheSameTextForTheSameObjects) {
  World world;
  const std::string definition = world.Define(SkuDefinition(kScopeOne, "d"));
  for (const char* name : {"a", "b", "c"}) {
    world.Assign(PolicyAssignmentBody(kScopeOne, name, definition));
  }
  const std::string before = world.Import().rules;
  EXPECT_EQ(world.Import().rules, before);
  world.Assign(PolicyAssignmentBody(kScopeOne, "aa", definition));
  world.assigned.assignments.erase(base::AsciiLower(kScopeOne + "/providers/Microsoft.Authorization/policyAssignments/aa"));
  EXPECT_EQ(world.Import().rules, before);
}

TEST(PolicyImport, IsPutBehindWhatAPersonWrote) {
  World world;
  const ImportedPolicy imported = world.Import();
  const std::string text =
      ComposeImportedPolicy("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nmaxEffect: Audit  # for now", "base.yaml", imported)
          .value();
  EXPECT_TRUE(text.starts_with(std::string(kImportedPolicyHeader) + "\napiVersion: "));
  EXPECT_THAT(text, HasSubstr("maxEffect: Audit  # for now\n\nrequirements: []\n"));
  const auto loaded = LoadPolicy(text, "policy.yaml", DefinitionSet::WithBuiltIns());
  ASSERT_TRUE(loaded) << base::ToString(loaded.error());
  EXPECT_EQ((*loaded)->max_effect, Effect::kAudit);
  EXPECT_TRUE(
      LoadPolicy(ComposeImportedPolicy(DefaultImportBase(), "default", imported).value(), "policy.yaml", DefinitionSet::WithBuiltIns()));
}

TEST_F(ImportedExemptions, AreLoadedWithEverythingThatAnImportWrites) {
  world_.assigned.subscriptions = {kOne, kTwo};
  const std::string group = world_.Assign(
      PolicyAssignmentBody(kGroup, "b", initiative_, {{"notScopes", {kScopeTwo + "/resourceGroups/Sandbox", kScopeTwo + kRegistry}}}),
      {kTwo});
  Exempt(json::object());
  Exempt({{"expiresOn", "2027-03-31T18:00:00Z"}}, kScopeOne + "/resourceGroups/Shop");
  world_.Exempt(PolicyExemptionBody(kGroup, "move", group), {kTwo});
  const ImportedPolicy imported = world_.Import();
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  for (const auto& [file, text] : imported.definitions) {
    ASSERT_TRUE(set.Add(ParseDefinition(text, file, file.substr(0, file.find('.'))).value()));
  }
  const std::string text = ComposeImportedPolicy(DefaultImportBase(), "default", imported).value();
  const auto loaded = LoadPolicy(text, "policy.yaml", set);
  ASSERT_TRUE(loaded) << base::ToString(loaded.error()) << text;
  std::vector<std::string> names;
  for (const Requirement& requirement : (*loaded)->requirements) {
    names.push_back(requirement.name);
  }
  EXPECT_THAT(names, ElementsAre("sku", "sku-b", "sku-a", ::testing::StartsWith("sku-a-")));
  ASSERT_THAT((*loaded)->exemptions, SizeIs(3));
  EXPECT_EQ((*loaded)->exemptions[0].resource_id, kScopeTwo);
  EXPECT_THAT((*loaded)->exemptions[0].requirements, ElementsAre("sku", "sku-b"));
  EXPECT_THAT((*loaded)->exemptions[1].requirements, ElementsAre("sku-a", names[3]));
}

TEST(PolicyImport, IsNotMixedWithRequirementsOfAnother) {
  const auto composed = ComposeImportedPolicy("kind: RegistryPolicy\nexemptions: []\nrequirements:\n", "base.yaml", {});
  ASSERT_FALSE(composed);
  EXPECT_THAT(base::ToString(composed.error()),
              AllOf(HasSubstr("base.yaml:2:1: exemptions are what is imported"), HasSubstr("base.yaml:3:1: requirements are")));
  EXPECT_THAT(base::ToString(ComposeImportedPolicy("a: [", "base.yaml", {}).error()), HasSubstr("base.yaml:"));
}

}  // namespace
}  // namespace policy
