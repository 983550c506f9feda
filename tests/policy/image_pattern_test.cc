#include "policy/image_pattern.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/image_reference.h"

namespace policy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

bool Matches(std::string_view pattern, std::string_view image) {
  const auto parsed = ImagePattern::Parse(pattern);
  EXPECT_TRUE(parsed) << parsed.error().ToString();
  const auto reference = ParseImageReference(image);
  EXPECT_TRUE(reference) << reference.error().ToString();
  return parsed && reference && parsed->Matches(reference->registry, reference->repository);
}

std::string ErrorOf(std::string_view pattern) {
  const auto parsed = ImagePattern::Parse(pattern);
  return parsed ? "" : parsed.error().ToString();
}

TEST(ImagePattern, RefusesStarsThatMeanDockerHubByANameItNeverHas) {
  EXPECT_FALSE(ImagePattern::Parse("*.docker.io/**"));
  EXPECT_TRUE(ImagePattern::Parse("docker.io/**"));
  EXPECT_TRUE(ImagePattern::Parse("*.io/**"));
}

TEST(ImagePattern, HostIsComparedWhole) {
  EXPECT_TRUE(Matches("mcr.microsoft.com/**", "mcr.microsoft.com/dotnet/aspnet:8"));
  EXPECT_FALSE(Matches("mcr.microsoft.com/**", "mcr.microsoft.com.evil.com/dotnet"));
  EXPECT_FALSE(Matches("mcr.microsoft.com/**", "evilmcr.microsoft.com/dotnet"));
  EXPECT_FALSE(Matches("mcr.microsoft.com/**", "docker.io/mcr.microsoft.com/dotnet"));
  EXPECT_FALSE(Matches("registry:5000/**", "registry:5001/a"));
  EXPECT_FALSE(Matches("localhost/**", "localhost:5000/a"));
}

TEST(ImagePattern, StarInAHostStaysWithinOneLabel) {
  EXPECT_TRUE(Matches("*.azurecr.io/**", "contoso.azurecr.io/a"));
  EXPECT_FALSE(Matches("*.azurecr.io/**", "a.b.azurecr.io/a"));
  EXPECT_FALSE(Matches("*.azurecr.io/**", "contoso.azurecr.io:5000/a"));
  EXPECT_TRUE(Matches("prod-*.azurecr.io/**", "prod-eu.azurecr.io/a"));
  EXPECT_FALSE(Matches("prod-*.azurecr.io/**", "dev-eu.azurecr.io/a"));
  EXPECT_TRUE(Matches("*.dkr.ecr.*.amazonaws.com/**", "1234.dkr.ecr.us-east-1.amazonaws.com/a"));
  EXPECT_TRUE(Matches("localhost:*/**", "localhost:5000/a"));
  EXPECT_FALSE(Matches("localhost:*/**", "localhost/a"));
}

TEST(ImagePattern, HostIsFoldedAsReferencesAre) {
  EXPECT_TRUE(Matches("index.docker.io/**", "nginx"));
  EXPECT_TRUE(Matches("docker.io/**", "registry-1.docker.io/library/nginx"));
  EXPECT_TRUE(Matches("Contoso.AzureCR.io:443/**", "contoso.azurecr.io/a"));
  EXPECT_TRUE(Matches("registry:5000/**", "REGISTRY:05000/a"));
  EXPECT_TRUE(Matches("[FC00::1]:5000/**", "[fc00::1]:5000/a"));
}

TEST(ImagePattern, StarStaysWithinOneSegment) {
  EXPECT_TRUE(Matches("a.b/team/*", "a.b/team/app"));
  EXPECT_FALSE(Matches("a.b/team/*", "a.b/team/app/x"));
  EXPECT_FALSE(Matches("a.b/team/*", "a.b/team"));
  EXPECT_TRUE(Matches("a.b/*-api/v*", "a.b/shop-api/v12"));
  EXPECT_FALSE(Matches("a.b/*-api/v*", "a.b/shop-apis/v12"));
  EXPECT_TRUE(Matches("a.b/a*b*c", "a.b/axbbc"));
}

