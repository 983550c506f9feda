#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/time.h"
#include "policy/policy.h"

namespace {

using policy::DefinitionSet;
using policy::Effect;
using policy::LoadPolicy;
using policy::Policy;
using policy::SourceAction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kHeader = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n";  // the body begins in line 3

// Whoever writes a definition file may leave a parameter without a default.
constexpr std::string_view kSkuDefinition = R"json({
  "name": "sku-of-choice",
  "mode": "Indexed",
  "parameters": {"skus": {"type": "Array"}},
  "policyRule": {
    "if": {"allOf": [
      {"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
      {"field": "Microsoft.ContainerRegistry/registries/sku.name", "notIn": "[parameters('skus')]"}
    ]},
    "then": {"effect": "deny"}
  }
})json";

const DefinitionSet& Definitions() {
  static const DefinitionSet definitions = [] {
    DefinitionSet set = DefinitionSet::WithBuiltIns();
    const auto definition = policy::ParseDefinition(kSkuDefinition, "sku-of-choice.json", "sku-of-choice");
    EXPECT_TRUE(definition && set.Add(*definition));
    return set;
  }();
  return definitions;
}

std::shared_ptr<const Policy> Load(std::string_view body) {
  const auto loaded = LoadPolicy(std::string(kHeader) + std::string(body), "policy.yaml", Definitions());
  EXPECT_TRUE(loaded) << base::ToString(loaded.error());
  return loaded ? *loaded : std::make_shared<const Policy>();
}

std::string ProblemsOf(std::string_view body) {
  const auto loaded = LoadPolicy(std::string(kHeader) + std::string(body), "policy.yaml", Definitions());
  return loaded ? "" : base::ToString(loaded.error());
}

// An exemption of private-link with everything that is required but for what `lines` say; its mapping begins in line 7.
std::string Exemption(std::string_view lines) {
  return "requirements:\n  - definition: private-link\n  - definition: customer-managed-key\nexemptions:\n  - " + std::string(lines) + "\n";
}

TEST(PolicyLoader, AKeyWithNothingAfterItIsNoWayToRequireNothing) {
  EXPECT_THAT(ProblemsOf("requirements:\n"), HasSubstr("requirements: expected a value, got nothing"));
  EXPECT_THAT(
      ProblemsOf(Exemption("{name: x, registries: , namespaces: [a], requirements: [private-link], expires: 2030-01-01, reason: r}")),
      HasSubstr("registries: expected a value, got nothing"));
  EXPECT_EQ(ProblemsOf("requirements: []\n"), "");
}

TEST(PolicyLoader, RefusesARuleThatTheLoginServerWouldEvade) {
  const std::string alias = "aliases: {images.contoso.com: contoso.azurecr.io}\n";
  EXPECT_THAT(ProblemsOf(alias + "sources:\n  - {images: [\"images.contoso.com/secret/**\"], action: Deny}\n"),
              HasSubstr("stands for contoso.azurecr.io"));
  EXPECT_THAT(ProblemsOf("sources:\n  - {images: [\"contoso.westeurope.geo.azurecr.io/**\"], action: Warn}\n"),
              HasSubstr("stands for contoso.azurecr.io"));
  EXPECT_EQ(ProblemsOf(alias + "sources:\n  - {images: [\"contoso.azurecr.io/secret/**\"], action: Deny}\n"), "");
  EXPECT_EQ(ProblemsOf(alias + "sources:\n  - {images: [\"images.contoso.com/**\"], action: Allow}\n"), "");
}

TEST(PolicyLoader, RefusesADefinitionThatIsCalledAsADecisionsOwnFinding) {
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  ASSERT_TRUE(set.Add(*policy::ParseDefinition(kSkuDefinition, "sources.json", "sources")));
  const auto loaded =
      LoadPolicy(std::string(kHeader) + "requirements:\n  - {definition: sources, parameters: {skus: [Premium]}}\n", "policy.yaml", set);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(base::ToString(loaded.error()), HasSubstr("a name that decisions use themselves"));
}

TEST(PolicyLoader, OtherParametersAreAnotherRule) {
  const auto rule = [](const std::string& accept) {
    return Load("requirements:\n  - {definition: dedicated-data-endpoints, parameters: {acceptPrivateEndpoint: " + accept + "}}\n")
        ->requirements.at(0)
        .rule;
  };
  EXPECT_NE(rule("true"), rule("false"));
  EXPECT_EQ(rule("true"), rule("true"));
}

