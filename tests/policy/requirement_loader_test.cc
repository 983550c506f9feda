// Requirements of the policy file that are of initiatives, have names, or have scopes.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/initiative.h"
#include "policy/policy.h"

namespace policy {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kHeader = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n";  // the body begins in line 3
constexpr std::string_view kIds = "/providers/Microsoft.Authorization/policyDefinitions/";
constexpr std::string_view kContoso = "/subscriptions/prod/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

constexpr std::string_view kSkuDefinition = R"json({
  "id": "/providers/Microsoft.Authorization/policyDefinitions/sku-guid",
  "parameters": {"skus": {"type": "Array"}, "effect": {"type": "String", "defaultValue": "Audit", "allowedValues": ["Audit", "Deny", "Disabled", "Manual"]}},
  "policyRule": {"if": {"field": "Microsoft.ContainerRegistry/registries/sku.name", "notIn": "[parameters('skus')]"},
                 "then": {"effect": "[parameters('effect')]"}}})json";

json Member(const std::string& reference, const std::string& definition, const json& parameters = json::object()) {
  json given = json::object();
  for (auto value = parameters.begin(); value != parameters.end(); ++value) {
    given[value.key()] = {{"value", *value}};
  }
  return {{"policyDefinitionId", std::string(kIds) + definition}, {"policyDefinitionReferenceId", reference}, {"parameters", given}};
}

const std::string kPrivateLink = "e8eef0a8-67cf-4eb4-9386-14b0e78733d4";
const std::string kCustomerKey = "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";

class Requirements : public ::testing::Test {
 protected:
  Requirements() { EXPECT_TRUE(definitions_.Add(*ParseDefinition(kSkuDefinition, "sku.json", "sku"))); }

  void Initiative(const std::string& name, std::initializer_list<json> members, const json& parameters = json::object()) {
    const json body = {{"id", "/providers/Microsoft.Authorization/policySetDefinitions/" + name + "-guid"},
                       {"parameters", parameters},
                       {"policyDefinitions", json::array_t(members)}};
    const auto initiative = ParseInitiative(body.dump(), name + ".json", name);
    ASSERT_TRUE(initiative) << initiative.error().message;
    ASSERT_TRUE(definitions_.AddInitiative(*initiative));
  }

  std::shared_ptr<const Policy> Load(std::string_view body) {
    const auto loaded = LoadPolicy(std::string(kHeader) + std::string(body), "policy.yaml", definitions_);
    EXPECT_TRUE(loaded) << base::ToString(loaded.error());
    return loaded ? *loaded : std::make_shared<const Policy>();
  }

  std::string ProblemsOf(std::string_view body) {
    const auto loaded = LoadPolicy(std::string(kHeader) + std::string(body), "policy.yaml", definitions_);
    return loaded ? "" : base::ToString(loaded.error());
  }

  static std::vector<std::string> NamesOf(const Policy& policy) {
    std::vector<std::string> names;
    for (const Requirement& requirement : policy.requirements) {
      names.push_back(requirement.name);
    }
    return names;
  }

  DefinitionSet definitions_ = DefinitionSet::WithBuiltIns();
};

