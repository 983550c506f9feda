#include "cli/environment.h"

#include <map>

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Environment, NamesProxiesInEitherCase) {
  const std::map<std::string, std::string> variables = {
      {"https_proxy", "lower:1"}, {"HTTP_PROXY", "upper:2"}, {"http_proxy", "lower:2"}, {"NO_PROXY", ""}, {"no_proxy", ".svc"}};
  const http::ProxySettings proxies = ProxiesOf([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::make_optional(found->second);
  });
  EXPECT_EQ(proxies.https_proxy, "lower:1");
  EXPECT_EQ(proxies.http_proxy, "upper:2");
  EXPECT_EQ(proxies.no_proxy, ".svc");
}

}  // namespace
}  // namespace cli