TEST(PolicyLoader, ARequirementSaysWhoseResultCounts) {
  const auto policy = Load(
      "requirements:\n  - {definition: private-link, source: azurePolicy}\n  - {definition: premium-sku, source: registry}\n"
      "  - definition: zone-redundant\n");
  ASSERT_EQ(policy->requirements.size(), 3u);
  EXPECT_EQ(policy->requirements[0].source, policy::FindingSource::kAzurePolicy);
  EXPECT_EQ(policy->requirements[1].source, policy::FindingSource::kRegistry);
  EXPECT_EQ(policy->requirements[2].source, policy::FindingSource::kRegistry);
  EXPECT_NE(policy->requirements[0].rule, Load("requirements: [{definition: private-link}]\n")->requirements[0].rule)
      << "compliance by the one is none by the other";
}

TEST(PolicyLoader, AzurePolicyJudgesOnlyItsOwnDefinitionsByItsOwnParameters) {
  EXPECT_EQ(ProblemsOf("requirements:\n  - definition: dedicated-data-endpoints\n    source: azurePolicy\n"),
            "policy.yaml:5:13: requirements[0].source: \"dedicated-data-endpoints\" is no definition of Azure's, so Azure Policy has no "
            "state of it; leave source out");
  EXPECT_EQ(ProblemsOf("requirements:\n  - {definition: private-link, source: azurePolicy, parameters: {effect: Audit}}\n"),
            "policy.yaml:4:65: requirements[0].parameters: are those of the assignment in Azure with source: azurePolicy; leave them out");
  EXPECT_THAT(ProblemsOf("requirements:\n  - {definition: private-link, source: azure}\n"),
              HasSubstr("requirements[0].source: expected registry or azurePolicy, got \"azure\""));
}

TEST(DefaultPolicy, IsTheOneThatIsDocumented) {
  const auto loaded = LoadPolicy(policy::DefaultPolicyText(), "default", DefinitionSet::WithBuiltIns());
  ASSERT_TRUE(loaded) << base::ToString(loaded.error());
  const Policy& policy = **loaded;
  ASSERT_EQ(policy.requirements.size(), 4u);
  EXPECT_EQ(policy.requirements[0].name, "customer-managed-key");
  EXPECT_EQ(policy.requirements[0].effect, Effect::kDeny);
  EXPECT_EQ(policy.requirements[1].name, "private-link");
  EXPECT_EQ(policy.requirements[1].effect, Effect::kDeny);
  EXPECT_EQ(policy.requirements[2].name, "restricted-network");
  EXPECT_EQ(policy.requirements[2].effect, Effect::kDeny);
  EXPECT_EQ(policy.requirements[3].name, "dedicated-data-endpoints");
  EXPECT_EQ(policy.requirements[3].effect, Effect::kAudit);
  EXPECT_EQ(policy.requirements[3].parameters.at("acceptPrivateEndpoint"), true);
  ASSERT_EQ(policy.sources.size(), 1u);
  EXPECT_EQ(policy.sources[0].action, SourceAction::kAllow);
  EXPECT_FALSE(policy.sources[0].unverified);
  ASSERT_EQ(policy.sources[0].images.size(), 2u);
  EXPECT_EQ(policy.sources[0].images[0].text(), "mcr.microsoft.com/**");
  EXPECT_EQ(policy.sources[0].images[1].text(), "registry.k8s.io/**");
  EXPECT_EQ(policy.digest, base::Sha256(policy::DefaultPolicyText()));
}

