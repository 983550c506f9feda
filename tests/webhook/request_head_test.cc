#include "webhook/request_head.h"

#include <chrono>

#include <gtest/gtest.h>

namespace webhook {
namespace {

namespace http = boost::beast::http;
using std::chrono::seconds;

// What the API server sends.
HttpHead Post(std::string_view target = "/validate?timeout=10s") {
  HttpHead head;
  head.version(11);
  head.method(http::verb::post);
  head.target({target.data(), target.size()});
  head.set(http::field::host, "acr-admission.acr-system.svc:443");
  head.set(http::field::content_type, "application/json");
  head.set(http::field::content_length, "2");
  return head;
}

unsigned Status(const HttpHead& head) {
  const auto judged = JudgeHead(head, /*keep_alive=*/true, /*audit_target_bytes=*/0);
  return judged ? 200 : judged.error().status;
}

TEST(RequestHead, TakesWhatTheApiServerSends) {
  const auto judged = JudgeHead(Post(), true, 0);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->timeout, seconds(10));
  EXPECT_TRUE(judged->keep_alive);
  EXPECT_FALSE(judged->expects_continue);
}

TEST(RequestHead, ATimeoutThatCannotBeReadIsNone) {
  EXPECT_EQ(JudgeHead(Post("/validate"), true, 0)->timeout, std::nullopt);
  EXPECT_EQ(JudgeHead(Post("/validate?timeout=soon"), true, 0)->timeout, std::nullopt);
  EXPECT_EQ(JudgeHead(Post("/validate?a=b&timeout=3s&c=d"), true, 0)->timeout, seconds(3));
}

TEST(RequestHead, KnowsOnePathAndOneMethod) {
  EXPECT_EQ(Status(Post("/")), 404u);
  EXPECT_EQ(Status(Post("/validate/")), 404u);
  EXPECT_EQ(Status(Post("https://host/validate")), 404u);
  HttpHead head = Post();
  head.method(http::verb::get);
  const auto judged = JudgeHead(head, true, 0);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().status, 405u);
  EXPECT_EQ(judged.error().allow, "POST");
}

TEST(RequestHead, TakesJsonAlone) {
  HttpHead head = Post();
  head.set(http::field::content_type, "Application/JSON ; charset=utf-8");
  EXPECT_EQ(Status(head), 200u);
  for (const char* type : {"text/plain", "application/json-patch+json", ""}) {
    head.set(http::field::content_type, type);
    EXPECT_EQ(Status(head), 415u) << type;
  }
  head.erase(http::field::content_type);
  EXPECT_EQ(Status(head), 415u);
}

TEST(RequestHead, TakesNoContentEncoding) {
  HttpHead head = Post();
  head.set(http::field::content_encoding, "gzip");
  EXPECT_EQ(Status(head), 415u);
}

TEST(RequestHead, NeedsOneHost) {
  HttpHead head = Post();
  head.erase(http::field::host);
  EXPECT_EQ(Status(head), 400u);
  head.insert(http::field::host, "a");
  head.insert(http::field::host, "b");
  EXPECT_EQ(Status(head), 400u);
}

TEST(RequestHead, NeedsOneLengthOrChunks) {
  HttpHead head = Post();
  head.erase(http::field::content_length);
  EXPECT_EQ(Status(head), 411u);
  head.set(http::field::transfer_encoding, "Chunked");
  EXPECT_EQ(Status(head), 200u);
  head.set(http::field::transfer_encoding, "gzip, chunked");
  EXPECT_EQ(Status(head), 501u);
  head.erase(http::field::transfer_encoding);
  head.insert(http::field::content_length, "2");
  head.insert(http::field::content_length, "2");
  EXPECT_EQ(Status(head), 400u);
}

TEST(RequestHead, MeetsOneExpectation) {
  HttpHead head = Post();
  head.set(http::field::expect, "100-Continue");
  EXPECT_TRUE(JudgeHead(head, true, 0)->expects_continue);
  head.set(http::field::expect, "miracles");
  EXPECT_EQ(Status(head), 417u);
}

TEST(RequestHead, Http10IsAnsweredOnce) {
  HttpHead head = Post();
  head.version(10);
  head.erase(http::field::host);
  const auto judged = JudgeHead(head, /*keep_alive=*/true, /*audit_target_bytes=*/0);
  ASSERT_TRUE(judged);
  EXPECT_FALSE(judged->keep_alive);
  head.erase(http::field::content_length);
  head.set(http::field::transfer_encoding, "chunked");
  EXPECT_EQ(Status(head), 400u);
  head.version(20);
  EXPECT_EQ(Status(head), 400u);
}

