#include "base/shared_text.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(SharedText, CopiesHoldTheSameText) {
  const SharedText one = std::string(100, 'x');
  const SharedText other = one;
  EXPECT_EQ(one.view().data(), other.view().data());
  EXPECT_EQ(other.size(), 100U);
}

TEST(SharedText, IsEqualByWhatItSays) {
  EXPECT_EQ(SharedText("a"), SharedText(std::string("a")));
  EXPECT_FALSE(SharedText("a") == SharedText("b"));
  EXPECT_EQ(SharedText(), SharedText(""));
}

TEST(SharedText, NothingIsEmpty) {
  EXPECT_TRUE(SharedText().empty());
  EXPECT_TRUE(SharedText("").empty());
  EXPECT_EQ(SharedText().view(), "");
  EXPECT_FALSE(SharedText("a").empty());
}

}  // namespace
}  // namespace base
