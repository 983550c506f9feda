#include "cli/bar.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

const Terminal kPlain{.width = 80, .colour = false, .unicode = false};
const Terminal kUnicode{.width = 80, .colour = false, .unicode = true};

TEST(Bar, IsAsLongAsItsShare) {
  EXPECT_EQ(Bar(10, 10, 4, kPlain), "####");
  EXPECT_EQ(Bar(5, 10, 4, kPlain), "##");
  EXPECT_EQ(Bar(10, 10, 4, kUnicode), "████");
  EXPECT_EQ(Bar(5, 10, 3, kUnicode), "█▌");
  EXPECT_EQ(Bar(20, 10, 2, kPlain), "##") << "never longer than it may be";
}

TEST(Bar, ShowsTheLeastThatThereIs) {
  EXPECT_EQ(Bar(1, 1'000'000, 10, kPlain), "#");
  EXPECT_EQ(Bar(1, 1'000'000, 10, kUnicode), "▏");
  EXPECT_EQ(Bar(0, 10, 10, kUnicode), "");
  EXPECT_EQ(Bar(0, 0, 10, kPlain), "");
  EXPECT_EQ(Bar(1, 1, 0, kPlain), "");
}

}  // namespace
}  // namespace cli
