#include "webhook/http_answer.h"

#include <gtest/gtest.h>

namespace webhook {
namespace {

TEST(HttpAnswer, ADecisionHasLengthAndTypeAndNothingElse) {
  EXPECT_EQ(Serialize({.body = "{}"}), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(HttpAnswer, AnOverloadedServerSaysWhenToComeBack) {
  EXPECT_EQ(Serialize({.status = 503, .retry_after = 1, .close = true}),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
            "Connection: close\r\n\r\n");
}

TEST(HttpAnswer, WhatTheAuditApiAdds) {
  EXPECT_EQ(Serialize({.status = 429, .body = "{}", .retry_after = 7, .no_store = true}),
            "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\nRetry-After: 7\r\n"
            "Cache-Control: no-store\r\n\r\n{}");
  EXPECT_EQ(SerializeHead({.status = 401, .body = "{}", .challenge = true}),
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 2\r\nWWW-Authenticate: Bearer\r\n\r\n");
}

TEST(HttpAnswer, TheAnswerToHeadHasTheLengthOfTheBodyThatItLeavesOut) {
  EXPECT_EQ(Serialize({.status = 405, .body = "no", .allow = "POST", .omit_body = true}),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAllow: POST\r\n\r\n");
}

TEST(HttpAnswer, AnErrorIsJsonWhateverItSays) { EXPECT_EQ(ErrorBody("a \"b\"\n\xff"), "{\"error\":\"a \\\"b\\\"\\n\xef\xbf\xbd\"}\n"); }

}  // namespace
}  // namespace webhook