// Whoever deletes a line of the default policy gets what the line said.
TEST(DefaultPolicy, SaysWhatIsTheDefaultOfEveryOtherKey) {
  const auto spelled_out = LoadPolicy(policy::DefaultPolicyText(), "default", DefinitionSet::WithBuiltIns());
  ASSERT_TRUE(spelled_out);
  const auto bare = Load("");
  EXPECT_THAT(bare->requirements, IsEmpty());
  EXPECT_THAT(bare->sources, IsEmpty());
  for (const Policy* policy : {spelled_out->get(), bare.get()}) {
    EXPECT_EQ(policy->other_registries, Effect::kDeny);
    EXPECT_EQ(policy->unknown_registry, Effect::kDeny);
    EXPECT_EQ(policy->unknown_finding, Effect::kDeny);
    EXPECT_EQ(policy->stale_after, std::chrono::hours(72));
    EXPECT_EQ(policy->stale_effect, Effect::kDeny);
    EXPECT_EQ(policy->drift_grace, std::chrono::seconds(0));
    EXPECT_EQ(policy->workloads, policy::WorkloadMode::kDeny);
    EXPECT_EQ(policy->max_effect, Effect::kDeny);
    EXPECT_EQ(policy->messages, policy::MessageDetail::kBrief);
    EXPECT_THAT(policy->aliases, IsEmpty());
    EXPECT_THAT(policy->namespaces, IsEmpty());
    EXPECT_THAT(policy->exemptions, IsEmpty());
  }
}

// Every example of docs/policy.md loads, and the first is the default policy to the letter.
TEST(PolicyDocument, HoldsPoliciesThatLoad) {
  const auto document = base::ReadFile(ACR_TEST_DATA "/../../docs/policy.md", 1 << 20);
  ASSERT_TRUE(document) << document.error().ToString();
  constexpr std::string_view kFence = "```yaml\n";
  std::size_t examples = 0;
  for (std::size_t at = document->find(kFence); at != std::string::npos; at = document->find(kFence, at)) {
    const std::size_t begin = at + kFence.size();
    at = document->find("```\n", begin);
    ASSERT_NE(at, std::string::npos);
    std::string text = document->substr(begin, at - begin);
    if (++examples == 1) {
      EXPECT_EQ(text, policy::DefaultPolicyText());
    }
    text.erase(text.find_last_not_of(' ') + 1);  // a fence within a list item is indented
    const auto loaded = LoadPolicy(text, "policy.md", DefinitionSet::WithBuiltIns());
    EXPECT_TRUE(loaded) << base::ToString(loaded.error()) << "\n" << text;
  }
  EXPECT_GE(examples, 7u);
}

TEST(LoadPolicy, ReadsEveryKey) {
  const auto policy = Load(R"(
requirements:
  - {definition: private-link, effect: Warn}
  - {definition: Customer-Managed-Key}
  - {definition: sku-of-choice, effect: Disabled, parameters: {skus: [Premium]}}
sources:
  - {images: ["docker.io/library/*", "ghcr.io/**"], action: Audit}
  - {images: ["legacy.azurecr.io/**"], action: Allow, unverified: true}
otherRegistries: Allow
unknownRegistry: Warn
unknownFinding: Audit
staleVerdict: {after: 1m, effect: Disabled}
driftGrace: 1h30m
workloads: Off
maxEffect: Warn
messages: full
aliases: {Images.Contoso.com:443: Contoso.azurecr.io}
namespaces:
  - {names: [sandbox, dev-anna]}
  - {names: [kube-system], maxEffect: Audit}
exemptions:
  - name: move
    registries: [LegacyBilling.azurecr.io]
    images: ["*.azurecr.io/billing/**"]
    namespaces: [billing]
    resourceId: /subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg/providers/microsoft.containerregistry/registries/legacybilling
    requirements: [private-link, CUSTOMER-MANAGED-KEY]
    expires: 2027-03-31
    reason: SEC-1234, key vault move
  - {name: short, namespaces: [a], requirements: [private-link], expires: "2026-11-23T12:00:00+01:00", reason: r}
)");
  ASSERT_EQ(policy->requirements.size(), 3u);
  EXPECT_EQ(policy->requirements[0].effect, Effect::kWarn);
  EXPECT_EQ(policy->requirements[1].name, "customer-managed-key");
  EXPECT_EQ(policy->requirements[1].effect, Effect::kDeny);
  EXPECT_EQ(policy->requirements[2].effect, Effect::kDisabled);
  EXPECT_EQ(policy->requirements[2].parameters.at("skus"), nlohmann::json::array({"Premium"}));
  ASSERT_EQ(policy->sources.size(), 2u);
  EXPECT_EQ(policy->sources[0].action, SourceAction::kAudit);
  EXPECT_EQ(policy->sources[0].images.size(), 2u);
  EXPECT_TRUE(policy->sources[1].unverified);
  EXPECT_EQ(policy->other_registries, Effect::kDisabled);
  EXPECT_EQ(policy->unknown_registry, Effect::kWarn);
  EXPECT_EQ(policy->unknown_finding, Effect::kAudit);
  EXPECT_EQ(policy->stale_after, std::chrono::minutes(1));
  EXPECT_EQ(policy->stale_effect, Effect::kDisabled);
  EXPECT_EQ(policy->drift_grace, std::chrono::minutes(90));
  EXPECT_EQ(policy->workloads, policy::WorkloadMode::kOff);
  EXPECT_EQ(policy->max_effect, Effect::kWarn);
  EXPECT_EQ(policy->messages, policy::MessageDetail::kFull);
  EXPECT_THAT(policy->aliases, ElementsAre(Pair("images.contoso.com", "contoso.azurecr.io")));
  EXPECT_THAT(policy->namespaces,
              UnorderedElementsAre(Pair("sandbox", Effect::kWarn), Pair("dev-anna", Effect::kWarn), Pair("kube-system", Effect::kAudit)));
  ASSERT_EQ(policy->exemptions.size(), 2u);
  const policy::Exemption& exemption = policy->exemptions[0];
  EXPECT_EQ(exemption.name, "move");
  EXPECT_THAT(exemption.registries, ElementsAre("legacybilling.azurecr.io"));
  EXPECT_EQ(exemption.images.size(), 1u);
  EXPECT_THAT(exemption.namespaces, ElementsAre("billing"));
  EXPECT_THAT(exemption.resource_id, HasSubstr("/registries/legacybilling"));
  EXPECT_THAT(exemption.requirements, ElementsAre("private-link", "customer-managed-key"));
  EXPECT_EQ(exemption.expires_text, "2027-03-31");
  EXPECT_EQ(exemption.reason, "SEC-1234, key vault move");
  EXPECT_EQ(policy->exemptions[1].expires, base::ParseTime("2026-11-23T11:00:00Z"));
}

