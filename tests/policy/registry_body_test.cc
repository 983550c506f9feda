#include "policy/registry_body.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"

namespace policy {
namespace {

TEST(RegistryBody, GivesBackWhatItWasGiven) {
  const std::string large(1 << 20, 'x');
  for (const std::string& text : {std::string("{}"), std::string(R"({"tags":{"a":"\u0000"}})"), std::string("\0\xff", 2), large}) {
    EXPECT_EQ(RegistryBody(text).Text(), text);
  }
}

TEST(RegistryBody, GivesBackEveryRegistryOfTheTests) {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ACR_TEST_DATA "/registries")) {
    const std::string text = base::ReadFile(entry.path(), 1 << 20).value();
    EXPECT_EQ(RegistryBody(text).Text(), text) << entry.path();
    ++read;
  }
  EXPECT_GT(read, 20U);
}

TEST(RegistryBody, NothingIsNothing) {
  EXPECT_EQ(RegistryBody().Text(), "");
  EXPECT_EQ(RegistryBody(), RegistryBody(""));
  EXPECT_FALSE(RegistryBody() == RegistryBody("{}"));
  EXPECT_FALSE(RegistryBody("{}") == RegistryBody());
}

TEST(RegistryBody, IsEqualByWhatItSays) {
  const RegistryBody one(R"({"name":"contoso"})");
  const RegistryBody copy = one;
  EXPECT_EQ(one, copy);
  EXPECT_EQ(one, RegistryBody(R"({"name":"contoso"})"));
  EXPECT_FALSE(one == RegistryBody(R"({"name":"fabrikam"})"));
}

}  // namespace
}  // namespace policy
