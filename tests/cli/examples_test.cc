// What examples/ shows is what happens.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/check.h"
#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

const std::string kExamples = std::string(ACR_TEST_DATA) + "/../../examples/";

class Examples : public ::testing::Test {
 protected:
  Examples() {
    // A copy: the checkout's file may be older than a verdict may be.
    std::ostringstream registries;
    registries << std::ifstream(kExamples + "registries.json").rdbuf();
    folder_.Write("registries.json", registries.str());
  }

  // The decision, and the requirements or settings of ours that are named in it.
  std::string Decide(const std::string& pod, const std::string& policy = {}) {
    CheckArguments arguments;
    arguments.inputs.registries = folder_ / "registries.json";
    arguments.inputs.policy = policy;
    arguments.output = OutputFormat::kJson;
    arguments.files = {kExamples + "pods/" + pod};
    const Ran ran = RunCommand(RunCheck, arguments);
    EXPECT_EQ(ran.err, "");
    const nlohmann::json result = base::ParseJson(ran.out, "output").value_or(nlohmann::json::object());
    std::string text = result.value("decision", "");
    for (const nlohmann::json& object : result["objects"]) {
      for (const nlohmann::json& image : object["images"]) {
        for (const nlohmann::json& finding : image["findings"]) {
          if (finding["result"] != "Compliant" && finding["effect"] == "Deny") {
            text += " " + finding["requirement"].get<std::string>();
          }
        }
      }
    }
    return text;
  }

  support::TempFolder folder_;
};

TEST_F(Examples, AreDecidedAsTheirNamesSay) {
  EXPECT_EQ(Decide("compliant.yaml"), "Allowed");
  EXPECT_EQ(Decide("no-customer-managed-key.yaml"), "Denied customer-managed-key");
  EXPECT_EQ(Decide("no-private-link.yaml"), "Denied private-link");
  EXPECT_EQ(Decide("public-network.yaml"), "Denied restricted-network");
  EXPECT_EQ(Decide("docker-hub.yaml"), "Denied otherRegistries");
  EXPECT_EQ(Decide("unknown-registry.yaml"), "Denied unknownRegistry");
  EXPECT_EQ(Decide("underscore-host.yaml"), "Denied invalidReference");
  EXPECT_EQ(Decide("data-endpoint.yaml"), "Denied invalidReference");
  EXPECT_EQ(Decide("deployment.yaml"), "Denied customer-managed-key private-link restricted-network");
}

TEST_F(Examples, PolicyDecidesLikeTheDefaultOneButForItsSources) {
  const std::string policy = kExamples + "policy.yaml";
  EXPECT_EQ(Decide("compliant.yaml", policy), "Allowed");
  EXPECT_EQ(Decide("public-network.yaml", policy), "Denied restricted-network");
  EXPECT_EQ(Decide("docker-hub.yaml", policy), "Denied sources");
}

}  // namespace
}  // namespace cli
