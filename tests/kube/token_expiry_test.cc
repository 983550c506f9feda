#include "kube/token_expiry.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/base64.h"

namespace kube {
namespace {

std::string Jwt(const std::string& payload) {
  std::string text = base::EncodeBase64(payload);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::ranges::find(text, '='), text.end());
  return "eyJhbGciOiJSUzI1NiJ9." + text + ".c2lnbmF0dXJl";
}

TEST(TokenExpiry, IsWhatTheTokenSays) {
  EXPECT_EQ(TokenExpiry(Jwt(R"({"exp":1795435200,"sub":"anna"})")), base::ParseTime("2026-11-23T12:00:00Z"));
  EXPECT_EQ(TokenExpiry(Jwt(R"({"exp":1795435200.9})")), base::ParseTime("2026-11-23T12:00:00Z"));
  EXPECT_EQ(TokenExpiry(Jwt(R"({"sub":"???>>>~~~","exp":1795435200})")), base::ParseTime("2026-11-23T12:00:00Z")) << "- and _";
}

TEST(TokenExpiry, NumbersThatAreNoTimesAreBounded) {
  EXPECT_EQ(TokenExpiry(Jwt(R"({"exp":-1})")), base::Time{});
  EXPECT_EQ(TokenExpiry(Jwt(R"({"exp":1e300})")), base::ParseTime("9999-12-31T23:59:59Z"));
}

TEST(TokenExpiry, OtherTokensSayNothing) {
  for (const std::string& token : {std::string(), std::string("opaque"), std::string("a.b"), std::string("a.!.c"), std::string(".."),
                                   Jwt("{}"), Jwt("[]"), Jwt("{"), Jwt(R"({"exp":"1795435200"})"), Jwt(R"({"exp":null})"),
                                   Jwt(R"({"exp":1,"exp":2})"), Jwt(R"({"exp":1795435200})") + ".x", Jwt(std::string(10000, '['))}) {
    EXPECT_FALSE(TokenExpiry(token)) << token.substr(0, 100);
  }
}

}  // namespace
}  // namespace kube
