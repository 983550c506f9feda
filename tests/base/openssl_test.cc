#include "base/openssl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace base {
namespace {

void LeaveAnError() { ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE); }

TEST(OpenSslErrors, EmptiesTheQueueBeforeAndAfter) {
  LeaveAnError();
  {
    const OpenSslErrors errors;
    EXPECT_EQ(ERR_peek_error(), 0U);
    LeaveAnError();
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(TakeOpenSslError, SaysTheOldestAndLeavesNone) {
  LeaveAnError();
  ERR_raise(ERR_LIB_PEM, PEM_R_BAD_DECRYPT);
  EXPECT_THAT(TakeOpenSslError(), testing::HasSubstr("no start line"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace base
