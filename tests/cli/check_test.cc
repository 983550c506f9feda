#include "cli/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Check : public ::testing::Test {
 protected:
  Check() {
    folder_.Write("registries.json", json{CompliantRegistry("contoso"), WithoutCustomerKey("fabrikam")}.dump());
    arguments_.inputs.registries = folder_ / "registries.json";
    arguments_.files = {"-"};
  }

  Ran Decide(const std::string& manifest) { return RunCommand(RunCheck, arguments_, manifest); }

  json DecideAsJson(const std::string& manifest) {
    arguments_.output = OutputFormat::kJson;
    const Ran ran = Decide(manifest);
    const auto value = base::ParseJson(ran.out, "output");
    EXPECT_TRUE(value) << ran.out << ran.err;
    return value.value_or(json());
  }

  support::TempFolder folder_;
  CheckArguments arguments_;
};

TEST_F(Check, AllowsACompliantRegistry) {
  const Ran ran = Decide(PodWithImage("contoso.azurecr.io/app:1").dump());
  EXPECT_EQ(ran.exit, kExitOk) << ran.out << ran.err;
  EXPECT_EQ(ran.out, "Allowed  Pod default/p  standard input#1\n");
  EXPECT_EQ(ran.err, "");
}

TEST_F(Check, DeniesWithTheMessageOfTheWebhook) {
  const Ran ran = Decide(PodWithImage("fabrikam.azurecr.io/app:1").dump());
  EXPECT_EQ(ran.exit, kExitDenied);
  EXPECT_THAT(ran.out, StartsWith("Denied  Pod default/p  standard input#1\n  "));
  EXPECT_THAT(ran.out, HasSubstr("customer-managed-key"));
}

TEST_F(Check, TellsInJsonWhatTheAuditRecordWould) {
  const json result = DecideAsJson("apiVersion: v1\nkind: Service\n---\n" + PodWithImage("fabrikam.azurecr.io/app:1").dump());
  EXPECT_EQ(result["decision"], "Denied");
  ASSERT_EQ(result["objects"].size(), 1U);
  const json& object = result["objects"][0];
  EXPECT_EQ(object["file"], "standard input");
  EXPECT_EQ(object["document"], 2);
  EXPECT_EQ(object["kind"], "Pod");
  EXPECT_EQ(object["namespace"], "default");
  EXPECT_EQ(object["name"], "p");
  EXPECT_EQ(object["decision"], "Denied");
  ASSERT_EQ(object["images"].size(), 1U);
  EXPECT_EQ(object["images"][0]["image"], "fabrikam.azurecr.io/app:1");
  EXPECT_EQ(object["images"][0]["field"], "spec.containers[0].image");
  EXPECT_EQ(object["images"][0]["registry"], "fabrikam.azurecr.io");
  EXPECT_EQ(object["images"][0]["findings"][0]["requirement"], "customer-managed-key");
  EXPECT_EQ(object["images"][0]["findings"][0]["result"], "NonCompliant");
}

TEST_F(Check, SaysWhenNotEveryImageHasRoom) {
  json pod = PodWithImage("contoso.azurecr.io/app:1");
  for (int i = 0; i < 2000; ++i) {
    pod["spec"]["containers"].push_back({{"name", "c" + std::to_string(i)}, {"image", "contoso.azurecr.io/app:" + std::to_string(i)}});
  }
  const json result = DecideAsJson(pod.dump());
  const json& object = result["objects"][0];
  ASSERT_TRUE(object.contains("imagesOmitted"));
  EXPECT_EQ(object["images"].size() + object["imagesOmitted"]["count"].get<std::size_t>(), 2001U);
}

TEST_F(Check, NotesThatWithoutAnInventoryEveryRegistryIsUnknown) {
  arguments_.inputs.registries.clear();
  const Ran ran = Decide(PodWithImage("contoso.azurecr.io/app:1").dump());
  EXPECT_EQ(ran.exit, kExitDenied);
  EXPECT_THAT(ran.err, HasSubstr("there is no inventory"));
}