TEST(LoadPolicy, LetsADateBeGoodThroughThatDay) {
  const auto policy = Load(Exemption("{name: x, namespaces: [a], requirements: [private-link], expires: 2027-03-31, reason: r}"));
  ASSERT_EQ(policy->exemptions.size(), 1u);
  EXPECT_EQ(policy->exemptions[0].expires, base::ParseTime("2027-04-01T00:00:00Z"));
}

TEST(LoadPolicy, TakesAnExemptionThatHasExpired) {
  EXPECT_EQ(ProblemsOf(Exemption("{name: x, namespaces: [a], requirements: [private-link], expires: 2020-01-01, reason: r}")), "");
}

TEST(LoadPolicy, WantsItsHeader) {
  const auto problems = [](std::string_view text) {
    const auto loaded = LoadPolicy(text, "policy.yaml", Definitions());
    return loaded ? "" : base::ToString(loaded.error());
  };
  EXPECT_EQ(problems("driftGrace: 0s\n"),
            "policy.yaml:1:1: the key \"apiVersion\" is missing\npolicy.yaml:1:1: the key \"kind\" is missing");
  EXPECT_EQ(problems("apiVersion: v1\nkind: [RegistryPolicy]\n"),
            "policy.yaml:1:13: apiVersion: expected acr-admission.io/v1, got \"v1\"\n"
            "policy.yaml:2:7: kind: expected RegistryPolicy, got a list");
  EXPECT_EQ(problems(""), "policy.yaml: is empty; expected a policy that begins with apiVersion: acr-admission.io/v1");
  EXPECT_EQ(problems("- a\n"), "policy.yaml:1:1: expected a mapping, got a list");
}

TEST(LoadPolicy, ReportsEveryProblemInTheFilesOrder) {
  EXPECT_EQ(ProblemsOf("requirments: []\n"
                       "staleVerdict: {after: 30s, effect: No}\n"
                       "sources:\n"
                       "  - {images: [\"nginx\"], action: allow}\n"
                       "maxEffect: Disabled\n"
                       "workloads: off\n"),
            "policy.yaml:3:1: unknown key \"requirments\"; did you mean \"requirements\"?\n"
            "policy.yaml:4:23: staleVerdict.after: expected a duration from 1m to 3650d such as 90s, 1h30m or 30d, got \"30s\"\n"
            "policy.yaml:4:36: staleVerdict.effect: expected Deny, Warn, Audit or Disabled, got \"No\"\n" +
                ProblemsOf("\n\nsources:\n  - {images: [\"nginx\"], action: Allow}\n") +
                "\npolicy.yaml:6:33: sources[0].action: expected Allow, Warn, Audit, Deny or Verify, got \"allow\"\n"
                "policy.yaml:7:12: maxEffect: expected Deny, Warn or Audit, got \"Disabled\"\n"
                "policy.yaml:8:12: workloads: expected Deny, Warn or Off, got \"off\"");
  EXPECT_THAT(ProblemsOf("sources:\n  - images:\n    - ghcr.io/**\n    - nginx\n    action: Deny\n"),
              HasSubstr("policy.yaml:6:7: sources[0].images[1]: "));
}

