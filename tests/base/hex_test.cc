#include "base/hex.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Hex, WritesEveryByteAndReadsItBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(ToHex(std::string("\0\x0f\xa5\xff", 4)), "000fa5ff");
  EXPECT_EQ(FromHex(ToHex(bytes)), bytes);
  EXPECT_EQ(FromHex(""), "");
}

TEST(Hex, IsLowerCaseAndWhole) {
  for (const char* text : {"0", "000", "0g", "A5", " 00", "0x"}) {
    EXPECT_EQ(FromHex(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace base
