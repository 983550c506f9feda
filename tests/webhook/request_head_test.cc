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
  const auto judged = JudgeHead(head, /*keep_alive=*/true);
  return judged ? 200 : judged.error().status;
}

TEST(RequestHead, TakesWhatTheApiServerSends) {
  const auto judged = JudgeHead(Post(), true);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->timeout, seconds(10));
  EXPECT_TRUE(judged->keep_alive);
  EXPECT_FALSE(judged->expects_continue);
}

TEST(RequestHead, ATimeoutThatCannotBeReadIsNone) {
  EXPECT_EQ(JudgeHead(Post("/validate"), true)->timeout, std::nullopt);
  EXPECT_EQ(JudgeHead(Post("/validate?timeout=soon"), true)->timeout, std::nullopt);
  EXPECT_EQ(JudgeHead(Post("/validate?a=b&timeout=3s&c=d"), true)->timeout, seconds(3));
}

TEST(RequestHead, KnowsOnePathAndOneMethod) {
  EXPECT_EQ(Status(Post("/")), 404u);
  EXPECT_EQ(Status(Post("/validate/")), 404u);
  EXPECT_EQ(Status(Post("https://host/validate")), 404u);
  HttpHead head = Post();
  head.method(http::verb::get);
  const auto judged = JudgeHead(head, true);
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
  EXPECT_TRUE(JudgeHead(head, true)->expects_continue);
  head.set(http::field::expect, "miracles");
  EXPECT_EQ(Status(head), 417u);
}

TEST(RequestHead, Http10IsAnsweredOnce) {
  HttpHead head = Post();
  head.version(10);
  head.erase(http::field::host);
  const auto judged = JudgeHead(head, /*keep_alive=*/true);
  ASSERT_TRUE(judged);
  EXPECT_FALSE(judged->keep_alive);
  head.erase(http::field::content_length);
  head.set(http::field::transfer_encoding, "chunked");
  EXPECT_EQ(Status(head), 400u);
  head.version(20);
  EXPECT_EQ(Status(head), 400u);
}

}  // namespace
}  // namespace webhook
