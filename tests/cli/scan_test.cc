#include "cli/scan.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/cli/run.h"
#include "tests/kube/kube_world.h"
#include "tests/support/fake_kubernetes_server.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

bool Continues(const support::KubernetesCall& call) { return call.query.contains("continue"); }

// A cluster with objects as controllers make them; contoso is compliant, fabrikam has no customer-managed key.
class Scan : public ::testing::Test {
 protected:
  Scan() {
    folder_.Write("registries.json", json{WithoutCustomerKey("fabrikam"), CompliantRegistry("contoso")}.dump());
    arguments_.inputs.registries = folder_ / "registries.json";
  }

  // Makes it and returns a reference to it.
  json Make(const std::string& path, const std::string& kind, json object = json::object()) {
    object["kind"] = kind;
    kubernetes_.Put(path, std::move(object));
    const json metadata = kubernetes_.Find(path).value()["metadata"];
    return {{"kind", kind}, {"name", metadata["name"]}, {"uid", metadata["uid"]}, {"controller", true}};
  }
  static json OwnedBy(const json& owner) { return {{"metadata", {{"ownerReferences", {owner}}}}}; }
  static json PodOf(const json& owner, const std::string& image, const std::string& phase = "Running") {
    json pod = owner.is_null() ? json::object() : OwnedBy(owner);
    pod["spec"] = {{"containers", {{{"name", "c"}, {"image", image}}}}};
    pod["status"] = {{"phase", phase}};
    return pod;
  }
  // A Deployment, its ReplicaSet and that one's pods.
  void Deploy(const std::string& namespace_name, const std::string& name, const std::string& image, int pods) {
    const std::string apps = "/apis/apps/v1/namespaces/" + namespace_name;
    const json deployment = Make(apps + "/deployments/" + name, "Deployment");
    const json set = Make(apps + "/replicasets/" + name + "-strange", "ReplicaSet", OwnedBy(deployment));
    for (int i = 0; i < pods; ++i) {
      Make("/api/v1/namespaces/" + namespace_name + "/pods/" + name + "-strange-" + std::to_string(i), "Pod", PodOf(set, image));
    }
  }
  void RunACronJob() {
    const json job =
        Make("/apis/batch/v1/namespaces/shop/jobs/backup-x", "Job", OwnedBy({{"kind", "CronJob"}, {"name", "backup"}, {"uid", "c"}}));
    Make("/api/v1/namespaces/shop/pods/backup-x-1", "Pod", PodOf(job, "fabrikam.azurecr.io/backup:1"));
  }

  Ran Run(bool progress = false) {
    support::FakeKubernetesClient client(kubernetes_);
    support::FakeClock clock;
    kube::Api api(kube::FakeConfig(), client, clock);
    return RunCommand(
        [&](const ScanArguments& arguments, const Streams& streams, const base::Clock& now) {
          return RunScan(api, [this](std::chrono::milliseconds) { ++waits_; }, arguments, streams, now, NoVariable);
        },
        arguments_, "", NoVariable, progress);
  }
  json Report(int exit) {
    arguments_.output = OutputFormat::kJson;
    const Ran ran = Run();
    EXPECT_EQ(ran.exit, exit) << ran.err;
    const auto report = base::ParseJson(ran.out, "output");
    EXPECT_TRUE(report) << ran.out;
    return report.value_or(json());
  }

  support::TempFolder folder_;
  support::FakeKubernetes kubernetes_;
  ScanArguments arguments_;
  int waits_ = 0;
};