TEST_F(Check, DecidesByTheWorstOfAllObjects) {
  const std::string good = PodWithImage("contoso.azurecr.io/app:1", "good").dump();
  const std::string bad = PodWithImage("nginx", "bad").dump();
  const json result = DecideAsJson(good + "\n---\n" + bad + "\n---\n" + good);
  EXPECT_EQ(result["decision"], "Denied");
  EXPECT_EQ(result["objects"][0]["decision"], "Allowed");
  EXPECT_EQ(result["objects"][1]["decision"], "Denied");
  EXPECT_EQ(result["objects"][2]["document"], 3);
}

TEST_F(Check, SkipsObjectsThatNameNoImage) {
  const Ran ran = Decide("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n");
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_EQ(ran.out, "nothing that the webhook is asked about: no Pod, and no workload of v1, apps or batch\n");
  EXPECT_EQ(DecideAsJson("apiVersion: v1\nkind: ConfigMap\n"), (json{{"decision", "Allowed"}, {"objects", json::array()}}));
}

TEST_F(Check, PutsAPodIntoTheNamespaceGiven) {
  folder_.Write("policy.yaml",
                "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: []\n"
                "namespaces:\n  - {names: [sandbox], maxEffect: Warn}\n");
  arguments_.inputs.policy = folder_ / "policy.yaml";
  EXPECT_EQ(Decide(PodWithImage("nginx").dump()).exit, kExitDenied);
  arguments_.namespace_name = "sandbox";
  const Ran ran = Decide(PodWithImage("nginx").dump());
  EXPECT_EQ(ran.exit, kExitOk) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Warned  Pod sandbox/p"));
  EXPECT_THAT(ran.out, HasSubstr("\n  Warning: "));
}

TEST_F(Check, DecidesTheObjectOfAnAdmissionReviewInTheReviewsNamespace) {
  const json review = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"request",
                        {{"uid", "u-1"},
                         {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
                         {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
                         {"operation", "CREATE"},
                         {"namespace", "shop"},
                         {"name", "n"},
                         {"userInfo", {{"username", "anna"}}},
                         {"object", PodWithImage("contoso.azurecr.io/app:1")}}}};
  const json result = DecideAsJson(review.dump());
  EXPECT_EQ(result["decision"], "Allowed");
  EXPECT_EQ(result["objects"][0]["namespace"], "shop");
}

TEST_F(Check, KnowsNoRegistryWithoutAnInventory) {
  arguments_.inputs.registries.clear();
  const Ran ran = Decide(PodWithImage("contoso.azurecr.io/app:1").dump());
  EXPECT_EQ(ran.exit, kExitDenied) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("contoso.azurecr.io"));
}

TEST_F(Check, DeniesAShapeThatIsNotUnderstood) {
  const json result = DecideAsJson("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: 7}\n");
  EXPECT_EQ(result["decision"], "Denied");
  EXPECT_THAT(result["objects"][0]["failure"].dump(), HasSubstr("spec.containers"));
}

TEST_F(Check, ReportsEveryFileThatCannotBeReadAndDecidesNothing) {
  folder_.Write("good.yaml", PodWithImage("contoso.azurecr.io/app:1").dump());
  folder_.Write("broken.yaml", "a: [1\n");
  arguments_.files = {folder_ / "good.yaml", folder_ / "missing.yaml", folder_ / "broken.yaml"};
  const Ran ran = Decide("");
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("missing.yaml"));
  EXPECT_THAT(ran.err, HasSubstr("broken.yaml:"));
}

TEST_F(Check, ReportsABadPolicyWithItsPlace) {
  folder_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirments: []\n");
  arguments_.inputs.policy = folder_ / "policy.yaml";
  const Ran ran = Decide(PodWithImage("nginx").dump());
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("policy.yaml:3:1: "));
}

}  // namespace
}  // namespace cli
