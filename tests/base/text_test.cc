#include "base/text.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(AsciiLower, LeavesWhatIsNotAsciiAlone) {
  EXPECT_EQ(AsciiLower("ConToso"), "contoso");
  EXPECT_EQ(AsciiLower("\u212Aontoso"), "\u212Aontoso");  // the Kelvin sign lower-cases to k in Unicode
}

TEST(EqualsIgnoreAsciiCase, ComparesWholeTexts) {
  EXPECT_TRUE(EqualsIgnoreAsciiCase("allOf", "ALLOF"));
  EXPECT_FALSE(EqualsIgnoreAsciiCase("allOf", "allO"));
  EXPECT_FALSE(EqualsIgnoreAsciiCase("\u212A", "k"));
}

TEST(Printable, ReplacesWhatDeceivesOrBreaksALine) {
  EXPECT_EQ(Printable("c\u202e\n", 100), "c??");
  EXPECT_EQ(Printable("a\xff"
                      "b\x7f",
                      100),
            "a?b?");
  EXPECT_EQ(Printable("größe", 100), "größe");
}

TEST(Printable, SeesEveryByteWhereverItStands) {
  for (std::size_t size = 1; size <= 17; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        const bool is_plain = byte >= 0x20 && byte < 0x7f;
        std::string shown = text;
        shown[at] = is_plain ? text[at] : '?';
        ASSERT_EQ(Printable(text, 100), shown) << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(Printable, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(Printable("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(Printable("abcdefghi", 8), "abcde…");
  EXPECT_EQ(Printable("ääää", 7), "ää…");
  EXPECT_EQ(Printable("abc", 2), "");
}

TEST(Nearest, FindsTheMisspeltWord) {
  const std::vector<std::string_view> words = {"requirements", "sources", "exemptions"};
  EXPECT_EQ(Nearest("requirments", words), "requirements");
  EXPECT_EQ(Nearest("Sources", words), "sources");
  EXPECT_EQ(Nearest("banana", words), "");
  EXPECT_EQ(Nearest(std::string(100'000, 'a'), words), "");
}

}  // namespace
}  // namespace base
