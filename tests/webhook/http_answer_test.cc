#include "webhook/http_answer.h"

#include <gtest/gtest.h>

namespace webhook {
namespace {

TEST(HttpAnswer, ADecisionHasLengthAndTypeAndNothingElse) {
  EXPECT_EQ(Serialize({.body = "{}"}), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(HttpAnswer, AnOverloadedServerSaysWhenToComeBack) {
  EXPECT_EQ(Serialize({.status = 503, .retry_after = true, .close = true}),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
            "Connection: close\r\n\r\n");
}

TEST(HttpAnswer, TheAnswerToHeadHasTheLengthOfTheBodyThatItLeavesOut) {
  EXPECT_EQ(Serialize({.status = 405, .body = "no", .allow = "POST", .omit_body = true}),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAllow: POST\r\n\r\n");
}

TEST(HttpAnswer, AnErrorIsJsonWhateverItSays) { EXPECT_EQ(ErrorBody("a \"b\"\n\xff"), "{\"error\":\"a \\\"b\\\"\\n\xef\xbf\xbd\"}\n"); }

}  // namespace
}  // namespace webhook
