// `definitions import` against the fake Azure over TLS.
#include "cli/definitions_import.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/check.h"
#include "cli/registries.h"
#include "cli/validate.h"
#include "policy/policy_import.h"
#include "tests/cli/run.h"
#include "tests/support/azure_inventory.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/policy_bodies.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
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
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::string kOne = "00000001-0000-4000-8000-000000000000";  // NOLINT: of a few tests' whole life
const std::string kTwo = "00000002-0000-4000-8000-000000000000";  // NOLINT
const std::string kScope = "/subscriptions/" + kOne;              // NOLINT

// A registry is non-compliant whose SKU is not `tier`.
json Definition(const std::string& name, const std::string& tier = "Premium") {
  return PolicyDefinitionBody(kScope, name,
                              {{"displayName", name + ", for people"},
                               {"parameters", {{"effect", {{"type", "String"}, {"defaultValue", "Deny"}}}}},
                               {"policyRule",
                                {{"if",
                                  {{"allOf",
                                    {{{"field", "type"}, {"equals", "Microsoft.ContainerRegistry/registries"}},
                                     {{"field", "Microsoft.ContainerRegistry/registries/sku.name"}, {"notEquals", tier}}}}}},
                                 {"then", {{"effect", "[parameters('effect')]"}}}}}});
}

class DefinitionsImport : public ::testing::Test {
 protected:
  DefinitionsImport() {
    Configure("{}");
    arguments_.config = folder_ / "config.yaml";
    arguments_.subscriptions = {kOne};
    arguments_.output = folder_ / "out";
    azure_.AddRegistry(kOne, "platform", "contoso");
    azure_.AddSubscription(kTwo);
    definition_ = azure_.PutPolicy(Definition("premium"));
    assignment_ = azure_.PutPolicy(PolicyAssignmentBody(kScope, "registries", definition_));
  }

  void Configure(const std::string& scope) {
    folder_.Write("config.yaml",
                  "tls: {certificate: tls.crt, key: tls.key}\n" +
                      AzureInventory(server_, support::TestApplication(), folder_, "kind: clientSecret, clientSecretFile: secret", scope));
  }
  Ran Run() { return RunCommand(RunDefinitionsImport, arguments_); }
  // What is in the folder, by path in it.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out", none)) {
      if (entry.is_regular_file()) {
        std::ifstream in(entry.path(), std::ios::binary);
        files[fs::relative(entry.path(), folder_ / "out").string()] = {std::istreambuf_iterator<char>(in), {}};
      }
    }
    return files;
  }
  std::string Policy() const { return Files()["policy.yaml"]; }

  base::SystemClock clock_;
  support::AzureWorld azure_{clock_};
  support::FakeAzureServer server_{azure_};
  support::TempFolder folder_;
  std::string definition_, assignment_;
  DefinitionsImportArguments arguments_;
};

TEST_F(DefinitionsImport, WritesAPolicyThatAsksForWhatIsAssigned) {
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.err, IsEmpty());
  EXPECT_EQ(ran.out, (folder_ / "out") + std::string("/policy.yaml: changed, 1 requirements, 0 exemptions\n") + (folder_ / "out") +
                         "/definitions: 1 new, 0 changed, 0 removed, 0 as they were\n");
  EXPECT_THAT(Files(), UnorderedElementsAre(Key("policy.yaml"), Key("imported.sha256"), Key("definitions/premium.json")));
  EXPECT_THAT(Policy(), AllOf(HasSubstr("  - definition: premium\n    effect: Deny\n"), HasSubstr("mcr.microsoft.com/**")));
  EXPECT_EQ(base::ParseJson(Files()["definitions/premium.json"], "file").value(), Definition("premium")) << "as Azure printed it";
}

// What serve would make of it: validate loads it, and registries are judged by it.
TEST_F(DefinitionsImport, WritesWhatServeLoads) {
  azure_.PutRegistry(support::RegistryBody(kOne, "platform", "fabrikam"));
  azure_.PutPolicy(Definition("premium", "Standard"));
  ASSERT_EQ(Run().exit, kExitOk);
  const support::TestCertificate leaf = support::MakeSelfSigned();
  folder_.Write("tls.crt", leaf.certificate_pem);
  folder_.Write("tls.key", leaf.key_pem);
  std::ofstream(folder_ / "config.yaml", std::ios::app) << "policy: out/policy.yaml\ndefinitions: out/definitions\n";
  const Ran validated = RunCommand(RunValidate, ValidateArguments{folder_ / "config.yaml"});
  EXPECT_EQ(validated.exit, kExitOk) << validated.err;
  EXPECT_THAT(validated.out, HasSubstr("with 1 requirements"));
  RegistriesArguments registries;
  registries.inputs.config = folder_ / "config.yaml";
  EXPECT_THAT(RunCommand(RunRegistries, registries).out, HasSubstr("premium: NonCompliant (Deny)"));
}