TEST(LoadPolicy, RefusesWhatTheStrictReaderRefuses) {
  EXPECT_THAT(ProblemsOf("driftGrace: 0s\ndriftGrace: 1s\n"), HasSubstr("policy.yaml:4:1: duplicate key"));
  EXPECT_THAT(ProblemsOf("driftGrace: &a 0s\n"), HasSubstr("policy.yaml:3:13: an anchor"));
}

TEST(LoadPolicy, RefusesADefinitionThatDoesNotExist) {
  EXPECT_EQ(ProblemsOf("requirements:\n  - definition: privatelink\n"),
            "policy.yaml:4:17: requirements[0].definition: there is no definition \"privatelink\"; did you mean \"private-link\"?");
  EXPECT_EQ(ProblemsOf("requirements:\n  - definition: 00000000-0000-0000-0000-000000000000\n"),
            "policy.yaml:4:17: requirements[0].definition: there is no definition \"00000000-0000-0000-0000-000000000000\"");
  EXPECT_EQ(ProblemsOf("requirements:\n  - effect: Deny\n"), "policy.yaml:4:5: requirements[0]: the key \"definition\" is missing");
}

TEST(LoadPolicy, FindsADefinitionByGuidAndId) {
  const auto definition = Definitions().Find("private-link");
  ASSERT_TRUE(definition);
  ASSERT_FALSE(definition->guid.empty());
  EXPECT_EQ(Load("requirements:\n  - definition: " + definition->guid + "\n")->requirements.at(0).name, "private-link");
  EXPECT_EQ(Load("requirements:\n  - definition: " + std::string(definition->id) + "\n")->requirements.at(0).name, "private-link");
  EXPECT_EQ(ProblemsOf("requirements:\n  - definition: private-link\n  - definition: " + definition->guid + "\n"),
            "policy.yaml:5:17: requirements[1].definition: \"private-link\" is required already, in line 4; give one of them a name of its "
            "own, with "
            "name:");
}

TEST(LoadPolicy, PlacesAParametersProblemAtItsValue) {
  const std::string begin = "requirements:\n  - definition: dedicated-data-endpoints\n    parameters:\n";
  EXPECT_THAT(ProblemsOf(begin + "      acceptPrivateEndpont: true\n      acceptPrivateEndpoint: 3\n"),
              testing::AllOf(HasSubstr("policy.yaml:6:29: requirements[0].parameters: "), HasSubstr("\"acceptPrivateEndpont\""),
                             HasSubstr("policy.yaml:7:30: requirements[0].parameters: ")));
  EXPECT_THAT(ProblemsOf("requirements:\n  - definition: sku-of-choice\n"), HasSubstr("policy.yaml:4:5: requirements[0].parameters: "));
  EXPECT_THAT(ProblemsOf("requirements:\n  - definition: sku-of-choice\n    parameters: {sku: [a]}\n"),
              testing::AllOf(HasSubstr("policy.yaml:5:23: requirements[0].parameters: "),
                             HasSubstr("policy.yaml:5:17: requirements[0].parameters: ")));
  EXPECT_EQ(ProblemsOf("requirements:\n  - definition: private-link\n    parameters: [a]\n"),
            "policy.yaml:5:17: requirements[0].parameters: expected a mapping of parameter names to values, got a list");
}

TEST(LoadPolicy, WantsImagesAndAnActionOfASource) {
  EXPECT_EQ(ProblemsOf("sources:\n  - {}\n"),
            "policy.yaml:4:5: sources[0]: the key \"images\" is missing\npolicy.yaml:4:5: sources[0]: the key \"action\" is missing");
  EXPECT_EQ(ProblemsOf("sources:\n  - {images: [], action: Deny}\n"),
            "policy.yaml:4:14: sources[0].images: expected a list of at least one item, got an empty one");
}

