#include "policy/text_compare.h"

#include <gtest/gtest.h>

namespace policy {
namespace {

constexpr Outcome kNo = Outcome::kFalse;
constexpr Outcome kYes = Outcome::kTrue;
constexpr Outcome kOpen = Outcome::kUnknown;

struct Pair {
  const char* one;
  const char* other;
  Outcome outcome;
};

TEST(EqualTexts, IgnoresTheCaseOfAsciiAndIsOpenWhereOtherLettersDecide) {
  for (const Pair& pair : {Pair{"Premium", "pREMIUM", kYes},
                           {"Premium", "Premiun", kNo},
                           {"a", "ab", kNo},
                           {"", "a", kNo},
                           {"", "", kYes},
                           {"a\tb", "a b", kNo},
                           {"Vertrieb-Süd", "VERTRIEB-Süd", kYes},
                           {"VERTRIEB-SÜD", "Vertrieb-Süd", kOpen},
                           {"straße", "STRASSE", kOpen},
                           {"\u212A8s", "k8s", kOpen},
                           {"e\u0301", "é", kOpen},
                           {"a\u00adb", "ab", kOpen},
                           // Letters that no culture takes for the same.
                           {"Süd", "Nord", kNo},
                           {"Süd", "Sud", kNo},
                           {"équipe", "environment", kNo},
                           {"Süd", "Süden", kNo},
                           {"Süd", "", kNo},
                           {"Süd", "S-", kNo}}) {
    EXPECT_EQ(EqualTexts(pair.one, pair.other), pair.outcome) << pair.one << " " << pair.other;
    EXPECT_EQ(EqualTexts(pair.other, pair.one), pair.outcome) << pair.other << " " << pair.one;
  }
}

TEST(LikeText, IsOpenWhereOtherLettersDecide) {
  for (const Pair& pair : {Pair{"contoso.io", "CON*.IO", kYes},
                           {"contoso.io", "con*.de", kNo},
                           {"aba", "ab*ba", kNo},
                           {"a", "*", kYes},
                           {"abba", "ab*ba", kYes},
                           {"abc", "a*b*c", Outcome::kFailed},
                           {"SÜD-1", "süd*", kOpen},
                           {"süd-1", "SüD*", kYes},
                           {"SÜD-1", "nord*", kNo},
                           {"1-SÜD", "*süd", kOpen},
                           {"1-SÜD", "*nort", kNo},
                           {"SÜD", "süd", kOpen},
                           {"a", "a*ü", kOpen},
                           {"\t", "a*", kNo}}) {
    EXPECT_EQ(LikeText(pair.one, pair.other), pair.outcome) << pair.one << " " << pair.other;
  }
}

TEST(ContainsText, IsOpenWhereOtherLettersDecide) {
  for (const Pair& pair : {Pair{"contoso", "TOS", kYes},
                           {"contoso", "x", kNo},
                           {"contoso", "", kYes},
                           {"", "a", kNo},
                           {"Vertrieb-Süd", "SüD", kYes},
                           {"Vertrieb-Süd", "SÜD", kOpen},
                           {"contoso", "SÜD", kOpen}}) {
    EXPECT_EQ(ContainsText(pair.one, pair.other), pair.outcome) << pair.one << " " << pair.other;
  }
}

TEST(MatchText, IsOpenWhereOtherLettersDecide) {
  for (const Pair& pair : {Pair{"ab-12",
                                "?"
                                "?-##",
                                kYes},
                           {"AB-12", "ab-##", kYes},
                           {"ab-12",
                            "?"
                            "?-#?",
                            kNo},
                           {"#", "#", kNo},
                           {"?", "?", kNo},
                           {"a", "..", kNo},
                           {"SÜD", "süd", kOpen},
                           {"SÜD", "S.D", kYes},
                           {"SÜD", "N..", kNo},
                           {"SÜD", "S?D", kOpen},
                           {"SÜD", "S#X", kNo},
                           {"SÜD", "süd.", kNo}}) {
    EXPECT_EQ(MatchText(pair.one, pair.other, Case::kIgnored), pair.outcome) << pair.one << " " << pair.other;
  }
  for (const Pair& pair : {Pair{"AB", "ab", kNo},
                           {"SÜD", "SüD", kNo},
                           {"SÜD", "SÜD", kYes},
                           {"SÜD", "S.D", kYes},
                           {"SÜD", "S?D", kOpen},
                           {"SüX", "S?D", kNo}}) {
    EXPECT_EQ(MatchText(pair.one, pair.other, Case::kMatters), pair.outcome) << pair.one << " " << pair.other;
  }
}

}  // namespace
}  // namespace policy
