#include "cli/registries.h"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "state/saved_inventory.h"
#include "tests/cli/run.h"
#include "tests/support/azure_world.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Registries : public ::testing::Test {
 protected:
  Registries() {
    folder_.Write("registries.json", json{WithoutCustomerKey("fabrikam"), CompliantRegistry("contoso")}.dump());
    arguments_.inputs.registries = folder_ / "registries.json";
  }

  json Rows() {
    arguments_.output = OutputFormat::kJson;
    const Ran ran = RunCommand(RunRegistries, arguments_);
    EXPECT_EQ(ran.exit, kExitOk) << ran.err;
    const auto value = base::ParseJson(ran.out, "output");
    EXPECT_TRUE(value) << ran.out;
    return value.value_or(json());
  }

  support::TempFolder folder_;
  RegistriesArguments arguments_;
};

TEST_F(Registries, AreListedByLoginServerWithTheirVerdicts) {
  const json rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["loginServer"], "contoso.azurecr.io");
  EXPECT_EQ(rows[0]["verdict"], "Compliant");
  EXPECT_EQ(rows[1]["loginServer"], "fabrikam.azurecr.io");
  EXPECT_EQ(rows[1]["name"], "fabrikam");
  EXPECT_EQ(rows[1]["verdict"], "NonCompliant");
  EXPECT_THAT(rows[1]["resourceId"].get<std::string>(), HasSubstr("/registries/fabrikam"));
  EXPECT_TRUE(base::ParseTime(rows[1]["observed"].get<std::string>()));
}

TEST_F(Registries, ShowEvidenceAndACompleteRemedy) {
  const json rows = Rows();
  const json& finding = rows[1]["findings"][0];
  EXPECT_EQ(finding["requirement"], "customer-managed-key");
  EXPECT_EQ(finding["result"], "NonCompliant");
  EXPECT_EQ(finding["effect"], "Deny");
  EXPECT_THAT(finding["definitionId"].get<std::string>(), HasSubstr("policyDefinitions/"));
  ASSERT_FALSE(finding["evidence"].empty());
  EXPECT_EQ(finding["evidence"][0]["actual"], "disabled");
  EXPECT_TRUE(finding["evidence"][0]["expected"].is_string());
  EXPECT_EQ(rows[0]["findings"][0]["remedy"], nullptr);
}

TEST_F(Registries, AreFoundByNameOrLoginServerInAnyCase) {
  arguments_.names = {"FABRIKAM"};
  EXPECT_EQ(Rows().size(), 1U);
  arguments_.names = {"Contoso.azurecr.io"};
  EXPECT_EQ(Rows()[0]["name"], "contoso");
}

TEST_F(Registries, ThatNobodyKnowsAreSaidToBeSo) {
  arguments_.names = {"wingtip", "contoso"};
  arguments_.output = OutputFormat::kJson;
  const Ran ran = RunCommand(RunRegistries, arguments_);
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.err, HasSubstr("wingtip"));
  EXPECT_THAT(ran.err, Not(HasSubstr("contoso")));
  EXPECT_EQ(base::ParseJson(ran.out, "output").value().size(), 1U);
}

TEST_F(Registries, AreShownToPeopleWithWhatFailsAlone) {
  const Ran ran = RunCommand(RunRegistries, arguments_);
  EXPECT_THAT(ran.out, HasSubstr("contoso.azurecr.io  Compliant  observed "));
  EXPECT_THAT(ran.out, HasSubstr("fabrikam.azurecr.io  NonCompliant  observed "));
  EXPECT_THAT(ran.out, HasSubstr("\n  customer-managed-key: NonCompliant (Deny): "));
  EXPECT_THAT(ran.out, Not(HasSubstr("private-link")));
}

TEST_F(Registries, ThatCannotBeReadAreAnErrorThatNamesTheFile) {
  folder_.Write("registries.json", "[{\"name\":");
  const Ran ran = RunCommand(RunRegistries, arguments_);
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("registries.json"));
}

constexpr const char* kSubscription = "00000001-0000-4000-8000-000000000000";
constexpr const char* kCustomerKey = "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580";
constexpr const char* kPrivateLink = "e8eef0a8-67cf-4eb4-9386-14b0e78733d4";

// Registries that are read from Azure, with what Azure Policy says of them: contoso meets everything, fabrikam has no
// customer-managed key.
class AzurePolicyStates : public ::testing::Test {
 protected:
  AzurePolicyStates() {
    world_.AddRegistry(kSubscription, "Platform", "Contoso");
    world_.AddRegistry(kSubscription, "Platform", "Fabrikam", support::WithoutCustomerManagedKey());
    folder_.Write("ca.crt", server_.ca_pem());
    folder_.Write("secret", application_.client_secret);
    Configure("complianceStates: true");
    arguments_.inputs.config = folder_ / "config.yaml";
  }

  void Configure(const std::string& more) {
    folder_.Write("config.yaml", "tls: {certificate: a, key: b}\ninventory:\n  source: azure\n  cloud: {name: Fake, resourceManager: \"" +
                                     server_.Origin() + "\", authority: \"" + server_.Origin() +
                                     "\", registrySuffixes: [azurecr.io]}\n  ca: ca.crt\n  azure:\n    - credential: {kind: clientSecret, "
                                     "tenantId: " +
                                     application_.tenant_id + ", clientId: " + application_.client_id + ", clientSecretFile: secret}\n  " +
                                     more + "\n");
  }
  void Say(const std::string& name, const std::string& definition, const std::string& state) {
    world_.PutPolicyState({.resource_id = support::RegistryId(kSubscription, "Platform", name),
                           .definition = definition,
                           .state = state,
                           .timestamp = clock_.Now() - std::chrono::hours(3)});
  }
  Ran Run(OutputFormat output) {
    arguments_.output = output;
    return RunCommand(RunRegistries, arguments_);
  }
  json Rows() {
    const Ran ran = Run(OutputFormat::kJson);
    EXPECT_EQ(ran.exit, kExitOk) << ran.err;
    return base::ParseJson(ran.out, "output").value_or(json());
  }