// Who is asked for what, and until when not, by management group, subscription and registry.
TEST_F(DefinitionsImport, KeepsScopesAndExemptions) {
  const std::string fabrikam = azure_.AddRegistry(kOne, "platform", "fabrikam");
  azure_.AddRegistry(kTwo, "platform", "wingtip");
  azure_.SetManagementGroup("platform", {kOne, kTwo});
  azure_.SetManagementGroup("two", {kTwo});
  azure_.PutPolicy(Definition("premium", "Standard"));
  azure_.PutPolicy(PolicyAssignmentBody("/providers/Microsoft.Management/managementGroups/two", "group", definition_));
  azure_.PutPolicy(PolicyExemptionBody(fabrikam, "moving", assignment_));
  arguments_.subscriptions.clear();
  arguments_.management_groups = {"platform"};
  const Ran ran = Run();
  ASSERT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2 requirements, 1 exemptions"));
  std::ofstream(folder_ / "config.yaml", std::ios::app) << "policy: out/policy.yaml\ndefinitions: out/definitions\n";
  CheckArguments check;
  check.inputs.config = folder_ / "config.yaml";
  check.files = {"-"};
  EXPECT_THAT(RunCommand(RunCheck, check, PodWithImage("contoso.azurecr.io/a:1").dump()).out, HasSubstr("premium-registries"));
  EXPECT_EQ(RunCommand(RunCheck, check, PodWithImage("fabrikam.azurecr.io/a:1").dump()).exit, kExitOk) << "exempt";
  EXPECT_THAT(RunCommand(RunCheck, check, PodWithImage("wingtip.azurecr.io/a:1").dump()).out,
              AllOf(HasSubstr("premium"), Not(HasSubstr("premium-registries"))));
}

TEST_F(DefinitionsImport, ChangesNothingWhereAzureHasNotChanged) {
  ASSERT_EQ(Run().exit, kExitOk);
  const auto before = Files();
  const auto time = fs::last_write_time(folder_ / "out/policy.yaml");
  const Ran again = Run();
  EXPECT_EQ(again.exit, kExitOk);
  EXPECT_THAT(again.out, AllOf(HasSubstr("policy.yaml: as it was"), HasSubstr("0 new, 0 changed, 0 removed, 1 as they were")));
  EXPECT_EQ(Files(), before);
  EXPECT_EQ(fs::last_write_time(folder_ / "out/policy.yaml"), time) << "not written again";
}

TEST_F(DefinitionsImport, FollowsWhatChangesInAzure) {
  ASSERT_EQ(Run().exit, kExitOk);
  azure_.PutPolicy(Definition("premium", "Standard"));
  const std::string other = azure_.PutPolicy(Definition("other"));
  azure_.PutPolicy(PolicyAssignmentBody(kScope, "more", other, {{"enforcementMode", "DoNotEnforce"}}));
  EXPECT_THAT(Run().out,
              AllOf(HasSubstr("policy.yaml: changed, 2 requirements"), HasSubstr("1 new, 1 changed, 0 removed, 0 as they were")));
  EXPECT_THAT(Policy(), HasSubstr("  - definition: other\n    effect: Audit\n"));
  azure_.DeletePolicy(assignment_);
  EXPECT_THAT(Run().out, HasSubstr("0 new, 0 changed, 1 removed, 1 as they were"));
  EXPECT_THAT(Files(), UnorderedElementsAre(Key("policy.yaml"), Key("imported.sha256"), Key("definitions/other.json")));
}

TEST_F(DefinitionsImport, RemovesNothingThatItDidNotMake) {
  fs::create_directories(folder_ / "out/definitions");
  folder_.Write("out/definitions/own.json", base::DumpJson(Definition("own")));
  ASSERT_EQ(Run().exit, kExitOk);
  azure_.PutPolicy(PolicyAssignmentBody(kScope, "more", azure_.PutPolicy(Definition("other"))));
  ASSERT_EQ(Run().exit, kExitOk);
  azure_.DeletePolicy(assignment_);
  azure_.DeletePolicy(kScope + "/providers/Microsoft.Authorization/policyAssignments/more");
  std::ofstream(folder_ / "out/definitions/other.json", std::ios::app) << "\n";
  const Ran ran = Run();
  EXPECT_THAT(ran.out, HasSubstr("1 removed"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("definitions/other.json: is no longer assigned, but was changed by hand"),
                             HasSubstr("nothing about registries is assigned there")));
  EXPECT_THAT(Files(), UnorderedElementsAre(Key("policy.yaml"), Pair("imported.sha256", ""), Key("definitions/own.json"),
                                            Key("definitions/other.json")));
}

