#include "cli/manifest.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cli {
namespace {

using nlohmann::json;

std::vector<ManifestObject> Read(const std::string& text, const std::string& file = "m.yaml") {
  const auto objects = ReadManifest(text, file);
  EXPECT_TRUE(objects) << base::ToString(objects.error());
  return objects.value_or(std::vector<ManifestObject>{});
}

std::string ProblemsOf(const std::string& text, const std::string& file = "m.yaml") {
  const auto objects = ReadManifest(text, file);
  return objects ? "" : base::ToString(objects.error());
}

json ReviewOf(const ManifestObject& object, const std::string& namespace_name = "default") {
  return base::ParseJson(ReviewText(object, namespace_name), "review").value();
}

TEST(Manifest, NumbersTheDocumentsThatAreNotEmpty) {
  const auto objects = Read("---\n---\napiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Pod\n");
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0].object["kind"], "Service");
  EXPECT_EQ(objects[1].document, 2U);
  EXPECT_EQ(objects[1].file, "m.yaml");
}

TEST(Manifest, ReadsJsonAndYamlFlowStyleAlike) {
  EXPECT_EQ(Read(R"({"apiVersion":"v1","kind":"Pod"})", "m.json")[0].object["kind"], "Pod");
  EXPECT_EQ(Read("{apiVersion: v1, kind: Pod}")[0].object["kind"], "Pod");
}

TEST(Manifest, TakesListsApart) {
  const auto objects = Read(R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod"},
                               {"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"Deployment"}]}]})");
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[1].object["kind"], "Deployment");
  EXPECT_EQ(objects[1].document, 1U);
}

TEST(Manifest, GivesItemsOfATypedListTheListsKind) {
  const auto objects = Read(R"({"apiVersion":"apps/v1","kind":"DeploymentList","items":[{"metadata":{"name":"a"}}]})");
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0].object["kind"], "Deployment");
  EXPECT_EQ(objects[0].object["apiVersion"], "apps/v1");
}

TEST(Manifest, SaysWhereAnObjectLacksWhatEveryObjectHas) {
  EXPECT_EQ(ProblemsOf("apiVersion: v1\nkind: Pod\n---\nkind: Pod\n"), "m.yaml:4:1: document 2: apiVersion is missing");
  EXPECT_EQ(ProblemsOf("apiVersion: v1\n"), "m.yaml:1:1: document 1: kind is missing");
  EXPECT_EQ(ProblemsOf("just text\n"), "m.yaml:1:1: document 1: expected a Kubernetes object with apiVersion and kind");
  EXPECT_EQ(ProblemsOf(R"({"apiVersion":"v1","kind":"List","items":[7]})"),
            "m.yaml: document 1.items[0]: expected a Kubernetes object with apiVersion and kind");
}

TEST(Manifest, ReportsBrokenTextWithFileAndPlace) {
  EXPECT_NE(ProblemsOf("a: [1\n").find("m.yaml:"), std::string::npos);
  EXPECT_NE(ProblemsOf("{\"apiVersion\": \"v1\",", "m.json").find("m.json"), std::string::npos);
  EXPECT_NE(ProblemsOf(R"({"apiVersion":"v1","kind":"Pod","kind":"Pod"})", "m.json").find("kind"), std::string::npos);
}

TEST(Manifest, KnowsTheKindsThatTheWebhookIsAskedAbout) {
  const auto carries = [](const char* api_version, const char* kind) {
    return CarriesImages({{"apiVersion", api_version}, {"kind", kind}});
  };
  EXPECT_TRUE(carries("v1", "Pod"));
  EXPECT_TRUE(carries("v1", "PodTemplate"));
  EXPECT_TRUE(carries("v1", "ReplicationController"));
  EXPECT_TRUE(carries("apps/v1", "Deployment"));
  EXPECT_TRUE(carries("apps/v1beta2", "StatefulSet"));
  EXPECT_TRUE(carries("batch/v1", "CronJob"));
  EXPECT_TRUE(carries("admission.k8s.io/v1", "AdmissionReview"));
  EXPECT_FALSE(carries("v1", "Service"));
  EXPECT_FALSE(carries("example.com/v1", "Deployment"));
  EXPECT_FALSE(carries("v1", "pod"));
}

TEST(Manifest, AsksAsTheApiServerDoesAtCreate) {
  const json request = ReviewOf(Read("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n")[0])["request"];
  EXPECT_EQ(request["operation"], "CREATE");
  EXPECT_EQ(request["kind"], (json{{"group", "apps"}, {"version", "v1"}, {"kind", "Deployment"}}));
  EXPECT_EQ(request["resource"], (json{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}}));
  EXPECT_EQ(request["name"], "web");
  EXPECT_EQ(request["object"]["kind"], "Deployment");
  EXPECT_EQ(request["oldObject"], nullptr);
}

TEST(Manifest, PutsAnObjectIntoItsOwnNamespaceElseTheOneGiven) {
  EXPECT_EQ(ReviewOf(Read("apiVersion: v1\nkind: Pod\nmetadata: {namespace: shop}\n")[0], "other")["request"]["namespace"], "shop");
  EXPECT_EQ(ReviewOf(Read("apiVersion: v1\nkind: Pod\n")[0], "other")["request"]["namespace"], "other");
}

TEST(Manifest, PassesAnAdmissionReviewOnAsItIs) {
  const std::string review = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"UPDATE"}})";
  EXPECT_EQ(ReviewOf(Read(review)[0])["request"]["operation"], "UPDATE");
}

}  // namespace
}  // namespace cli
