#include "state/zstd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace state {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::size_t kMax = 1 << 20;

std::string Compressed(std::string_view text) { return CompressZstd(text, kMax).value().value(); }
std::string ErrorOf(std::string_view bytes, std::size_t max_bytes = kMax) {
  const auto text = DecompressZstd(bytes, "Secret a/b", max_bytes);
  return text ? "none" : text.error().message;
}

TEST(Zstd, WhatIsCompressedComesBack) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(kMax, 'x'), std::string("\0\xff", 2)}) {
    const auto back = DecompressZstd(Compressed(text), "", kMax);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, text);
  }
  EXPECT_LT(Compressed(std::string(kMax, 'x')).size(), 1000U);
}

TEST(Zstd, WhatTakesMoreThanThereIsRoomForIsNotCompressed) {
  const std::string text = "some text in which nothing comes twice";
  const std::size_t size = Compressed(text).size();
  EXPECT_TRUE(CompressZstd(text, size).value());
  EXPECT_FALSE(CompressZstd(text, size - 1).value());
  EXPECT_FALSE(CompressZstd(text, 0).value());
}

TEST(Zstd, AllocatesNoMoreThanIsAllowed) {
  EXPECT_EQ(ErrorOf(Compressed(std::string(1000, 'x')), 1000), "none");
  EXPECT_EQ(ErrorOf(Compressed(std::string(1001, 'x')), 1000),
            "Secret a/b: cannot be decompressed: it declares 1001 bytes, more than 1000");
  // A header that declares 2^63 bytes and a block of one byte repeated.
  EXPECT_THAT(ErrorOf(std::string("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x80\x03\0\0", 16)), HasSubstr("more than"));
}

TEST(Zstd, TakesExactlyOneWholeFrame) {
  const std::string bytes = Compressed("some text that is long enough to be worth it, worth it, worth it");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ErrorOf(bytes.substr(0, size)), StartsWith("Secret a/b: cannot be decompressed: ")) << size;
  }
  EXPECT_THAT(ErrorOf(bytes + bytes), HasSubstr("not exactly one frame"));
  EXPECT_THAT(ErrorOf(bytes + "x"), HasSubstr("not exactly one frame"));
  EXPECT_THAT(ErrorOf("garbage"), HasSubstr("no Zstandard frame"));
}

}  // namespace
}  // namespace state