TEST_F(Scan, TellsWhichWorkloadsWouldBeRefused) {
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 3);
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 2);
  RunACronJob();
  Make("/api/v1/namespaces/acr/pods/once", "Pod", PodOf({}, "fabrikam.azurecr.io/once", "Succeeded"));
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["workloads"], (json{{"total", 3}, {"refused", 2}, {"warned", 0}, {"audited", 0}}));
  EXPECT_EQ(report["pods"], (json{{"total", 6}, {"refused", 4}, {"warned", 0}, {"audited", 0}})) << "what has finished runs no more";
  EXPECT_EQ(report["requirements"], (json{{{"value", "customer-managed-key"}, {"refused", 2}, {"warned", 0}, {"audited", 0}}}));
  EXPECT_EQ(report["registries"], (json{{{"value", "fabrikam.azurecr.io"}, {"refused", 2}, {"warned", 0}, {"audited", 0}}}));
  EXPECT_EQ(report["namespaces"], (json{{{"value", "shop"}, {"refused", 2}, {"warned", 0}, {"audited", 0}}}));
  EXPECT_EQ(report["comparedWith"], nullptr);
  EXPECT_THAT(report["incomplete"], IsEmpty());
  EXPECT_EQ(report["violationsOmitted"], 0);
  ASSERT_THAT(report["violations"], SizeIs(2));
  const json& worst = report["violations"][0];
  EXPECT_EQ(worst["namespace"], "shop");
  EXPECT_EQ(worst["kind"], "Deployment");
  EXPECT_EQ(worst["name"], "cart");
  EXPECT_EQ(worst["pods"], 3);
  EXPECT_EQ(worst["effect"], "Deny");
  ASSERT_THAT(worst["findings"], SizeIs(1));
  const json& finding = worst["findings"][0];
  EXPECT_EQ(finding["image"], "fabrikam.azurecr.io/shop/cart:1");
  EXPECT_EQ(finding["container"], "c");
  EXPECT_EQ(finding["field"], "spec.containers[0].image");
  EXPECT_EQ(finding["registry"], "fabrikam.azurecr.io");
  EXPECT_EQ(finding["requirement"], "customer-managed-key");
  EXPECT_EQ(finding["result"], "NonCompliant");
  EXPECT_EQ(finding["evidence"][0]["actual"], "disabled");
  EXPECT_EQ(report["violations"][1]["kind"], "CronJob");
  EXPECT_EQ(report["violations"][1]["name"], "backup");
}

TEST_F(Scan, IsReadByPeople) {
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 3);
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 1);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitDenied);
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, ::testing::StartsWith("1 of 2 workloads would be refused (3 of 4 pods)\n\n"
                                             "REQUIREMENT           REFUSED  WARNED  AUDITED\n"
                                             "customer-managed-key  1        0       0\n\n"
                                             "REGISTRY             REFUSED  WARNED  AUDITED\n"
                                             "fabrikam.azurecr.io  1        0       0\n"));
  EXPECT_THAT(ran.out, HasSubstr("\nshop       Deployment/cart  3     refused   fabrikam.azurecr.io/shop/cart:1  customer-managed-key\n"));
  EXPECT_THAT(ran.out,
              HasSubstr("\nWHY, AND WHAT MENDS IT\n  fabrikam.azurecr.io, customer-managed-key: encryption.status is \"disabled\", "));
  EXPECT_THAT(ran.out, Not(HasSubstr("\033")));
}

TEST_F(Scan, OfACompliantClusterEndsWell) {
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 1);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_EQ(ran.out, "0 of 1 workload would be refused (0 of 1 pod)\n");
}

TEST_F(Scan, MayBeOfSomeNamespacesAlone) {
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 1);
  Deploy("acr", "web", "fabrikam.azurecr.io/web:1", 1);
  Deploy("kube-system", "proxy", "fabrikam.azurecr.io/proxy:1", 1);
  arguments_.namespace_name = "shop";
  EXPECT_EQ(Report(kExitDenied)["workloads"]["total"], 1);
  for (const std::string& call : kubernetes_.calls()) {
    EXPECT_THAT(call, HasSubstr("/namespaces/shop/"));
  }
  arguments_.namespace_name = "";
  arguments_.excluded = {"kube-system", "acr"};
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["namespaces"][0]["value"], "shop");
  EXPECT_EQ(report["workloads"]["total"], 1);
}

TEST_F(Scan, ReadsPageByPageAlsoWhenAListExpires) {
  const int pods = 2 * static_cast<int>(kube::kPageSize) + 3;
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", pods);
  kubernetes_.Fail(Continues, support::ExpiredStatus());
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["pods"]["total"], pods) << "each once";
  EXPECT_EQ(report["workloads"]["total"], 1);
  EXPECT_EQ(waits_, 0);
}

TEST_F(Scan, TellsHowFarItIsOnATerminal) {
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 2);
  EXPECT_THAT(Run(true).err, AllOf(HasSubstr("\rreading the cluster: 2 pods\033[K"), ::testing::EndsWith("\r\033[K")));
}

