#include "audit/registry_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace audit {
namespace {

TEST(RegistryArgument, IsAHostAsRecordsHaveIt) {
  EXPECT_EQ(ParseRegistryArgument("--registry", "Contoso.azurecr.io:443").value(), "contoso.azurecr.io");
  EXPECT_EQ(ParseRegistryArgument("--registry", "index.docker.io").value(), "docker.io");
  EXPECT_EQ(ParseRegistryArgument("--registry", "[FC00::1]:0443").value(), "[fc00::1]");
}

TEST(RegistryArgument, IsABeginningAsItIsButForItsCase) {
  EXPECT_EQ(ParseRegistryArgument("--registry", "Contoso*").value(), "contoso*");
  EXPECT_EQ(ParseRegistryArgument("--registry", "docker.io:0443*").value(), "docker.io:0443*");
}

TEST(RegistryArgument, ThatLeavesNothingOrTwoPortsIsRefused) {
  for (const char* text : {"", ":443", ":0443", "a:00443:0443"}) {
    const auto registry = ParseRegistryArgument("--registry", text);
    ASSERT_FALSE(registry) << text << ": " << *registry;
    EXPECT_EQ(registry.error().message, "--registry " + std::string(text) + ": is no registry host");
  }
}

}  // namespace
}  // namespace audit
