#include "cli/cluster.h"

#include <filesystem>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/running_follower.h"
#include "tests/cli/running_world.h"
#include "tests/kube/kube_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_kubernetes_client.h"
#include "tests/support/fake_kubernetes_server.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ClusterTest : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<Cluster>> Create(const KubernetesConfig& kubernetes = {}) {
    return Cluster::Create(kubernetes, Environment(), clock_, [](base::LogLevel, std::string_view) {}, folder_ / ".");
  }
  std::string ErrorOf() {
    const auto cluster = Create();
    return cluster ? "none" : cluster.error().ToString();
  }
  base::Environment Environment() {
    return [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::make_optional(found->second);
    };
  }
  // The service account's files, as the kubelet mounts them.
  void Mount(const support::FakeKubernetesServer& server) {
    environment_["KUBERNETES_SERVICE_HOST"] = "127.0.0.1";
    environment_["KUBERNETES_SERVICE_PORT"] = std::to_string(server.port());
    folder_.Write("namespace", "acr");
    folder_.Write("token", "the-token");
    folder_.Write("ca.crt", server.ca_pem());
  }

  support::FakeClock clock_;
  support::FakeKubernetes kubernetes_;
  std::map<std::string, std::string> environment_;
  support::TempFolder folder_;
};

TEST_F(ClusterTest, TellsOfItsOwnPod) {
  support::FakeKubernetesServer server(kubernetes_);
  Mount(server);
  kubernetes_.SetToken("the-token");
  environment_["POD_NAME"] = "acr-admission-7";
  environment_["POD_UID"] = "uid-7";
  environment_["HTTPS_PROXY"] = "http://127.0.0.1:1";  // leads out of the cluster
  const auto cluster = Create();
  ASSERT_TRUE(cluster) << cluster.error().ToString();
  EXPECT_EQ((*cluster)->namespace_name(), "acr");
  (*cluster)->Tell(kube::Event::Type::kWarning, "PolicyRefused", "Keep", "what is wrong");
  EXPECT_THAT(kubernetes_.calls(), SizeIs(0));
  (*cluster)->Start();
  while (kubernetes_.In("/apis/events.k8s.io/v1/namespaces/acr/events").empty()) {
    std::this_thread::yield();
  }
  (*cluster)->Stop();
  const auto event = kubernetes_.In("/apis/events.k8s.io/v1/namespaces/acr/events").at(0);
  EXPECT_EQ(event["regarding"], nlohmann::json::parse(R"({"apiVersion":"v1","kind":"Pod","namespace":"acr","name":"acr-admission-7",
    "uid":"uid-7"})"));
  EXPECT_EQ(event["reportingController"], "acr-admission.io/webhook");
  EXPECT_EQ(event["reason"], "PolicyRefused");
}

TEST_F(ClusterTest, ItsPodIsTheHostWhereNothingElseIsSaid) {
  const Cluster cluster(kube::FakeConfig(), std::make_unique<support::FakeKubernetesClient>(kubernetes_), Environment(), clock_,
                        [](base::LogLevel, std::string_view) {});
  EXPECT_NE(cluster.pod().name, "");
  EXPECT_EQ(cluster.pod().uid, "");
}

TEST_F(ClusterTest, SaysWhatIsMissingOfTheServiceAccount) {
  EXPECT_THAT(ErrorOf(), HasSubstr("kubernetes: this is no pod"));
  support::FakeKubernetesServer server(kubernetes_);
  Mount(server);
  EXPECT_EQ(ErrorOf(), "none");
  std::filesystem::remove(folder_ / "token");
  EXPECT_THAT(ErrorOf(), HasSubstr("/token"));
  Mount(server);
  folder_.Write("ca.crt", "garbage");
  EXPECT_THAT(ErrorOf(), HasSubstr("ca.crt: holds no certificate"));
  Mount(server);
  std::filesystem::remove(folder_ / "namespace");
  EXPECT_THAT(ErrorOf(), HasSubstr("give the pod a service account"));
  EXPECT_THAT(kubernetes_.calls(), SizeIs(0));
}

TEST_F(ClusterTest, CountsFailuresByWhatTheyWereFor) {
  Cluster cluster(kube::FakeConfig(), std::make_unique<support::FakeKubernetesClient>(kubernetes_), Environment(), clock_,
                  [](base::LogLevel, std::string_view) {});
  cluster.CountFailure("policy");
  cluster.CountFailure("policy");
  const webhook::Gauges::Kubernetes gauges = cluster.Gauges();
  ASSERT_THAT(gauges.failures, SizeIs(2));
  EXPECT_EQ(gauges.failures[0].label, "events");
  EXPECT_EQ(gauges.failures[1].label, "policy");
  EXPECT_EQ(gauges.failures[1].count, 2U);
}

TEST_F(ClusterTest, WhatRunsIsFollowedOnAConnectionThatEndsWithIt) {
  support::FakeKubernetesServer server(kubernetes_);
  Mount(server);
  PutPod(kubernetes_, "shop", "cart", "contoso.azurecr.io/cart:1");
  const auto cluster = Create();
  ASSERT_TRUE(cluster) << cluster.error().ToString();
  auto connection = (*cluster)->Connect();
  ASSERT_TRUE(connection) << connection.error().ToString();
  auto threads = std::make_unique<RunningThreads>(*std::move(connection), std::set<std::string>(), clock_);
  while (!threads->follower().is_complete()) {
    std::this_thread::yield();
  }
  EXPECT_THAT(Told(threads->follower().index()), ElementsAre("1 of shop/Pod/cart run contoso.azurecr.io/cart:1"));
  threads.reset();
  (*cluster)->Tell(kube::Event::Type::kNormal, "Still", "There", "the other connection goes on");
  (*cluster)->Flush();
  EXPECT_THAT(kubernetes_.In("/apis/events.k8s.io/v1/namespaces/acr/events"), SizeIs(1));
}

}  // namespace
}  // namespace cli