  const base::SystemClock clock_;
  const support::AzureApplication application_ = support::TestApplication();
  support::AzureWorld world_{clock_};
  support::FakeAzureServer server_{world_};
  support::TempFolder folder_;
  RegistriesArguments arguments_;
};

TEST_F(AzurePolicyStates, AreShownBesideOurFindingsAndWhereTheyDisagree) {
  Say("Contoso", kPrivateLink, "NonCompliant");
  Say("Contoso", kCustomerKey, "Compliant");
  Say("Fabrikam", kCustomerKey, "Exempt");
  const Ran ran = Run(OutputFormat::kTable);
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr("contoso.azurecr.io  Compliant"));
  EXPECT_THAT(ran.out,
              HasSubstr("\n  private-link: Compliant (Deny)\n    Azure Policy says NonCompliant, 3 h ago: they disagree\nfabrikam"));
  EXPECT_THAT(ran.out, HasSubstr("\n  customer-managed-key: NonCompliant (Deny): "));
  EXPECT_THAT(ran.out, HasSubstr("\n    Azure Policy says Exempt, 3 h ago\n"));
  Say("Fabrikam", kCustomerKey, "Compliant");
  EXPECT_THAT(Run(OutputFormat::kTable).out, HasSubstr("\n    Azure Policy says Compliant, 3 h ago: they disagree\n"));
}

TEST_F(AzurePolicyStates, HaveAMemberForAzuresOpinionOfEachFinding) {
  Say("Contoso", kPrivateLink, "NonCompliant");
  const json findings = Rows().at(0).at("findings");
  EXPECT_EQ(findings.at(0).at("azure"), nullptr);
  EXPECT_EQ(findings.at(1).at("requirement"), "private-link");
  EXPECT_EQ(findings.at(1).at("result"), "Compliant");
  EXPECT_EQ(findings.at(1).at("azure").at("state"), "NonCompliant");
  EXPECT_TRUE(base::ParseTime(findings.at(1).at("azure").at("time").get<std::string>()));
}

TEST_F(AzurePolicyStates, TakeAzuresStateWhereThePolicySaysSo) {
  folder_.Write("policy.yaml",
                "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
                "requirements: [{definition: private-link, source: azurePolicy}]\n");
  arguments_.inputs.policy = folder_ / "policy.yaml";
  Say("Contoso", kPrivateLink, "NonCompliant");
  const json rows = Rows();
  EXPECT_EQ(rows.at(0).at("verdict"), "NonCompliant");
  EXPECT_EQ(rows.at(0).at("findings").at(0).at("evidence").at(0),
            (json{{"field", "Azure Policy compliance state"}, {"actual", "NonCompliant"}, {"expected", "Compliant"}}));
  EXPECT_EQ(rows.at(1).at("verdict"), "Unknown");
  EXPECT_THAT(rows.at(1).at("findings").at(0).at("reason").get<std::string>(), HasSubstr("Azure Policy has no state of it"));
  Configure("refresh: 1m");
  EXPECT_THAT(Rows().at(0).at("findings").at(0).at("reason").get<std::string>(), HasSubstr("inventory.complianceStates"));
}

TEST_F(AzurePolicyStates, AreShownThoughAzurePolicyMayNotBeRead) {
  world_.Fail(support::EveryCallOf(support::AzureService::kPolicyInsights), {.status = 403});
  const Ran ran = Run(OutputFormat::kTable);
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.out, HasSubstr("contoso.azurecr.io  Compliant"));
  EXPECT_THAT(ran.err, HasSubstr("Microsoft.PolicyInsights/policyStates/queryResults/read"));
}

TEST_F(AzurePolicyStates, AskAzurePolicyForNothingUnlessTheConfigurationSaysSo) {
  Configure("refresh: 1m");
  Run(OutputFormat::kTable);
  EXPECT_EQ(world_.Count(support::AzureService::kPolicyInsights), 0U);
}

TEST_F(AzurePolicyStates, OfTheSavedInventorySayThatAzurePolicysStatesAreNotInIt) {
  Say("Contoso", kPrivateLink, "NonCompliant");
  Configure("complianceStates: true\n  saved: saved");
  const policy::Registry contoso{"contoso.azurecr.io", "Contoso", support::RegistryId(kSubscription, "Platform", "Contoso"), clock_.Now(),
                                 support::RegistryBody(kSubscription, "Platform", "Contoso").dump()};
  policy::Facts facts;
  facts.Add(std::make_shared<const policy::RegistryFacts>(policy::RegistryFacts{contoso, {}}));
  folder_.Write("saved", state::WriteSavedInventory(facts, true, clock_.Now()));
  EXPECT_THAT(Run(OutputFormat::kTable).err, HasSubstr("registries --refresh reads them"));
  arguments_.inputs.refresh = true;
  const Ran refreshed = Run(OutputFormat::kTable);
  EXPECT_EQ(refreshed.err, "");
  EXPECT_THAT(refreshed.out, HasSubstr("they disagree"));
}

}  // namespace
}  // namespace cli
