#include "azure/token_response.h"

#include <gtest/gtest.h>

namespace azure {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

std::string Answer(const std::string& rest) { return R"({"token_type":"Bearer","access_token":"eyJ0.sEcReT.x")" + rest + "}"; }

seconds LifetimeOf(const std::string& rest) {
  const auto token = ParseToken(Answer(rest), kNow);
  EXPECT_TRUE(token) << rest << ": " << (token ? "" : token.error().ToString());
  return token ? std::chrono::duration_cast<seconds>(token->expires - kNow) : seconds(-1);
}

seconds RefreshOf(const std::string& rest) {
  const auto token = ParseToken(Answer(rest), kNow);
  EXPECT_TRUE(token) << rest;
  return token ? std::chrono::duration_cast<seconds>(token->refresh - kNow) : seconds(-1);
}

TEST(TokenResponse, LifetimeIsANumberOrAString) {
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":3599)"), seconds(3599));
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":"3599")"), seconds(3599));
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":3599.5)"), seconds(3599));
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":3599,"expires_on":"1")"), seconds(3599)) << "relative beats absolute: clocks differ";
}

TEST(TokenResponse, ExpiryIsEpochSecondsOrADate) {
  EXPECT_EQ(LifetimeOf(R"(,"expires_on":"1795438800")"), hours(1));
  EXPECT_EQ(LifetimeOf(R"(,"expires_on":1795438800)"), hours(1));
  EXPECT_EQ(LifetimeOf(R"(,"expires_on":"2026-11-23T13:00:00+00:00")"), hours(1));
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":null,"expires_on":"1795438800")"), hours(1));
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":"soon","expires_on":"1795438800")"), hours(1));
}

TEST(TokenResponse, LifetimeIsBounded) {
  EXPECT_EQ(LifetimeOf(R"(,"expires_in":999999999999)"), hours(48));
  EXPECT_EQ(LifetimeOf(R"(,"expires_on":999999999999)"), hours(48));
}

TEST(TokenResponse, RefreshIsAsToldOrAtHalfOfTheLifetime) {
  EXPECT_EQ(RefreshOf(R"(,"expires_in":86400,"refresh_in":43200)"), hours(12));
  EXPECT_EQ(RefreshOf(R"(,"expires_in":86400,"refresh_in":"3600")"), hours(1));
  EXPECT_EQ(RefreshOf(R"(,"expires_in":3600)"), minutes(30));
  EXPECT_EQ(RefreshOf(R"(,"expires_in":3600,"refresh_in":3600)"), minutes(30)) << "not before expiry";
  EXPECT_EQ(RefreshOf(R"(,"expires_in":3600,"refresh_in":-5)"), minutes(30));
}

TEST(TokenResponse, WhatIsNoTokenIsAnErrorThatRepeatsNothing) {
  for (const std::string& body :
       {std::string(), std::string("<html>sEcReT</html>"), std::string(R"({"access_token":"eyJ0.sEcReT.x","expires_in":3599)"),
        std::string(R"(["sEcReT"])"), std::string(R"({"token_type":"Bearer","expires_in":3599})"), Answer(""), Answer(R"(,"expires_in":0)"),
        Answer(R"(,"expires_in":-1)"), Answer(R"(,"expires_in":true)"), Answer(R"(,"expires_in":"inf")"), Answer(R"(,"expires_in":"nan")"),
        Answer(R"(,"expires_in":1e300)"), Answer(R"(,"expires_in":"60 s")"), Answer(R"(,"expires_in":60,"access_token":"sEcReT2")"),
        Answer(R"(,"expires_on":"1795435200")"), std::string(R"({"token_type":"PoP","access_token":"eyJ0.sEcReT.x","expires_in":3599})"),
        std::string("{\"access_token\":\"sEcReT\\r\\nX: y\",\"expires_in\":3599}"),
        std::string(R"({"access_token":["sEcReT"],"expires_in":3599})")}) {
    const auto token = ParseToken(body, kNow);
    ASSERT_FALSE(token) << body;
    EXPECT_EQ(token.error().ToString().find("sEcReT"), std::string::npos) << token.error().ToString();
    EXPECT_FALSE(token.error().remedy.empty());
  }
}

TEST(TokenResponse, RefusalOfEntra) {
  const TokenRefusal refusal = ParseRefusal(
      R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret is right.)"
      R"(\r\nTrace ID: 1d1c\r\nCorrelation ID: 4a42e576\r\nTimestamp: 2026-11-23 12:00:00Z","error_codes":[7000215],)"
      R"("timestamp":"2026-11-23 12:00:00Z","trace_id":"1d1c","correlation_id":"4a42e576-85bc-46ae-b7e3-b52cb8958917"})",
      "hunter2");
  EXPECT_EQ(refusal.code, "AADSTS7000215");
  EXPECT_EQ(refusal.message, "Invalid client secret provided. Ensure the secret is right.");
  EXPECT_EQ(refusal.correlation_id, "4a42e576-85bc-46ae-b7e3-b52cb8958917");
}

TEST(TokenResponse, RefusalsOfMetadataServices) {
  TokenRefusal refusal = ParseRefusal(R"({"error":"invalid_request","error_description":"Identity not found"})", "");
  EXPECT_EQ(refusal.code, "invalid_request");
  EXPECT_EQ(refusal.message, "Identity not found");
  refusal = ParseRefusal(R"({"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found"})", "");
  EXPECT_EQ(refusal.code, "");
  EXPECT_EQ(refusal.message, "No User Assigned or Delegated Managed Identity found");
  refusal = ParseRefusal(R"({"error":{"code":"BadRequest","message":"no"}})", "");
  EXPECT_EQ(refusal.code, "BadRequest");
  EXPECT_EQ(refusal.message, "no");
  for (const char* body : {"", "<html>", "[]", "{}", R"({"error":7})", "\"x\""}) {
    EXPECT_EQ(ParseRefusal(body, "").code + ParseRefusal(body, "").message, "") << body;
  }
}

TEST(TokenResponse, RefusalIsBoundedAndPrintableAndWithoutTheSecret) {
  const std::string secret = "p~a+b/c=";
  const TokenRefusal refusal =
      ParseRefusal(R"({"error":"p~a+b/c=","error_description":"got p~a+b/c= and client_secret=p~a%2Bb%2Fc%3D\u001b[2J )" +
                       std::string(10'000, 'x') + R"(","correlation_id":"p~a+b/c="})",
                   secret);
  EXPECT_EQ(refusal.code, "[secret]");
  EXPECT_EQ(refusal.correlation_id, "[secret]");
  EXPECT_TRUE(refusal.message.starts_with("got [secret] and client_secret=[secret]?[2J xxx")) << refusal.message;
  EXPECT_LE(refusal.message.size(), 500U);
}

}  // namespace
}  // namespace azure
