#include "cli/definitions_explain.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSku = R"({
  "name": "sku-id",
  "parameters": {"skus": {"type": "Array"}, "prefix": {"type": "String", "defaultValue": "con"}, "effect": {"type": "String", "defaultValue": "Deny"}},
  "policyRule": {"if": {"allOf": [
      {"field": "Microsoft.ContainerRegistry/registries/sku.name", "notIn": "[parameters('skus')]"},
      {"field": "name", "like": "[concat(parameters('prefix'), '*')]"}]}, "then": {"effect": "[parameters('effect')]"}}})";

class DefinitionsTest : public ::testing::Test {
 protected:
  DefinitionsTest() {
    folder_.Write("sku.json", kSku);
    folder_.Write("registries.json", json{CompliantRegistry("fabrikam"), CompliantRegistry("contoso")}.dump());
    arguments_.file = folder_ / "sku.json";
    arguments_.registries = folder_ / "registries.json";
  }

  json Rows() {
    arguments_.output = OutputFormat::kJson;
    const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
    EXPECT_EQ(ran.exit, kExitOk) << ran.err;
    return base::ParseJson(ran.out, "output").value_or(json());
  }

  support::TempFolder folder_;
  DefinitionsTestArguments arguments_;
};

TEST_F(DefinitionsTest, TellsWhatADefinitionSaysOfEachRegistry) {
  arguments_.parameters = {R"(skus=["Basic"])"};
  const json rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["loginServer"], "contoso.azurecr.io");
  EXPECT_EQ(rows[0]["definition"], "sku");
  EXPECT_EQ(rows[0]["result"], "NonCompliant");
  EXPECT_EQ(rows[0]["parameters"]["prefix"], "con");
  EXPECT_EQ(rows[0]["evidence"][0]["actual"], "Premium");
  EXPECT_EQ(rows[0]["resources"][0]["rule"]["kind"], "allOf");
  EXPECT_EQ(rows[0]["resources"][0]["rule"]["outcome"], "true");
  EXPECT_EQ(rows[0]["resources"][0]["rule"]["members"][0], (json{{"kind", "condition"},
                                                                 {"outcome", "true"},
                                                                 {"note", nullptr},
                                                                 {"subject", "sku.name"},
                                                                 {"actual", "Premium"},
                                                                 {"comparison", "notIn"},
                                                                 {"expected", {"Basic"}},
                                                                 {"matched", json::array()}}));
  EXPECT_EQ(rows[1]["result"], "Compliant");
  EXPECT_EQ(rows[1]["resources"][0]["rule"]["members"][1]["outcome"], "false");
}

TEST_F(DefinitionsTest, ReadsAsATreeOfConditions) {
  arguments_.parameters = {R"({"skus": ["Basic"], "prefix": "x"})", "prefix=con"};
  arguments_.names = {"CONTOSO"};
  const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_EQ(ran.out,
            "contoso.azurecr.io  sku  NonCompliant\n"
            "  true    allOf\n"
            "    true    sku.name notIn [\"Basic\"]; it is \"Premium\"\n"
            "    true    name like \"con*\"; it is \"contoso\"\n");
}

TEST_F(DefinitionsTest, WantsItsParameters) {
  const Ran missing = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(missing.exit, kExitError);
  EXPECT_EQ(missing.err, "sku needs its parameter skus (Array)\n");
  arguments_.parameters = {"skus"};
  EXPECT_THAT(RunCommand(RunDefinitionsTest, arguments_).err, HasSubstr("expected NAME=VALUE or a JSON object"));
  arguments_.parameters = {"skus=Basic"};
  EXPECT_THAT(RunCommand(RunDefinitionsTest, arguments_).err, HasSubstr("--parameters skus"));
}

TEST_F(DefinitionsTest, TellsWhatTheDefinitionsOfAnInitiativeSay) {
  std::filesystem::create_directory(folder_ / "definitions");
  folder_.Write("definitions/sku.json", kSku);
  folder_.Write("set.json", R"({"parameters": {"which": {"type": "Array"}}, "policyDefinitions": [
      {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4",
       "policyDefinitionReferenceId": "link"},
      {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/other", "policyDefinitionReferenceId": "vm"},
      {"policyDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/sku-id",
       "policyDefinitionReferenceId": "off", "parameters": {"skus": {"value": ["Basic"]}, "effect": {"value": "Disabled"}}},
      {"policyDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/sku-id",
       "policyDefinitionReferenceId": "our-sku", "parameters": {"skus": {"value": "[parameters('which')]"}}}]})");
  arguments_.file = folder_ / "set.json";
  arguments_.definitions = folder_ / "definitions";
  arguments_.parameters = {R"(which=["Basic"])"};
  arguments_.names = {"contoso"};
  const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("contoso.azurecr.io  link  Compliant\n"), HasSubstr("contoso.azurecr.io  our-sku  NonCompliant\n"),
                             Not(HasSubstr("  off  "))));
  EXPECT_EQ(
      ran.err,
      "initiative set: 2 of 4 definitions judge registries here; switched off by their effect parameter: off; not loaded, as they are "
      "about other resources, or missing: vm\n");
}

TEST_F(DefinitionsTest, RefusesWhatSaysNothingAboutCompliance) {
  arguments_.parameters = {R"(skus=["Basic"])", "effect=Manual"};
  const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("sku: the effect \"Manual\" says nothing about compliance"));
}

TEST_F(DefinitionsTest, EndsWithTwoWhenSomethingCannotBeRead) {
  arguments_.parameters = {R"(skus=["Basic"])"};
  arguments_.registries = folder_ / "nothing.json";
  EXPECT_EQ(RunCommand(RunDefinitionsTest, arguments_).exit, kExitError);
  arguments_.file = folder_ / "registries.json";
  const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("registries.json: $: expected an object, a policy definition"));
}

TEST_F(DefinitionsTest, NamesRegistriesThatAreNotThere) {
  arguments_.parameters = {R"(skus=["Basic"])"};
  arguments_.names = {"wingtip"};
  const Ran ran = RunCommand(RunDefinitionsTest, arguments_);
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_EQ(ran.err, "no registry in the inventory is called wingtip\n");
  EXPECT_EQ(ran.out, "");
}

}  // namespace
}  // namespace cli