TEST_F(Scan, WithoutPodsIsAnError) {
  kubernetes_.Forbid("list", "pods");
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, AllOf(HasSubstr("the pods cannot be read: "), HasSubstr("grant the verb list on pods"), HasSubstr("--namespace")));
}

TEST_F(Scan, WithoutOwnersGuessesTheirNamesAndSaysSo) {
  kubernetes_.Forbid("list", "replicasets");
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 1);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError) << "nothing would be refused, but something could not be read";
  EXPECT_THAT(ran.err, AllOf(HasSubstr("ReplicaSets cannot be read"), HasSubstr("grant the verb list on replicasets.apps")));
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 1);
  const json report = Report(kExitDenied);
  EXPECT_THAT(report["incomplete"], SizeIs(1));
  EXPECT_EQ(report["violations"][0]["kind"], "ReplicaSet") << "the name has no hash, as Deployments make them";
}

TEST_F(Scan, WithABadPolicyAsksNobody) {
  folder_.Write("policy.yaml", "nonsense: true\n");
  arguments_.inputs.policy = folder_ / "policy.yaml";
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("policy.yaml:1:1"));
  EXPECT_THAT(kubernetes_.calls(), IsEmpty());
}

TEST_F(Scan, ByTheDefaultPolicyWithoutAnInventoryKnowsNoRegistry) {
  arguments_.inputs.registries.clear();
  Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 1);
  const Ran ran = Run();
  EXPECT_EQ(ran.exit, kExitDenied);
  EXPECT_THAT(ran.err, HasSubstr("there is no inventory"));
  EXPECT_THAT(ran.out, HasSubstr("unknownRegistry"));
}

// What the configuration's policy says, against another.
class ScanCompared : public Scan {
 protected:
  ScanCompared() {
    folder_.Write("config.yaml",
                  "tls: {certificate: tls.crt, key: tls.key}\ninventory: {source: file, file: registries.json}\npolicy: policy.yaml\n");
    Write("policy.yaml", "premium-sku");
    arguments_.inputs = {.policy = folder_ / "new.yaml", .registries = "", .config = folder_ / "config.yaml"};
    Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 2);
    Deploy("shop", "web", "contoso.azurecr.io/shop/web:1", 1);
  }
  void Write(const std::string& name, const std::string& definition, const std::string& effect = "Deny") {
    folder_.Write(name, "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n  - {definition: " + definition +
                            ", effect: " + effect + "}\notherRegistries: Deny\n");
  }
};

TEST_F(ScanCompared, APolicyTellsWhatItNewlyRefuses) {
  Write("new.yaml", "customer-managed-key");
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["comparedWith"]["newlyRefused"], 1);
  EXPECT_EQ(report["comparedWith"]["noLongerRefused"], 0);
  EXPECT_EQ(report["comparedWith"]["workloads"]["refused"], 0);
  EXPECT_NE(report["comparedWith"]["policy"], report["policy"]);
  ASSERT_THAT(report["violations"], SizeIs(1));
  EXPECT_EQ(report["violations"][0]["name"], "cart");
  EXPECT_EQ(report["violations"][0]["effectBefore"], "Disabled");
  EXPECT_EQ(report["violations"][0]["effect"], "Deny");
  EXPECT_EQ(report["requirements"][0]["before"]["refused"], 0);
  arguments_.output = OutputFormat::kTable;
  const Ran ran = Run();
  EXPECT_THAT(ran.out,
              ::testing::StartsWith("1 of 2 workloads would newly be refused, 0 no longer; in all 1 would be refused, where it was 0\n"));
  EXPECT_THAT(ran.out, HasSubstr("Deployment/cart  2     let in  refused "));
}

TEST_F(ScanCompared, APolicyTellsWhatItNoLongerRefuses) {
  Write("policy.yaml", "customer-managed-key");
  Write("new.yaml", "customer-managed-key", "Warn");
  const json report = Report(kExitOk);
  EXPECT_EQ(report["comparedWith"]["noLongerRefused"], 1);
  EXPECT_EQ(report["violations"][0]["effectBefore"], "Deny");
  EXPECT_EQ(report["violations"][0]["effect"], "Warn");
  EXPECT_EQ(report["violations"][0]["findings"][0]["requirement"], "customer-managed-key") << "what was wrong before";
}

