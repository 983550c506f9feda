#include "audit/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace audit {
namespace {

TEST(Glob, StarIsAnyTextAcrossSlashes) {
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("contoso.azurecr.io/*", "contoso.azurecr.io/shop/cart:1.4"));
  EXPECT_TRUE(GlobMatches("*/cart:*", "contoso.azurecr.io/shop/cart:1.4"));
  EXPECT_FALSE(GlobMatches("*/cart:*", "contoso.azurecr.io/shop/cart@sha256:00"));
  EXPECT_TRUE(GlobMatches("a*b*a", "abba"));
  EXPECT_FALSE(GlobMatches("a*b*a", "abb"));
}

TEST(Glob, QuestionMarkIsOneCharacter) {
  EXPECT_TRUE(GlobMatches("nginx:1.?", "nginx:1.4"));
  EXPECT_FALSE(GlobMatches("nginx:1.?", "nginx:1."));
  EXPECT_FALSE(GlobMatches("nginx:1.?", "nginx:1.25"));
  EXPECT_TRUE(GlobMatches("a?c", "aéc"));
  EXPECT_TRUE(GlobMatches("*?c", "éc"));
}

TEST(Glob, TheWholeTextMustMatchAndCaseCounts) {
  EXPECT_TRUE(GlobMatches("nginx", "nginx"));
  EXPECT_FALSE(GlobMatches("nginx", "nginx:1"));
  EXPECT_FALSE(GlobMatches("nginx:1", "nginx"));
  EXPECT_FALSE(GlobMatches("Nginx", "nginx"));
  EXPECT_FALSE(GlobMatches("", "nginx"));
}

TEST(Glob, BracketsAreThemselves) {
  EXPECT_TRUE(GlobMatches("[a]*", "[a]b"));
  EXPECT_FALSE(GlobMatches("[a]*", "ab"));
}

// Exponential for whoever tries every star anew.
TEST(Glob, ManyStarsEnd) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) {
    pattern += "a*";
  }
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(1000, 'a')));
}

}  // namespace
}  // namespace audit
