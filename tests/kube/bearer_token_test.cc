#include "kube/bearer_token.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace kube {
namespace {

class BearerTokenTest : public ::testing::Test {
 protected:
  BearerTokenTest() { config_.token_file = folder_ / "token"; }

  support::TempFolder folder_;
  support::FakeClock clock_;
  Config config_;
};

TEST_F(BearerTokenTest, WithoutATokenThereIsNoneToSend) {
  config_.token_file = "";
  EXPECT_EQ(BearerToken(config_, clock_).Get(), "");
  config_.token = "fixed";
  EXPECT_EQ(BearerToken(config_, clock_).Get(), "fixed");
}

TEST_F(BearerTokenTest, FileIsReadAgainEveryMinute) {
  folder_.Write("token", "one\n");
  BearerToken token(config_, clock_);
  EXPECT_EQ(token.Get(), "one");
  folder_.Write("token", "two");
  clock_.Advance(kTokenFileInterval - std::chrono::seconds(1));
  EXPECT_EQ(token.Get(), "one");
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(token.Get(), "two");
}

TEST_F(BearerTokenTest, RefusedTokenIsReadAgainAtOnceAndAnOldOneIsNot) {
  folder_.Write("token", "one");
  BearerToken token(config_, clock_);
  EXPECT_EQ(token.Get(), "one");
  folder_.Write("token", "two");
  token.Refuse("zero");
  EXPECT_EQ(token.Get(), "one");
  token.Refuse("one");
  EXPECT_EQ(token.Get(), "two");
}

TEST_F(BearerTokenTest, WhileTheFileCannotBeReadTheLastTokenGoesOn) {
  BearerToken token(config_, clock_);
  EXPECT_FALSE(token.Get());
  folder_.Write("token", "one");
  EXPECT_EQ(token.Get(), "one");
  folder_.Write("token", "");
  clock_.Advance(std::chrono::minutes(2));
  EXPECT_EQ(token.Get(), "one");
  folder_.Write("token", "two");
  EXPECT_EQ(token.Get(), "two");
}

TEST_F(BearerTokenTest, ErrorNamesTheFileAndKeepsItsContent) {
  folder_.Write("token", "hush hush");
  const auto token = BearerToken(config_, clock_).Get();
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find(config_.token_file), std::string::npos);
  EXPECT_EQ(token.error().ToString().find("hush"), std::string::npos);
}

}  // namespace
}  // namespace kube