TEST_F(ScanCompared, ThatRefusesNothingNewlyEndsWell) {
  Write("policy.yaml", "customer-managed-key");
  Write("new.yaml", "customer-managed-key");
  const json report = Report(kExitOk);
  EXPECT_EQ(report["workloads"]["refused"], 1);
  EXPECT_THAT(report["violations"], IsEmpty()) << "nothing changes";
}

TEST_F(ScanCompared, TheConfigurationsPolicyAloneIsComparedWithNothing) {
  arguments_.inputs.policy.clear();
  Write("policy.yaml", "customer-managed-key");
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["comparedWith"], nullptr);
}

TEST_F(ScanCompared, RegistriesAreTakenAsTheyMightBe) {
  arguments_.inputs.policy.clear();
  Write("policy.yaml", "public-network-access-disabled");
  EXPECT_EQ(Report(kExitOk)["workloads"]["refused"], 0);
  arguments_.as_if = {"contoso.azurecr.io: publicNetworkAccess=Enabled"};
  const json report = Report(kExitDenied);
  EXPECT_EQ(report["comparedWith"]["newlyRefused"], 1);
  EXPECT_EQ(report["comparedWith"]["policy"], report["policy"]);
  ASSERT_THAT(report["violations"], SizeIs(1));
  EXPECT_EQ(report["violations"][0]["name"], "web");
  EXPECT_EQ(report["violations"][0]["findings"][0]["evidence"][0]["actual"], "Enabled");
}

TEST_F(ScanCompared, APolicyIsAskedAboutRegistriesAsTheyMightBe) {
  Write("policy.yaml", "premium-sku");
  Write("new.yaml", "customer-managed-key");
  arguments_.as_if = {"fabrikam.azurecr.io: encryption.status=enabled"};
  EXPECT_EQ(Report(kExitOk)["comparedWith"]["newlyRefused"], 0) << "mended before it is required";
}

TEST_F(Scan, OfARegistryThatIsNotKnownIsAnError) {
  for (const auto& [as_if, said] : {std::pair("fabricam.azurecr.io: sku.name=Basic", "did you mean \"fabrikam.azurecr.io\"?"),
                                    std::pair("contoso.azurecr.io: sku.nam=Basic", "did you mean \"sku.name\"?")}) {
    arguments_.as_if = {as_if};
    const Ran ran = Run();
    EXPECT_EQ(ran.exit, kExitError);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, AllOf(::testing::StartsWith("--as-if: "), HasSubstr(said)));
    EXPECT_THAT(kubernetes_.calls(), IsEmpty());
  }
}

TEST_F(Scan, ReachesTheClusterOfAKubeconfig) {
  Deploy("shop", "cart", "fabrikam.azurecr.io/shop/cart:1", 1);
  support::FakeKubernetesServer server(kubernetes_);
  const support::TestCertificate client = server.MakeClient("anna");
  folder_.Write("ca.crt", server.ca_pem());
  folder_.Write("anna.crt", client.certificate_pem);
  folder_.Write("anna.key", client.key_pem);
  folder_.Write("kubeconfig",
                "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:" +
                    std::to_string(server.port()) +
                    "\", certificate-authority: ca.crt}}]\n"
                    "users: [{name: anna, user: {client-certificate: anna.crt, client-key: anna.key}}]\n"
                    "contexts: [{name: here, context: {cluster: c, user: anna}}]\n");
  arguments_.kubeconfig = folder_ / "kubeconfig";
  const Ran ran = RunCommand([](const ScanArguments& arguments, const Streams& streams, const base::Clock& clock,
                                const azure::Environment& environment) { return RunScan(arguments, streams, clock, environment); },
                             arguments_);
  EXPECT_EQ(ran.exit, kExitDenied) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Deployment/cart"));
}

TEST_F(Scan, WithoutAClusterSaysHowToGiveOne) {
  const Ran ran = RunCommand([](const ScanArguments& arguments, const Streams& streams, const base::Clock& clock,
                                const azure::Environment& environment) { return RunScan(arguments, streams, clock, environment); },
                             arguments_);
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("--kubeconfig"));
}

}  // namespace
}  // namespace cli