TEST(ImagePattern, TwoStarsAreWholeSegmentsAlsoNone) {
  EXPECT_TRUE(Matches("a.b/**", "a.b/x"));
  EXPECT_TRUE(Matches("a.b/**", "a.b/x/y/z"));
  EXPECT_TRUE(Matches("a.b/**/app", "a.b/app"));
  EXPECT_TRUE(Matches("a.b/**/app", "a.b/x/y/app"));
  EXPECT_FALSE(Matches("a.b/**/app", "a.b/x/y/apps"));
  EXPECT_TRUE(Matches("a.b/team/**", "a.b/team"));
  EXPECT_TRUE(Matches("a.b/**/x/**/y", "a.b/x/q/x/y"));
  EXPECT_FALSE(Matches("a.b/**/x/**/y", "a.b/x/q/x/z"));
  EXPECT_TRUE(Matches("a.b/**/*", "a.b/x"));
}

TEST(ImagePattern, ManyStarsTakeNoLongerThanTheirProduct) {
  std::string stars = "a.b/";
  std::string segments = "a.b/";
  for (int i = 0; i < 60; ++i) {
    stars += "*a";
    segments += "**/*a*/";
  }
  const auto pattern = ImagePattern::Parse(stars + "b");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->Matches("a.b", std::string(20'000, 'a')));
  const auto deep = ImagePattern::Parse(segments + "b");
  ASSERT_TRUE(deep);
  std::string repository;
  for (int i = 0; i < 5'000; ++i) {
    repository += "a/";
  }
  EXPECT_FALSE(deep->Matches("a.b", repository + "a"));
}

TEST(ImagePattern, WhatCannotMeanAnythingIsRefusedWithWhatToWrite) {
  EXPECT_THAT(ErrorOf("nginx"), HasSubstr("has no repository"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io"), HasSubstr("\"contoso.azurecr.io/**\""));
  EXPECT_THAT(ErrorOf("library/nginx"), AllOf(HasSubstr("has no host"), HasSubstr("docker.io/library/nginx")));
  EXPECT_THAT(ErrorOf("*/**"), HasSubstr("has no host"));
  EXPECT_THAT(ErrorOf("**.azurecr.io/a"), HasSubstr("'**' in its host"));
  EXPECT_THAT(ErrorOf("https://a.b/c"), HasSubstr("scheme"));
  EXPECT_THAT(ErrorOf("a_b.c/d"), HasSubstr("no registry host"));
  EXPECT_THAT(ErrorOf("a..c/d"), HasSubstr("no registry host"));
  EXPECT_THAT(ErrorOf("[*]:5000/d"), HasSubstr("no registry host"));
  EXPECT_THAT(ErrorOf("a.b/c:1"), HasSubstr("tag or digest"));
  EXPECT_THAT(ErrorOf("a.b/c@sha256:1"), HasSubstr("tag or digest"));
  EXPECT_THAT(ErrorOf("a.b/Team/c"), HasSubstr("upper case"));
  EXPECT_THAT(ErrorOf("a.b/"), HasSubstr("empty segment"));
  EXPECT_THAT(ErrorOf("a.b/c//d"), HasSubstr("empty segment"));
  EXPECT_THAT(ErrorOf("a.b/c/"), HasSubstr("\"a.b/c/**\""));
  EXPECT_THAT(ErrorOf("a.b/c**"), HasSubstr("\"c**\""));
  EXPECT_THAT(ErrorOf("a.b/c d"), HasSubstr("\"c d\""));
  EXPECT_THAT(ErrorOf("docker.io/nginx"), HasSubstr("docker.io/library/nginx"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("no repository"));
}

TEST(ImagePattern, KeepsItsTextAsWritten) { EXPECT_EQ(ImagePattern::Parse("Index.docker.io/**")->text(), "Index.docker.io/**"); }

}  // namespace
}  // namespace policy