TEST_F(DefinitionsImport, OverwritesNothingThatItDidNotMake) {
  fs::create_directories(folder_ / "out/definitions");
  folder_.Write("out/definitions/premium.json", base::DumpJson(Definition("premium")));
  const auto before = Files();
  Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("definitions/premium.json: was not written by an import; move it"));
  folder_.Write("out/policy.yaml", "kind: RegistryPolicy\n");
  ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err,
              HasSubstr("policy.yaml: was not written by an import; move it elsewhere, and give what is to be kept of it with --policy"));
  EXPECT_EQ(Files().size(), before.size() + 1);
  folder_.Write("out/imported.sha256", "0000  ../../etc\n");
  EXPECT_THAT(Run().err, HasSubstr("imported.sha256: is no list of an import"));
}

TEST_F(DefinitionsImport, KeepsTheRestOfThePolicyThatItIsGiven) {
  arguments_.policy = folder_ / "base.yaml";
  folder_.Write("base.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nmaxEffect: Warn   # until May\n");
  ASSERT_EQ(Run().exit, kExitOk);
  EXPECT_THAT(Policy(), AllOf(HasSubstr("maxEffect: Warn   # until May\n"), Not(HasSubstr("mcr.microsoft.com"))));
  const auto before = Files();
  folder_.Write("base.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: []\n");
  azure_.ForgetRequests();
  EXPECT_THAT(Run().err, HasSubstr("base.yaml:3:1: requirements are what is imported"));
  EXPECT_EQ(azure_.Count(), 0U);
  folder_.Write("base.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nmaxEffects: Warn\n");
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("maxEffects")) << "what serve would refuse is not written";
  EXPECT_EQ(Files(), before);
}

TEST_F(DefinitionsImport, SaysWhatItLeftOut) {
  json unsupported = Definition("resembling");
  unsupported["properties"]["policyRule"]["if"] = {{"field", "Microsoft.ContainerRegistry/registries/sku.name"}, {"resembles", "P"}};
  azure_.PutPolicy(PolicyAssignmentBody(kScope, "odd", azure_.PutPolicy(unsupported)));
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitLeftOut);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("assignment \"odd\""), HasSubstr("resembles")));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("1 requirements"), HasSubstr("1 left out")));
  EXPECT_THAT(Policy(), AllOf(HasSubstr("# Left out:\n# - assignment \"odd\""), HasSubstr("definition: premium")));
}

TEST_F(DefinitionsImport, WritesNothingWhereNotAllCouldBeRead) {
  ASSERT_EQ(Run().exit, kExitOk);
  const auto before = Files();
  azure_.DeletePolicy(assignment_);
  azure_.Fail(support::EveryCallOf(AzureOperation::kListPolicyExemptions), {.status = 403});
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Microsoft.Authorization/policyExemptions/read at " + kScope), HasSubstr("nothing was written"),
                             Not(HasSubstr(std::string(support::kSecretMarker)))));
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_EQ(Files(), before);
}

TEST_F(DefinitionsImport, LooksWhereTheConfigurationLooks) {
  arguments_.subscriptions.clear();
  EXPECT_THAT(Run().err, HasSubstr("say which with --subscription or --management-group"));
  Configure("{subscriptions: [" + kOne + "]}");
  EXPECT_THAT(Run().out, HasSubstr("1 requirements"));
  azure_.SetManagementGroup("platform", {kOne, kTwo});
  Configure("{managementGroups: [platform]}");
  azure_.PutPolicy(PolicyAssignmentBody("/providers/Microsoft.Management/managementGroups/platform", "registries", definition_));
  azure_.DeletePolicy(assignment_);
  EXPECT_THAT(Run().out, HasSubstr("1 requirements"));
}

TEST_F(DefinitionsImport, NeedsAnInventoryThatComesFromAzure) {
  folder_.Write("config.yaml", "tls: {certificate: tls.crt, key: tls.key}\ninventory: {source: file, file: registries.json}\n");
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("inventory.source is file"));
}

}  // namespace
}  // namespace cli
