#include "cli/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Explain(std::vector<std::string> images, const std::string& input = {}, const Inputs& inputs = {}) {
  const Ran ran = RunCommand(RunExplain, ExplainArguments{inputs, OutputFormat::kJson, std::move(images)}, input);
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  const auto value = base::ParseJson(ran.out, "output");
  EXPECT_TRUE(value) << ran.out;
  return value.value_or(json());
}

TEST(Explain, NormalisesAsAContainerRuntimeDoes) {
  EXPECT_EQ(Explain({"nginx"}), (json{{{"image", "nginx"},
                                       {"valid", true},
                                       {"error", nullptr},
                                       {"canonical", "docker.io/library/nginx:latest"},
                                       {"registry", "docker.io"},
                                       {"repository", "library/nginx"},
                                       {"tag", nullptr},
                                       {"digest", nullptr},
                                       {"kind", "Other"},
                                       {"loginServer", nullptr},
                                       {"action", "Deny"}}}));
}

TEST(Explain, FindsTheRegistryBehindARegionalEndpoint) {
  const json rows = Explain({"Contoso.westeurope.geo.azurecr.io/shop/cart:1.4"});
  EXPECT_EQ(rows[0]["kind"], "Acr");
  EXPECT_EQ(rows[0]["loginServer"], "contoso.azurecr.io");
  EXPECT_EQ(rows[0]["tag"], "1.4");
  EXPECT_EQ(rows[0]["action"], "Verify");
}

TEST(Explain, KnowsTheRegistriesOfTheConfiguredCloud) {
  const support::TempFolder folder;
  folder.Write("config.yaml", R"(tls: {certificate: a, key: b}
inventory:
  source: azure
  cloud: {name: Stack, resourceManager: "https://a.example", authority: "https://b.example", registrySuffixes: [azsacr.stack.example]}
)");
  const std::string image = "contoso.azsacr.stack.example/shop/cart";
  EXPECT_EQ(Explain({image}, {}, {.policy = {}, .registries = {}, .config = folder / "config.yaml"})[0]["kind"], "Acr");
  EXPECT_EQ(Explain({image})[0]["kind"], "Other");
}

TEST(Explain, ShowsTheRuleThatAllows) { EXPECT_EQ(Explain({"mcr.microsoft.com/dotnet/runtime:8.0"})[0]["action"], "Allow"); }

TEST(Explain, MakesARowOfWhatIsRefused) {
  const json rows = Explain({"contoso.azurecr.io/UPPER", "contoso.westeurope.data.azurecr.io/app", "my_host.example/app"});
  for (const json& row : rows) {
    EXPECT_EQ(row["valid"], false) << row;
    EXPECT_EQ(row["kind"], "Invalid") << row;
    EXPECT_TRUE(row["error"].is_string()) << row;
    EXPECT_EQ(row["action"], nullptr) << row;
  }
  EXPECT_EQ(rows[0]["canonical"], nullptr);
}

TEST(Explain, ReadsOneImageALine) {
  const json rows = Explain({"-"}, "nginx\r\n\nbusybox:1\nlast");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["image"], "nginx");
  EXPECT_EQ(rows[1]["image"], "busybox:1");
  EXPECT_EQ(rows[2]["image"], "last");
}

TEST(Explain, ReadsALineInQuotationMarksAsAJsonString) {
  const json rows = Explain({"-"}, "\"\"\n\"a\\nb\"\n\"nginx\"\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["image"], "");
  EXPECT_EQ(rows[0]["valid"], false);
  EXPECT_EQ(rows[1]["image"], "a\nb");
  EXPECT_EQ(rows[1]["valid"], false);
  EXPECT_EQ(rows[2]["valid"], true);
}

TEST(Explain, GivesALineThatIsNoJsonStringItsOwnRow) {
  const json rows = Explain({"-"}, "\"nginx\n\"nginx\" x\nnginx\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["valid"], false);
  EXPECT_EQ(rows[1]["valid"], false);
  EXPECT_EQ(rows[2]["valid"], true);
}

TEST(Explain, PrintsAnEmptyArrayForNoLines) { EXPECT_EQ(Explain({"-"}, ""), json::array()); }

TEST(Explain, ShowsPeopleATableThatFits) {
  const Ran ran = RunCommand(
      RunExplain, ExplainArguments{{}, OutputFormat::kTable, {"mcr.microsoft.com/a:1", "x.azurecr.io/" + std::string(120, 'y')}});
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.out, HasSubstr("mcr.microsoft.com/a:1"));
  EXPECT_THAT(ran.out, HasSubstr("Allow (sources[0])"));
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U + 2 * 4) << line;  // an ellipsis has three bytes
  }
}

}  // namespace
}  // namespace cli
