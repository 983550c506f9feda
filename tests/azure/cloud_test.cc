#include "azure/cloud.h"

#include <gtest/gtest.h>

namespace azure {
namespace {

Cloud Stack() {
  return {"Stack",
          "https://management.local.azurestack.external",
          "https://login.local.azurestack.external",
          {"azsacr.local.azurestack.external"}};
}

TEST(Cloud, IsFoundByAzuresNameInAnyCase) {
  const auto cloud = FindCloud("azureusgovernment");
  ASSERT_TRUE(cloud);
  EXPECT_EQ(cloud->name, "AzureUSGovernment");
  EXPECT_EQ(cloud->resource_manager, "https://management.usgovcloudapi.net");
  EXPECT_EQ(cloud->authority, "https://login.microsoftonline.us");
  EXPECT_EQ(cloud->registry_suffixes, std::vector<std::string>{"azurecr.us"});
}

TEST(Cloud, KnownOnesPassTheirOwnCheck) {
  for (const char* name : {"AzureCloud", "AzureUSGovernment", "AzureChinaCloud"}) {
    const auto cloud = FindCloud(name);
    ASSERT_TRUE(cloud) << name;
    const auto checked = CheckCloud(*cloud);
    ASSERT_TRUE(checked) << checked.error().ToString();
    EXPECT_EQ(checked->resource_manager, cloud->resource_manager);
    EXPECT_EQ(checked->authority, cloud->authority);
    EXPECT_EQ(checked->registry_suffixes, cloud->registry_suffixes);
  }
}

TEST(Cloud, MisspelledNameGetsTheNearest) {
  const auto cloud = FindCloud("AzureUSGoverment");
  ASSERT_FALSE(cloud);
  EXPECT_EQ(cloud.error().ToString(), "there is no cloud AzureUSGoverment; did you mean AzureUSGovernment?");
  const auto other = FindCloud("\x1b[31mAWS");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "there is no cloud ?[31mAWS");
}

TEST(Cloud, CustomOneIsWrittenAsAzureCliPrintsIt) {
  Cloud cloud = Stack();
  cloud.resource_manager = "HTTPS://Management.local.azurestack.external:443/";
  cloud.authority = "https://127.0.0.1:8443/";
  cloud.registry_suffixes = {".Azsacr.Local.AzureStack.External", "azurecr.io"};
  const auto checked = CheckCloud(cloud);
  ASSERT_TRUE(checked) << checked.error().ToString();
  EXPECT_EQ(checked->resource_manager, "https://management.local.azurestack.external");
  EXPECT_EQ(checked->authority, "https://127.0.0.1:8443");
  EXPECT_EQ(checked->registry_suffixes, (std::vector<std::string>{"azsacr.local.azurestack.external", "azurecr.io"}));
}

TEST(Cloud, EndpointsAreHttpsWithoutPath) {
  for (const char* url : {"", "management.azure.com", "http://management.azure.com", "https://management.azure.com/api", "https://a.b/?x=1",
                          "https://user@management.azure.com", "https://management.azure.com#x", "https://a b"}) {
    Cloud cloud = Stack();
    cloud.resource_manager = url;
    auto checked = CheckCloud(cloud);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().message, "cloud Stack: its Resource Manager is no https URL without a path");
    EXPECT_FALSE(checked.error().remedy.empty());
    cloud = Stack();
    cloud.authority = url;
    checked = CheckCloud(cloud);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().message, "cloud Stack: its authority is no https URL without a path");
  }
}

TEST(Cloud, SuffixesAreDomains) {
  for (const char* suffix :
       {"", ".", "io", "azurecr.io:443", "azurecr.io/x", "azurecr..io", "*.azurecr.io", "azurecr.io?x", "a b.io", "x@y.io"}) {
    Cloud cloud = Stack();
    cloud.registry_suffixes = {"azurecr.io", suffix};
    EXPECT_FALSE(CheckCloud(cloud)) << suffix;
  }
  Cloud cloud = Stack();
  cloud.registry_suffixes.clear();
  EXPECT_FALSE(CheckCloud(cloud)) << "nothing would be an ACR host";
}

TEST(Cloud, SuffixesLieUnderNoOtherClouds) {
  Cloud cloud = Stack();
  cloud.registry_suffixes = {"azsacr.AzureCR.io"};
  const auto checked = CheckCloud(cloud);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "cloud Stack: its registry suffix azsacr.azurecr.io lies under azurecr.io, where every host is a registry already");
}

TEST(Cloud, NeedsAName) {
  Cloud cloud = Stack();
  cloud.name.clear();
  EXPECT_FALSE(CheckCloud(cloud));
}

}  // namespace
}  // namespace azure
