#include "cli/definitions_command.h"

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
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kTeamTag = R"({
  "id": "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/team-tag-id", "name": "team-tag-id",
  "displayName": "Registries name their team", "mode": "Indexed", "version": "1.2.0",
  "parameters": {"teams": {"type": "Array", "allowedValues": ["a", "b"]},
                 "effect": {"type": "String", "defaultValue": "Audit"}},
  "policyRule": {"if": {"field": "tags['team']", "notIn": "[parameters('teams')]"}, "then": {"effect": "[parameters('effect')]"}}})";

constexpr auto kList = [](const DefinitionsListArguments& arguments, const Streams& streams, const base::Clock&) {
  return RunDefinitionsList(arguments, streams);
};

class Definitions : public ::testing::Test {
 protected:
  Definitions() { std::filesystem::create_directory(folder_ / "definitions"); }

  json List(int exit = kExitOk) {
    list_.output = OutputFormat::kJson;
    const Ran ran = RunCommand(kList, list_);
    EXPECT_EQ(ran.exit, exit) << ran.err;
    const auto rows = base::ParseJson(ran.out, "output");
    EXPECT_TRUE(rows) << ran.out;
    return rows.value_or(json());
  }

  static json RowOf(const json& rows, std::string_view name) {
    for (const json& row : rows) {
      if (row["name"] == name) {
        return row;
      }
    }
    ADD_FAILURE() << "no row " << name;
    return json();
  }

  std::string Policy(const std::string& requirements) {
    folder_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n" + requirements);
    return folder_ / "policy.yaml";
  }

  support::TempFolder folder_;
  DefinitionsListArguments list_;
};

TEST_F(Definitions, OfTheFolderAreListedBesideTheBuiltInOnes) {
  folder_.Write("definitions/team-tag.json", kTeamTag);
  list_.inputs.definitions = folder_ / "definitions";
  const json rows = List();
  EXPECT_EQ(RowOf(rows, "team-tag"),
            (json{{"kind", "definition"},
                  {"name", "team-tag"},
                  {"id", "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/team-tag-id"},
                  {"guid", "team-tag-id"},
                  {"version", "1.2.0"},
                  {"displayName", "Registries name their team"},
                  {"builtIn", false},
                  {"judges", {"registries"}},
                  {"parameters",
                   {{{"name", "effect"}, {"type", "String"}, {"defaultValue", "Audit"}, {"allowedValues", nullptr}, {"used", false}},
                    {{"name", "teams"}, {"type", "Array"}, {"defaultValue", nullptr}, {"allowedValues", {"a", "b"}}, {"used", true}}}},
                  {"requirements", nullptr}}));
  EXPECT_EQ(RowOf(rows, "private-link")["builtIn"], true);
}

TEST_F(Definitions, TellWhatThePolicyRequires) {
  list_.inputs.policy = Policy("  - {definition: premium-sku, effect: Warn}\n");
  const json rows = List();
  EXPECT_EQ(RowOf(rows, "premium-sku")["requirements"], (json{{{"name", "premium-sku"},
                                                               {"effect", "Warn"},
                                                               {"source", "registry"},
                                                               {"initiative", nullptr},
                                                               {"scopes", json::array()},
                                                               {"notScopes", json::array()},
                                                               {"parameters", {{"effect", "Audit"}}}}}));
  EXPECT_EQ(RowOf(rows, "private-link")["requirements"], json::array());
}

TEST_F(Definitions, ReadAsATable) {
  folder_.Write("definitions/team-tag.json", kTeamTag);
  list_.inputs.definitions = folder_ / "definitions";
  list_.inputs.policy = Policy("  - {definition: team-tag, effect: Deny, parameters: {teams: [a]}}\n");
  const Ran ran = RunCommand(kList, list_);
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("team-tag  1.2.0  file  Deny\n"
                                 "  Registries name their team\n"
                                 "  judges registries; team-tag-id\n"
                                 "  effect: String, default \"Audit\" (decides nothing)\n"
                                 "  teams: Array, has to be given, one of [\"a\",\"b\"]\n"));
  EXPECT_THAT(ran.out, HasSubstr("private-link  1.0.1  built-in  not required\n"));
}

TEST_F(Definitions, ThatAreGoodAreListedThoughOthersAreBad) {
  folder_.Write("definitions/bad.json", "{}");
  folder_.Write("definitions/team-tag.json", kTeamTag);
  list_.inputs.definitions = folder_ / "definitions";
  list_.inputs.policy = Policy("  - {definition: nothing}\n");
  const Ran ran = RunCommand(kList, list_);
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("bad.json: $.policyRule"));
  EXPECT_THAT(ran.err, HasSubstr("policy.yaml:4:"));
  EXPECT_THAT(ran.out, HasSubstr("team-tag  1.2.0  file\n"));
}

}  // namespace
}  // namespace cli