TEST_F(Requirements, OfAnInitiativeAreThoseOfItsDefinitionsThatAreLoaded) {
  Initiative("baseline", {Member("link", kPrivateLink), Member("vm", "11111111-1111-1111-1111-111111111111"), Member("key", kCustomerKey)});
  const auto policy = Load("requirements:\n  - initiative: baseline\n    effect: Warn\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("private-link", "customer-managed-key"));
  EXPECT_EQ(policy->requirements[0].effect, Effect::kWarn);
  EXPECT_EQ(policy->requirements[0].initiative, definitions_.FindInitiative("baseline"));
  ASSERT_EQ(policy->initiatives.size(), 1U);
  EXPECT_THAT(policy->initiatives[0].required, ElementsAre("private-link", "customer-managed-key"));
  EXPECT_THAT(policy->initiatives[0].not_loaded, ElementsAre("vm"));
  EXPECT_EQ(Describe(policy->initiatives[0]),
            "initiative baseline: 2 of 3 definitions judge registries here; not loaded, as they are about other resources, or missing: vm");
  EXPECT_EQ(Load("requirements:\n  - initiative: baseline-guid\n")->requirements.size(), 2U);
  EXPECT_EQ(Load("requirements:\n  - initiative: baseline\n")->requirements[0].effect, Effect::kDeny);
}

TEST_F(Requirements, OfAnInitiativeHaveTheRuleOfTheSameDefinitionRequiredByItself) {
  Initiative("baseline", {Member("link", kPrivateLink)});
  EXPECT_EQ(Load("requirements:\n  - initiative: baseline\n")->requirements[0].rule,
            Load("requirements:\n  - definition: private-link\n")->requirements[0].rule);
}

TEST_F(Requirements, AreGivenTheInitiativesParameters) {
  Initiative("baseline", {Member("sku", "sku-guid", {{"skus", "[parameters('allowed')]"}})},
             {{"allowed", {{"type", "Array"}, {"defaultValue", {"Premium"}}}}});
  EXPECT_EQ(Load("requirements:\n  - initiative: baseline\n")->requirements.at(0).parameters,
            (json{{"skus", {"Premium"}}, {"effect", "Audit"}}));
  EXPECT_EQ(Load("requirements:\n  - initiative: baseline\n    parameters: {allowed: [Basic]}\n")->requirements.at(0).parameters["skus"],
            json{"Basic"});
  EXPECT_THAT(ProblemsOf("requirements:\n  - initiative: baseline\n    parameters:\n      allowed: Basic\n"),
              HasSubstr("policy.yaml:6:16: requirements[0].parameters: the parameter allowed of baseline: expected a value of type Array"));
  EXPECT_THAT(ProblemsOf("requirements:\n  - initiative: baseline\n    parameters: {allow: [Basic]}\n"),
              HasSubstr("baseline has no parameter \"allow\"; did you mean \"allowed\"?"));
}

TEST_F(Requirements, WhoseParametersDoNotFitAreProblemsThatNameTheReference) {
  Initiative("needy", {Member("our-sku", "sku-guid", {{"skus", "[parameters('allowed')]"}})}, {{"allowed", {{"type", "Array"}}}});
  EXPECT_EQ(ProblemsOf("requirements:\n  - initiative: needy\n"),
            "policy.yaml:4:17: requirements[0].initiative: \"our-sku\": the initiative needs its parameter allowed (Array)");
  Initiative("wrong", {Member("our-sku", "sku-guid", {{"skus", "Premium"}})});
  EXPECT_THAT(
      ProblemsOf("requirements:\n  - initiative: wrong\n"),
      HasSubstr("policy.yaml:4:17: requirements[0].initiative: \"our-sku\": the parameter skus of sku: expected a value of type Array"));
  Initiative("lacking", {Member("our-sku", "sku-guid")});
  EXPECT_THAT(ProblemsOf("requirements:\n  - initiative: lacking\n"), HasSubstr("\"our-sku\": sku needs its parameter skus (Array)"));
}

TEST_F(Requirements, OfParametersThatOnlyOtherResourcesNeedAreNotAskedForThem) {
  Initiative("wide", {Member("link", kPrivateLink), Member("vm", "other", {{"x", "[parameters('sizes')]"}})},
             {{"sizes", {{"type", "Array"}}}});
  EXPECT_THAT(NamesOf(*Load("requirements:\n  - initiative: wide\n")), ElementsAre("private-link"));
}

TEST_F(Requirements, ThatAnInitiativeSwitchesOffAreLeftOut) {
  Initiative("baseline",
             {Member("link", kPrivateLink), Member("sku", "sku-guid", {{"skus", {"Premium"}}, {"effect", "[parameters('sku')]"}})},
             {{"sku", {{"type", "String"}, {"defaultValue", "Disabled"}}}});
  const auto policy = Load("requirements:\n  - initiative: baseline\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("private-link"));
  EXPECT_THAT(policy->initiatives[0].switched_off, ElementsAre("sku"));
  EXPECT_THAT(NamesOf(*Load("requirements:\n  - initiative: baseline\n    parameters: {sku: Audit}\n")),
              ElementsAre("private-link", "sku"));
}

TEST_F(Requirements, WhoseEffectSaysNothingAboutComplianceAreProblemsOrLeftOut) {
  const std::string body = "requirements:\n  - definition: sku\n    parameters:\n      skus: [Premium]\n      effect: Manual\n";
  EXPECT_THAT(ProblemsOf(body), HasSubstr("policy.yaml:6:7: requirements[0].parameters: sku: the effect \"Manual\" says nothing about "));
  Initiative("baseline", {Member("link", kPrivateLink), Member("attested", "sku-guid", {{"skus", {"Premium"}}, {"effect", "Manual"}})});
  const auto policy = Load("requirements:\n  - initiative: baseline\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("private-link"));
  EXPECT_THAT(policy->initiatives[0].judging_nothing, ElementsAre("attested"));
  EXPECT_THAT(Describe(policy->initiatives[0]), HasSubstr("left out, as their effect says nothing about compliance: attested"));
  Initiative("attestations", {Member("attested", "sku-guid", {{"skus", {"Premium"}}, {"effect", "Manual"}})});
  EXPECT_THAT(ProblemsOf("requirements:\n  - initiative: attestations\n"), HasSubstr("asks for nothing: "));
}

TEST_F(Requirements, OfADefinitionByItselfStandInForTheInitiatives) {
  Initiative("baseline", {Member("link", kPrivateLink), Member("key", kCustomerKey)});
  // Wherever it stands, and whatever it says.
  const auto policy = Load("requirements:\n  - initiative: baseline\n  - {definition: private-link, effect: Disabled}\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("customer-managed-key", "private-link"));
  EXPECT_EQ(policy->requirements[1].effect, Effect::kDisabled);
  EXPECT_THAT(policy->initiatives[0].elsewhere, ElementsAre("link"));
}

TEST_F(Requirements, OfADefinitionForSomeRegistriesLeaveTheInitiativesForTheOthers) {
  Initiative("baseline", {Member("link", kPrivateLink)});
  const auto policy =
      Load("requirements:\n  - {definition: private-link, effect: Audit, scopes: [/subscriptions/dev]}\n  - initiative: baseline\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("private-link", "link"));
}

TEST_F(Requirements, OfADefinitionThatIsInTheInitiativeTwiceAreCalledByTheirReferences) {
  Initiative("baseline",
             {Member("premium", "sku-guid", {{"skus", {"Premium"}}}), Member("no-basic", "sku-guid", {{"skus", {"Standard", "Premium"}}})});
  EXPECT_THAT(NamesOf(*Load("requirements:\n  - initiative: baseline\n")), ElementsAre("premium", "no-basic"));
}

TEST_F(Requirements, OfSeveralInitiativesNeedNamesWhereTheyDiffer) {
  Initiative("one", {Member("link", kPrivateLink)});
  Initiative("two", {Member("link", kPrivateLink), Member("key", kCustomerKey)});
  const auto same = Load("requirements:\n  - initiative: one\n  - initiative: two\n");
  EXPECT_THAT(NamesOf(*same), ElementsAre("private-link", "customer-managed-key"));
  EXPECT_THAT(same->initiatives[1].elsewhere, ElementsAre("link"));
  EXPECT_EQ(ProblemsOf("requirements:\n  - initiative: one\n  - initiative: two\n    effect: Warn\n"),
            "policy.yaml:5:17: requirements[1].initiative: \"private-link\" is required already, in line 4; give one of them a name of its "
            "own, with name:");
  const auto named = Load("requirements:\n  - initiative: one\n  - {initiative: two, effect: Warn, name: soft}\n");
  EXPECT_THAT(NamesOf(*named), ElementsAre("private-link", "soft/private-link", "soft/customer-managed-key"));
}

TEST_F(Requirements, OfAnInitiativeThatAsksForNothingAreAProblem) {
  Initiative("vms", {Member("vm", "11111111-1111-1111-1111-111111111111")});
  EXPECT_EQ(ProblemsOf("requirements:\n  - initiative: vms\n"),
            "policy.yaml:4:17: requirements[0].initiative: asks for nothing: initiative vms: 0 of 1 definitions judge registries here; not "
            "loaded, as they are about other resources, or missing: vm");
}

TEST_F(Requirements, NameADefinitionOrAnInitiativeThatThereIs) {
  Initiative("baseline", {Member("link", kPrivateLink)});
  EXPECT_EQ(ProblemsOf("requirements:\n  - initiative: base-line\n"),
            "policy.yaml:4:17: requirements[0].initiative: there is no initiative \"base-line\"; did you mean \"baseline\"?");
  EXPECT_THAT(ProblemsOf("requirements:\n  - definition: baseline\n"), HasSubstr("it is an initiative: write initiative:"));
  EXPECT_THAT(ProblemsOf("requirements:\n  - initiative: private-link\n"), HasSubstr("it is a definition: write definition:"));
  EXPECT_THAT(ProblemsOf("requirements:\n  - {initiative: baseline, definition: private-link}\n"),
              HasSubstr("policy.yaml:4:40: requirements[0].definition: a requirement is of a definition or of an initiative"));
}

TEST_F(Requirements, TakeAzuresStatesForAnInitiativeToo) {
  Initiative("baseline", {Member("link", kPrivateLink)});
  const auto policy = Load("requirements:\n  - {initiative: baseline, source: azurePolicy}\n");
  EXPECT_EQ(policy->requirements.at(0).source, FindingSource::kAzurePolicy);
  EXPECT_THAT(ProblemsOf("requirements:\n  - {initiative: baseline, source: azurePolicy, parameters: {a: 1}}\n"),
              HasSubstr("are those of the assignment in Azure"));
}

TEST_F(Requirements, MayBeOfOneDefinitionSeveralTimesUnderNames) {
  const auto policy = Load(
      "requirements:\n  - {definition: sku, parameters: {skus: [Premium]}}\n"
      "  - {definition: sku, name: sku-dev, effect: Warn, parameters: {skus: [Basic]}, scopes: [/subscriptions/dev]}\n");
  EXPECT_THAT(NamesOf(*policy), ElementsAre("sku", "sku-dev"));
  EXPECT_EQ(ProblemsOf("requirements:\n  - {definition: private-link, name: a}\n  - {definition: customer-managed-key, name: A}\n"),
            "policy.yaml:5:46: requirements[1].name: \"A\" is required already, in line 4; give one of them a name of its own, with name:");
  EXPECT_THAT(ProblemsOf("requirements:\n  - {definition: private-link, name: premium-sku}\n"), HasSubstr("is another definition"));
  EXPECT_THAT(ProblemsOf("requirements:\n  - {definition: private-link, name: \"" + std::string(129, 'a') + "\"}\n"),
              HasSubstr("expected at most 128 printable characters"));
  EXPECT_THAT(ProblemsOf("requirements:\n  - {definition: private-link, name: unknownRegistry}\n"),
              HasSubstr("is a name that decisions use themselves"));
}

TEST_F(Requirements, HoldForTheRegistriesInTheirScopes) {
  const auto policy = Load(
      "requirements:\n"
      "  - definition: private-link\n    scopes: [/subscriptions/dev, /SUBSCRIPTIONS/prod/resourcegroups/RG]\n"
      "  - definition: customer-managed-key\n    notScopes: [/subscriptions/prod/resourceGroups/rg]\n"
      "  - definition: premium-sku\n    scopes: [/subscriptions/prod]\n    notScopes: [/subscriptions/prod/resourceGroups/other]\n"
      "  - definition: zone-redundant\n    scopes: [/subscriptions/pro, /subscriptions/prod/resourceGroups/r]\n");
  const policy::Registry contoso{.login_server = "contoso.azurecr.io",
                                 .name = "contoso",
                                 .resource_id = std::string(kContoso),
                                 .observed = {},
                                 .body = RegistryBody(R"({"type": "Microsoft.ContainerRegistry/registries"})")};
  const Verdict verdict = Judge(contoso, *policy, nullptr, {});
  ASSERT_EQ(verdict.size(), 2U);
  EXPECT_EQ(verdict[0].requirement, "private-link");
  EXPECT_EQ(verdict[1].requirement, "premium-sku");
  EXPECT_EQ(policy->requirements[0].rule, Load("requirements:\n  - definition: private-link\n")->requirements[0].rule);
}

TEST_F(Requirements, HaveScopesThatCanBeLookedUp) {
  const auto scope = [&](const std::string& id) {
    return ProblemsOf("requirements:\n  - {definition: private-link, scopes: [\"" + id + "\"]}\n");
  };
  EXPECT_EQ(scope(std::string(kContoso)), "");
  EXPECT_THAT(
      scope("/providers/Microsoft.Management/managementGroups/corp"),
      AllOf(HasSubstr("policy.yaml:4:41: requirements[0].scopes[0]: "), HasSubstr("is a management group"), HasSubstr("name these")));
  for (const char* id : {"prod", "/subscriptions/", "/subscriptions/prod/", "/subscriptions/prod/resourceGroups",
                         "/subscriptions/prod/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x"}) {
    EXPECT_THAT(scope(id), HasSubstr("requirements[0].scopes[0]: expected /subscriptions/ID, ")) << id;
  }
  EXPECT_THAT(ProblemsOf("requirements:\n  - {definition: private-link, notScopes: []}\n"),
              HasSubstr("expected a list of at least one item"));
}

TEST_F(Requirements, AreWaivedOneByOneOrTogether) {
  Initiative("baseline", {Member("link", kPrivateLink), Member("key", kCustomerKey)});
  const auto waived = [&](const std::string& name) {
    const auto policy = Load(
        "requirements:\n  - {initiative: baseline, name: base}\n  - {definition: private-link, name: also, scopes: [/subscriptions/dev]}\n"
        "exemptions:\n  - {name: x, namespaces: [a], expires: 2027-03-31, reason: r, requirements: [\"" +
        name + "\"]}\n");
    return policy->exemptions.empty() ? std::vector<std::string>() : policy->exemptions[0].requirements;
  };
  EXPECT_THAT(waived("also"), ElementsAre("also"));
  EXPECT_THAT(waived("base/link"), ElementsAre("base/link"));
  EXPECT_THAT(waived("private-link"), ElementsAre("base/link", "also"));
  EXPECT_THAT(waived("base"), ElementsAre("base/link", "base/customer-managed-key"));
  EXPECT_THAT(waived("baseline"), ElementsAre("base/link", "base/customer-managed-key"));
}

}  // namespace
}  // namespace policy