constexpr std::size_t kTargetBytes = 8 * 1024;

// What curl sends.
HttpHead Get(const std::string& target = "/audit/v1/decisions?limit=1") {
  HttpHead head;
  head.version(11);
  head.method(http::verb::get);
  head.target(target);
  head.set(http::field::host, "acr-admission.acr-system.svc:8443");
  head.set(http::field::authorization, "Bearer ab.C-d_~+/9==");
  return head;
}

tl::expected<RequestHead, Refusal> JudgeAudit(const HttpHead& head) { return JudgeHead(head, /*keep_alive=*/true, kTargetBytes); }

// The status of a refusal that says it is the audit API's.
unsigned AuditStatus(const HttpHead& head) {
  const auto judged = JudgeAudit(head);
  if (judged) {
    return judged->audit ? 200 : 0;
  }
  return judged.error().audit ? judged.error().status : 0;
}

TEST(AuditRequestHead, IsTakenWithItsTokenAndTarget) {
  const auto judged = JudgeAudit(Get());
  ASSERT_TRUE(judged);
  ASSERT_TRUE(judged->audit);
  EXPECT_EQ(judged->audit->target, "/audit/v1/decisions?limit=1");
  EXPECT_EQ(judged->audit->token, "ab.C-d_~+/9==");
  EXPECT_TRUE(judged->keep_alive);
  EXPECT_FALSE(JudgeHead(Get(), /*keep_alive=*/false, kTargetBytes)->keep_alive);
  HttpHead head = Get();
  head.set(http::field::authorization, "bEARER x");
  EXPECT_EQ(JudgeAudit(head)->audit->token, "x");
}

TEST(AuditRequestHead, IsNobodysWhereThereIsNoSuchApi) {
  const auto judged = JudgeHead(Get(), /*keep_alive=*/true, /*audit_target_bytes=*/0);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().status, 404u);
  EXPECT_FALSE(judged.error().audit);
  EXPECT_TRUE(JudgeAudit(Post())) << "reviews go on";
}

TEST(AuditRequestHead, NeedsOneTokenOfItsLetters) {
  HttpHead head = Get();
  for (const char* value :
       {"", "Bearer", "Bearer ", "Basic amFuZTpzZWNyZXQ=", "Bearer a b", "Bearer a,b", "Bearer  a", "Bearer \xc3\xa4", "a"}) {
    head.set(http::field::authorization, value);
    EXPECT_EQ(AuditStatus(head), 401u) << value;
    EXPECT_TRUE(JudgeAudit(head).error().challenge) << value;
  }
  head.erase(http::field::authorization);
  EXPECT_EQ(AuditStatus(head), 401u);
  head.insert(http::field::authorization, "Bearer a");
  head.insert(http::field::authorization, "Bearer a");
  EXPECT_EQ(AuditStatus(head), 400u);
}

TEST(AuditRequestHead, KnowsThreePathsAndOneMethod) {
  EXPECT_EQ(AuditStatus(Get("/audit/v1/decisions/705ab4f5")), 200u);
  EXPECT_EQ(AuditStatus(Get("/audit/v1/summary")), 200u);
  EXPECT_EQ(AuditStatus(Get("/audit/v1/")), 404u);
  EXPECT_EQ(AuditStatus(Get("/audit/v1/decision")), 404u);
  EXPECT_EQ(Status(Get("/audit/v2/decisions")), 404u);
  for (const http::verb method : {http::verb::head, http::verb::post, http::verb::put, http::verb::delete_, http::verb::options}) {
    HttpHead head = Get();
    head.method(method);
    EXPECT_EQ(AuditStatus(head), 405u);
    EXPECT_EQ(JudgeAudit(head).error().allow, "GET");
  }
}

TEST(AuditRequestHead, TakesNoBody) {
  HttpHead head = Get();
  head.set(http::field::content_length, "0");
  EXPECT_EQ(AuditStatus(head), 200u);
  head.set(http::field::content_length, "1");
  EXPECT_EQ(AuditStatus(head), 400u);
  head.erase(http::field::content_length);
  head.set(http::field::transfer_encoding, "chunked");
  EXPECT_EQ(AuditStatus(head), 400u);
}

TEST(AuditRequestHead, BoundsTheTarget) { EXPECT_EQ(AuditStatus(Get("/audit/v1/decisions?user=" + std::string(kTargetBytes, 'a'))), 400u); }

}  // namespace
}  // namespace webhook
