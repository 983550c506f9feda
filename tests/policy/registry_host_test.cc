#include "policy/registry_host.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/image_reference.h"

namespace policy {
namespace {

using ::testing::HasSubstr;
using Kind = RegistryHost::Kind;

TEST(RegistryHost, EveryRecordedHostStandsForItsLoginServer) {
  std::ifstream file(ACR_TEST_DATA "/azure/registry_hosts.tsv");
  int seen = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#') || line.starts_with("host\t")) {
      continue;
    }
    ++seen;
    std::istringstream fields(line);
    std::string host;
    std::string login_server;
    std::getline(fields, host, '\t');
    std::getline(fields, login_server, '\t');
    host = host.substr(0, host.find(' '));
    const RegistryHost classified = ClassifyRegistryHost(FoldRegistryHost(host));
    const bool acr = login_server != "-" && !login_server.starts_with('(');
    EXPECT_EQ(classified.kind == Kind::kAcr, acr) << line;
    EXPECT_EQ(classified.login_server, acr ? login_server : "") << line;
  }
  EXPECT_GE(seen, 17);
}

TEST(RegistryHost, EveryCloudsSuffixIsAnAcrEverywhere) {
  for (const std::string_view suffix : kKnownRegistrySuffixes) {
    const std::string login_server = "contoso." + std::string(suffix);
    EXPECT_EQ(ClassifyRegistryHost(login_server).login_server, login_server);
    EXPECT_EQ(ClassifyRegistryHost("contoso.westeurope.geo." + std::string(suffix)).login_server, login_server);
    EXPECT_EQ(ClassifyRegistryHost(suffix).kind, Kind::kInvalid);
    EXPECT_EQ(ClassifyRegistryHost("contoso.westeurope.data." + std::string(suffix)).kind, Kind::kInvalid);
    EXPECT_EQ(ClassifyRegistryHost(login_server + ":5000").kind, Kind::kInvalid);
    EXPECT_TRUE(IsUnderRegistrySuffix(login_server + ":5000"));
  }
}

TEST(RegistryHost, SuffixesOfACustomCloudAreAddedToTheKnownOnes) {
  const RegistrySuffixes suffixes = RegistrySuffixes().With({"azsacr.stack.example"});
  EXPECT_EQ(ClassifyRegistryHost("contoso.azsacr.stack.example").kind, Kind::kOther);
  EXPECT_EQ(ClassifyRegistryHost("contoso.azsacr.stack.example", suffixes).login_server, "contoso.azsacr.stack.example");
  EXPECT_EQ(ClassifyRegistryHost("contoso.east.geo.azsacr.stack.example", suffixes).login_server, "contoso.azsacr.stack.example");
  EXPECT_EQ(ClassifyRegistryHost("contoso.east.data.azsacr.stack.example", suffixes).kind, Kind::kInvalid);
  EXPECT_EQ(ClassifyRegistryHost("azsacr.stack.example", suffixes).kind, Kind::kInvalid);
  EXPECT_EQ(ClassifyRegistryHost("evilazsacr.stack.example", suffixes).kind, Kind::kOther);
  EXPECT_TRUE(IsUnderRegistrySuffix("contoso.azsacr.stack.example:5000", suffixes));
  EXPECT_FALSE(IsUnderRegistrySuffix("contoso.azsacr.stack.example:5000"));
  for (const std::string_view known : kKnownRegistrySuffixes) {
    EXPECT_EQ(ClassifyRegistryHost("contoso." + std::string(known), suffixes).kind, Kind::kAcr);
    EXPECT_EQ(ClassifyRegistryHost("a.b." + std::string(known), suffixes).kind, Kind::kInvalid);
  }
}

TEST(RegistryHost, AFurtherSuffixChangesNothingAboutAKnownOne) {
  const RegistrySuffixes suffixes = RegistrySuffixes().With({"sovcloud-azure.fr", "azurecr.io"});
  EXPECT_EQ(ClassifyRegistryHost("azurecr.sovcloud-azure.fr", suffixes).kind, Kind::kInvalid);
  EXPECT_EQ(suffixes.Of("contoso.azurecr.sovcloud-azure.fr"), "azurecr.sovcloud-azure.fr");
  EXPECT_EQ(suffixes.Of("contoso.sovcloud-azure.fr"), "sovcloud-azure.fr");
  EXPECT_EQ(suffixes.Of("contoso.azurecr.io"), "azurecr.io");
}

TEST(RegistryHost, OfNestedSuffixesTheLongestCounts) {
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{"example.com", "acr.example.com"}, {"acr.example.com", "example.com"}}) {
    const RegistrySuffixes suffixes = RegistrySuffixes().With(order);
    EXPECT_EQ(ClassifyRegistryHost("contoso.acr.example.com", suffixes).login_server, "contoso.acr.example.com");
    EXPECT_EQ(ClassifyRegistryHost("contoso.example.com", suffixes).login_server, "contoso.example.com");
    EXPECT_EQ(ClassifyRegistryHost("acr.example.com", suffixes).kind, Kind::kInvalid);
  }
}

TEST(RegistryHost, WhatOnlyLooksLikeOneIsOther) {
  for (const std::string_view host : {"evilazurecr.io", "contoso.azurecr.io.evil.com", "contoso.azurecraio", "docker.io", "localhost",
                                      "localhost:5000", "[fc00::1]:5000", "azurecr.io.", ""}) {
    EXPECT_EQ(ClassifyRegistryHost(host).kind, Kind::kOther) << host;
    EXPECT_FALSE(IsUnderRegistrySuffix(host)) << host;
  }
}

TEST(RegistryHost, NoLoginServerIsRefusedWithItsReason) {
  const auto error = [](std::string_view host) {
    const RegistryHost classified = ClassifyRegistryHost(host);
    EXPECT_EQ(classified.kind, Kind::kInvalid) << host;
    EXPECT_EQ(classified.login_server, "") << host;
    return classified.error;
  };
  EXPECT_THAT(error("contoso.eastus.data.azurecr.io"), HasSubstr("data endpoint, not a login server; write contoso.azurecr.io"));
  EXPECT_THAT(error("contoso.azurecr.io:8443"), HasSubstr("leave the port out"));
  EXPECT_THAT(error("azurecr.io:80"), HasSubstr("leave the port out"));
  EXPECT_THAT(error("azurecr.io"), HasSubstr("suffix of all registries"));
  EXPECT_THAT(error("privatelink.azurecr.io"), HasSubstr("Private Link"));
  EXPECT_THAT(error("contoso.privatelink.azurecr.io"), HasSubstr("Private Link"));
  EXPECT_THAT(error("contoso.eastus.azurecr.io"), HasSubstr("one label before azurecr.io"));
  EXPECT_THAT(error("contoso.eastus.notgeo.azurecr.io"), HasSubstr("one label before azurecr.io"));
  EXPECT_THAT(error("a.b.c.geo.azurecr.io"), HasSubstr("one label before azurecr.io"));
  EXPECT_THAT(error("contoso..geo.azurecr.io"), HasSubstr("one label before azurecr.io"));
  EXPECT_THAT(error("privatelink.eastus.geo.azurecr.io"), HasSubstr("one label"));
  EXPECT_THAT(error(".azurecr.io"), HasSubstr("one label"));
}

TEST(RegistryHost, HugeHostsGiveShortErrors) {
  EXPECT_LT(ClassifyRegistryHost(std::string(100'000, 'a') + ".b.azurecr.io").error.size(), 300u);
}

}  // namespace
}  // namespace policy
