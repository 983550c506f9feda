// Commands that read Azure themselves, against the fake one over TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/check.h"
#include "cli/explain.h"
#include "cli/registries.h"
#include "tests/cli/run.h"
#include "tests/support/azure_inventory.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using support::AzureService;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kOne = "00000001-0000-4000-8000-000000000000";
const std::string kTwo = "00000002-0000-4000-8000-000000000000";

class LiveRegistries : public ::testing::Test {
 protected:
  LiveRegistries() {
    Configure();
    azure_.AddRegistry(kOne, "platform", "contoso");
    azure_.AddRegistry(kTwo, "platform", "fabrikam", support::WithoutCustomerManagedKey());
  }

  void Configure(const std::string& scope = "{}") {
    folder_.Write("config.yaml",
                  "tls: {certificate: tls.crt, key: tls.key}\n" +
                      AzureInventory(server_, support::TestApplication(), folder_, "kind: clientSecret, clientSecretFile: secret", scope));
    arguments_.inputs.config = folder_ / "config.yaml";
  }

  Ran Run(bool progress = false) { return RunCommand(RunRegistries, arguments_, {}, NoVariable, progress); }
  // Login servers and verdicts.
  std::string Verdicts() {
    arguments_.output = OutputFormat::kJson;
    const Ran ran = Run();
    EXPECT_EQ(ran.exit, kExitOk) << ran.err;
    std::string verdicts;
    for (const json& row : base::ParseJson(ran.out, "output").value_or(json::array())) {
      verdicts += row["name"].get<std::string>() + " " + row["verdict"].get<std::string>() + ", ";
    }
    return verdicts;
  }

  base::SystemClock clock_;
  support::AzureWorld azure_{clock_};
  support::FakeAzureServer server_{azure_};
  support::TempFolder folder_;
  RegistriesArguments arguments_;
};

TEST_F(LiveRegistries, AreReadWhereNothingIsSaved) { EXPECT_EQ(Verdicts(), "contoso Compliant, fabrikam NonCompliant, "); }

TEST_F(LiveRegistries, AreJudgedByTheChildrenThatADefinitionAsksFor) {
  folder_.Write("policy.yaml",
                "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: no-cache-rules, effect: Deny}]\n");
  folder_.Write("no-cache-rules.json", R"({"properties": {"mode": "All", "policyRule": {"then": {"effect": "audit"},
      "if": {"field": "type", "equals": "Microsoft.ContainerRegistry/registries/cacheRules"}}}})");
  arguments_.inputs.policy = folder_ / "policy.yaml";
  arguments_.inputs.definitions = folder_ / ".";
  azure_.PutChild(support::ChildBody(support::RegistryId(kOne, "platform", "contoso"), "cacheRules", "hub"));
  EXPECT_EQ(Verdicts(), "contoso NonCompliant, fabrikam Compliant, ");
  azure_.Fail(support::EveryListOf("cacheRules"), {.status = 403});
  EXPECT_EQ(Verdicts(), "contoso Unknown, fabrikam Unknown, ");
  EXPECT_THAT(Run().err, HasSubstr("Microsoft.ContainerRegistry/registries/cacheRules/read"));
}

TEST_F(LiveRegistries, AreThoseThatServeSavedUnlessToldOtherwise) {
  folder_.Write("saved.json", json::array({support::RegistryBody(kOne, "platform", "contoso", support::WithOpenNetwork())}).dump());
  // As serve does, with another policy's file as the source.
  state::KeeperOptions options;
  options.inventory_file = folder_ / "saved.json";
  options.saved_file = folder_ / "inventory.saved";
  state::Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start());
  EXPECT_EQ(Verdicts(), "contoso NonCompliant, ");
  EXPECT_EQ(azure_.Count(), 0u);
  arguments_.inputs.refresh = true;
  EXPECT_EQ(Verdicts(), "contoso Compliant, fabrikam NonCompliant, ");
}

TEST_F(LiveRegistries, AreShownAlthoughOneSubscriptionMayNotBeRead) {
  Configure("{subscriptions: [" + kOne + ", " + kTwo + "]}");
  azure_.DenySubscription(kTwo);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("contoso.azurecr.io"), Not(HasSubstr("fabrikam"))));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("subscription " + kTwo), HasSubstr("403 AuthorizationFailed"), HasSubstr("correlation id"),
                             HasSubstr("Container Registry Configuration Reader and Data Access Configuration Reader"),
                             HasSubstr("at /subscriptions/" + kTwo)));
}

TEST_F(LiveRegistries, AreAnErrorWhenNoneCouldBeRead) {
  azure_.Fail(AzureService::kResourceGraph, 403);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_THAT(ran.err, AllOf(HasSubstr("discovery of subscriptions"), HasSubstr("no registry could be read from FakeCloud")));
}

TEST_F(LiveRegistries, TellHowFarTheReadingIsOnATerminalAlone) {
  EXPECT_THAT(Run().err, IsEmpty());
  const std::string err = Run(/*progress=*/true).err;
  EXPECT_THAT(err,
              AllOf(HasSubstr("\rreading Azure: 0 of 2 subscriptions, 0 registries"), HasSubstr("2 of 2 subscriptions, 2 registries")));
  EXPECT_TRUE(err.ends_with("\r\033[K")) << "nothing of it stays";
}

TEST_F(LiveRegistries, AreWhatCheckJudgesBy) {
  CheckArguments arguments;
  arguments.inputs = arguments_.inputs;
  arguments.files = {"-"};
  EXPECT_EQ(RunCommand(RunCheck, arguments, PodWithImage("contoso.azurecr.io/a:1").dump()).exit, kExitOk);
  EXPECT_EQ(RunCommand(RunCheck, arguments, PodWithImage("fabrikam.azurecr.io/a:1").dump()).exit, kExitDenied);
}

TEST_F(LiveRegistries, AreNotNeededToExplainAnImage) {
  ExplainArguments arguments;
  arguments.inputs = arguments_.inputs;
  arguments.images = {"contoso.azurecr.io/a:1"};
  EXPECT_EQ(RunCommand(RunExplain, arguments).exit, kExitOk);
  EXPECT_EQ(azure_.Count(), 0u);
}

}  // namespace
}  // namespace cli