TEST(LoadPolicy, LimitsUnverifiedToActionsThatLetIn) {
  EXPECT_EQ(ProblemsOf("sources:\n  - {images: [\"a.azurecr.io/**\"], action: Verify, unverified: true}\n"),
            "policy.yaml:4:63: sources[0].unverified: goes with the actions Allow, Warn and Audit alone, not with Verify");
  EXPECT_THAT(ProblemsOf("sources:\n  - {images: [\"a.azurecr.io/**\"], action: Deny, unverified: true}\n"), HasSubstr("not with Deny"));
  for (const std::string action : {"Allow", "Warn", "Audit"}) {
    EXPECT_EQ(ProblemsOf("sources:\n  - {images: [\"a.azurecr.io/**\"], action: " + action + ", unverified: true}\n"), "");
  }
  EXPECT_EQ(ProblemsOf("sources:\n  - {images: [\"a.azurecr.io/**\"], action: Verify, unverified: false}\n"), "");
}

TEST(LoadPolicy, RefusesAliasesThatAreNoneOrPointNowhere) {
  const auto alias = [](std::string_view entry) { return ProblemsOf("aliases:\n  " + std::string(entry) + "\n"); };
  EXPECT_EQ(alias("images.contoso.com: contoso.azurecr.io"), "");
  EXPECT_EQ(alias("images.contoso.com:5000: contoso.azurecr.us"), "");
  EXPECT_EQ(alias("images: contoso.azurecr.io"),
            "policy.yaml:4:3: aliases: expected a registry host such as images.contoso.com, got \"images\"");
  EXPECT_THAT(alias("images.contoso.com/team: contoso.azurecr.io"), HasSubstr("expected a registry host"));
  EXPECT_THAT(alias("docker.io: contoso.azurecr.io"), HasSubstr("expected a registry host"));
  EXPECT_THAT(alias("\"*.contoso.com\": contoso.azurecr.io"), HasSubstr("expected a registry host"));
  EXPECT_THAT(alias("other.azurecr.io: contoso.azurecr.io"),
              HasSubstr("policy.yaml:4:3: aliases: \"other.azurecr.io\" lies under a registry suffix"));
  EXPECT_THAT(alias("a.data.azurecr.cn: contoso.azurecr.io"), HasSubstr("lies under a registry suffix"));
  EXPECT_EQ(alias("images.contoso.com: contoso.westeurope.geo.azurecr.io"),
            "policy.yaml:4:23: aliases.images.contoso.com: expected an ACR login server such as contoso.azurecr.io, got "
            "\"contoso.westeurope.geo.azurecr.io\"; did you mean \"contoso.azurecr.io\"?");
  EXPECT_THAT(alias("images.contoso.com: docker.io"),
              HasSubstr("expected an ACR login server such as contoso.azurecr.io, got \"docker.io\""));
  EXPECT_THAT(alias("images.contoso.com: [contoso.azurecr.io]"),
              HasSubstr("expected an ACR login server such as contoso.azurecr.io, got a list"));
  EXPECT_THAT(
      alias("images.contoso.com: a.azurecr.io\n  IMAGES.contoso.com:443: b.azurecr.io"),
      HasSubstr("policy.yaml:5:3: aliases: \"IMAGES.contoso.com:443\" is the host \"images.contoso.com\", which has an alias already"));
}

TEST(LoadPolicy, WantsNamespacesNamedExactlyAndOnce) {
  EXPECT_EQ(ProblemsOf("namespaces:\n  - {names: [\"dev-*\", Team, \"\", a]}\n  - {names: [a]}\n  - {maxEffect: Warn}\n"),
            "policy.yaml:4:14: namespaces[0].names[0]: namespaces are named exactly, a pattern is none: \"dev-*\"\n"
            "policy.yaml:4:23: namespaces[0].names[1]: expected a namespace's name such as team-a, got \"Team\"\n"
            "policy.yaml:4:29: namespaces[0].names[2]: expected a text that is not empty, got \"\"\n"
            "policy.yaml:5:14: namespaces[1].names[0]: the namespace \"a\" has a cap already, in line 4\n"
            "policy.yaml:6:5: namespaces[2]: the key \"names\" is missing");
  for (const std::string name : {"-a", "a-", "a.b", "a_b", "ä"}) {
    EXPECT_THAT(ProblemsOf("namespaces:\n  - {names: [\"" + name + "\"]}\n"), HasSubstr("expected a namespace's name")) << name;
  }
  EXPECT_THAT(ProblemsOf("namespaces:\n  - {names: [" + std::string(64, 'a') + "]}\n"), HasSubstr("expected a namespace's name"));
  EXPECT_EQ(ProblemsOf("namespaces:\n  - {names: [" + std::string(63, 'a') + "]}\n"), "");
}

