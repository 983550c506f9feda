#include "kube/config.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace kube {
namespace {

using ::testing::HasSubstr;

class InClusterTest : public ::testing::Test {
 protected:
  InClusterTest() { folder_.Write("namespace", "acr"); }

  base::Result<Config> Read() {
    return InClusterConfig(
        [this](const std::string& name) {
          const auto found = variables_.find(name);
          return found == variables_.end() ? std::nullopt : std::make_optional(found->second);
        },
        folder_ / "");
  }

  support::TempFolder folder_;
  std::map<std::string, std::string> variables_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(InClusterTest, IsWhatTheKubeletGives) {
  const auto config = Read();
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->namespace_name, "acr");
  EXPECT_THAT(config->ca_file, ::testing::EndsWith("/ca.crt"));
  EXPECT_THAT(config->token_file, ::testing::EndsWith("/token"));
  EXPECT_EQ(config->ca_pem + config->token + config->client_certificate_pem + config->client_key_pem, "");
}

TEST_F(InClusterTest, Ipv6HostIsPutInBrackets) {
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  const auto config = Read();
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
}

TEST_F(InClusterTest, OutsideOfAClusterItSaysSo) {
  variables_.erase("KUBERNETES_SERVICE_HOST");
  const auto config = Read();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(config.error().remedy, HasSubstr("kubeconfig"));
}

TEST_F(InClusterTest, WhatIsNoHostAndPortIsAnError) {
  variables_["KUBERNETES_SERVICE_PORT"] = "443/evil";
  EXPECT_FALSE(Read());
  variables_["KUBERNETES_SERVICE_PORT"] = "70000";
  EXPECT_FALSE(Read());
  variables_ = {{"KUBERNETES_SERVICE_HOST", "a b"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_FALSE(Read());
}

TEST_F(InClusterTest, NamespaceMustBeOne) {
  folder_.Write("namespace", "a/b");
  EXPECT_FALSE(Read());
  std::filesystem::remove(folder_ / "namespace");
  const auto config = Read();
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().remedy, HasSubstr("automountServiceAccountToken"));
}

}  // namespace
}  // namespace kube
