#include "cli/registries.h"

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

}  // namespace
}  // namespace cli