TEST(LoadPolicy, WantsEveryPartOfAnExemption) {
  EXPECT_EQ(ProblemsOf(Exemption("{}")),
            "policy.yaml:7:5: exemptions[0]: the key \"name\" is missing\n"
            "policy.yaml:7:5: exemptions[0]: expected at least one of registries, images, namespaces and resourceId: an exemption of "
            "everything is "
            "none\n"
            "policy.yaml:7:5: exemptions[0]: the key \"requirements\" is missing\n"
            "policy.yaml:7:5: exemptions[0]: the key \"expires\" is missing\n"
            "policy.yaml:7:5: exemptions[0]: the key \"reason\" is missing");
  EXPECT_THAT(
      ProblemsOf(Exemption("{name: x, namespaces: [a], registries: [], requirements: [private-link], expires: 2027-03-31, reason: r}")),
      HasSubstr("exemptions[0].registries: expected a list of at least one item"));
  EXPECT_THAT(ProblemsOf(Exemption("{name: x, namespaces: [a], requirements: [], expires: 2027-03-31, reason: r}")),
              HasSubstr("exemptions[0].requirements: expected a list of at least one item"));
}

TEST(LoadPolicy, ChecksEveryValueOfAnExemption) {
  const auto with = [](std::string_view name, std::string_view scope, std::string_view requirement, std::string_view rest) {
    return ProblemsOf(Exemption("{name: " + std::string(name) + ", " + std::string(scope) + ", requirements: [" + std::string(requirement) +
                                "], " + std::string(rest) + "}"));
  };
  const std::string_view rest = "expires: 2027-03-31, reason: r";
  EXPECT_EQ(with("x", "namespaces: [a]", "private-link", rest), "");
  EXPECT_THAT(with("A b", "namespaces: [a]", "private-link", rest), HasSubstr("exemptions[0].name: expected a name of a-z, 0-9 and '-'"));
  EXPECT_THAT(with("x", "registries: [docker.io]", "private-link", rest),
              HasSubstr("exemptions[0].registries[0]: expected an ACR login server"));
  EXPECT_THAT(with("x", "registries: [a.data.azurecr.io]", "private-link", rest), HasSubstr("exemptions[0].registries[0]: "));
  EXPECT_THAT(with("x", "images: [\"nginx\"]", "private-link", rest), HasSubstr("exemptions[0].images[0]: "));
  EXPECT_THAT(with("x", "namespaces: [\"*\"]", "private-link", rest),
              HasSubstr("exemptions[0].namespaces[0]: namespaces are named exactly"));
  EXPECT_THAT(with("x", "namespaces: [a]", "privat-link", rest),
              HasSubstr("exemptions[0].requirements[0]: \"privat-link\" is no requirement of this policy; did you mean \"private-link\"?"));
  EXPECT_THAT(with("x", "namespaces: [a]", "restricted-network", rest),
              HasSubstr("\"restricted-network\" is no requirement of this policy"));
  EXPECT_EQ(
      with("x", "namespaces: [a]", "private-link", "expires: soon, reason: r"),
      "policy.yaml:7:71: exemptions[0].expires: expected a date such as 2027-03-31 or a time such as 2027-03-31T18:00:00Z, got \"soon\"");
  EXPECT_THAT(with("x", "namespaces: [a]", "private-link", "expires: 2027-02-30, reason: r"), HasSubstr("got \"2027-02-30\""));
  EXPECT_THAT(with("x", "namespaces: [a]", "private-link", "expires: 2027-03-31, reason: \"\""),
              HasSubstr("exemptions[0].reason: expected a text"));
  EXPECT_THAT(with("x", "namespaces: [a]", "private-link", "expires: 2027-03-31, reason: r, until: 1"),
              HasSubstr("exemptions[0]: unknown key \"until\""));
}

TEST(LoadPolicy, NeverLetsADecisionsOwnFindingBeWaived) {
  for (const std::string name : {"unknownRegistry", "staleVerdict", "otherRegistries", "sources", "unknownFinding"}) {
    EXPECT_EQ(ProblemsOf(Exemption("{name: x, namespaces: [a], requirements: [" + name + "], expires: 2027-03-31, reason: r}")),
              "policy.yaml:7:47: exemptions[0].requirements[0]: \"" + name +
                  "\" can never be waived: an exemption waives requirements of this policy alone");
  }
}

TEST(LoadPolicy, HoldsRegistriesOfACustomCloudForWhatTheyAre) {
  const auto suffixes = policy::RegistrySuffixes().With({"azsacr.stack.example"});
  const auto load = [&](const std::string& body) {
    return LoadPolicy(std::string(kHeader) + body, "policy.yaml", Definitions(), suffixes);
  };
  const auto problems = [&](const std::string& body) {
    const auto loaded = load(body);
    return loaded ? "" : base::ToString(loaded.error());
  };
  const std::string exemption =
      Exemption("{name: x, registries: [contoso.azsacr.stack.example], requirements: [private-link], expires: 2027-03-31, reason: r}");
  const std::string alias = "aliases: {images.contoso.com: contoso.azsacr.stack.example}\n";
  const auto loaded = load(exemption + alias);
  ASSERT_TRUE(loaded) << base::ToString(loaded.error());
  EXPECT_EQ((*loaded)->registry_suffixes.Of("contoso.azsacr.stack.example"), "azsacr.stack.example");
  EXPECT_THAT((*loaded)->aliases, ElementsAre(Pair("images.contoso.com", "contoso.azsacr.stack.example")));
  EXPECT_THAT(problems("aliases: {other.azsacr.stack.example: contoso.azurecr.io}\n"), HasSubstr("lies under a registry suffix"));
  EXPECT_THAT(problems("aliases: {other.azurecr.io: contoso.azsacr.stack.example}\n"), HasSubstr("lies under a registry suffix"));
  EXPECT_THAT(problems("sources:\n  - {images: [\"contoso.east.geo.azsacr.stack.example/**\"], action: Deny}\n"),
              HasSubstr("stands for contoso.azsacr.stack.example"));
  EXPECT_THAT(ProblemsOf(exemption), HasSubstr("expected an ACR login server"));
  EXPECT_THAT(ProblemsOf(alias), HasSubstr("expected an ACR login server"));
}

TEST(LoadPolicy, WantsAnIdOfARegistryOrOfWhatHoldsItOfAnExemption) {
  const auto id = [](std::string_view text) {
    return ProblemsOf(Exemption("{name: x, namespaces: [a], requirements: [private-link], expires: 2027-03-31, reason: r, resourceId: \"" +
                                std::string(text) + "\"}"));
  };
  EXPECT_EQ(id("/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r"), "");
  EXPECT_EQ(id("/subscriptions/s/resourcegroups/g"), "");
  EXPECT_EQ(id("/subscriptions/s"), "");
  for (const std::string text : {"contoso", "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/",
                                 "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/x",
                                 "subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
                                 "/subscriptions//resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
                                 "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/registries/r"}) {
    EXPECT_THAT(id(text), HasSubstr("exemptions[0].resourceId: expected /subscriptions/ID, /subscriptions/ID/resourceGroups/GROUP or "))
        << text;
  }
}

TEST(LoadPolicy, WantsExemptionsOfDifferentNames) {
  const std::string one = "{name: x, namespaces: [a], requirements: [private-link], expires: 2027-03-31, reason: r}";
  EXPECT_EQ(ProblemsOf(Exemption(one + "\n  - " + one)),
            "policy.yaml:8:12: exemptions[1].name: the exemption in line 7 has the name \"x\" already");
}

TEST(LoadPolicy, DigestIsOfTheText) {
  const std::string text = std::string(kHeader) + "# a comment\n";
  const auto loaded = LoadPolicy(text, "policy.yaml", Definitions());
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->digest, base::Sha256(text));
  EXPECT_NE((*loaded)->digest, Load("")->digest);
}

}  // namespace
