#include "cli/table.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoSpacesAtLineEnds) {
  EXPECT_EQ(FormatTable({"NAME", "STATE"}, {{{"a"}, {"ok"}}, {{"longer"}, {""}}}, Terminal{}),
            "NAME    STATE\n"
            "a       ok\n"
            "longer\n");
}

TEST(Table, CutsTheWidestColumnToFitTheTerminal) {
  const std::string table = FormatTable({"ID", "TEXT"}, {{{"1"}, {std::string(80, 'x')}}}, Terminal{.width = 20});
  EXPECT_EQ(table,
            "ID  TEXT\n"
            "1   xxxxxxxxxxxxxxx\u2026\n");
}

TEST(Table, CutsBetweenCharactersOfSeveralBytes) {
  const std::string table = FormatTable({"T"}, {{{"\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"}}}, Terminal{.width = 5});
  EXPECT_EQ(table, "T\n\u00e4\u00e4\u00e4\u00e4\u2026\n");
}

TEST(Table, KeepsEveryColumnReadableWhereThereIsNoRoomAtAll) {
  EXPECT_EQ(FormatTable({"A", "B"}, {{{"abcdefgh"}, {"abcdefgh"}}}, Terminal{.width = 1}),
            "A     B\n"
            "abc\u2026  abc\u2026\n");
}

TEST(Table, ColoursOnlyWhereTheyAreSeenAndNeverTheGaps) {
  const std::vector<std::vector<Cell>> rows = {{{"x", Style::kBad}, {"y"}}};
  EXPECT_EQ(FormatTable({"A", "B"}, rows, Terminal{}), "A  B\nx  y\n");
  EXPECT_EQ(FormatTable({"A", "B"}, rows, Terminal{.colour = true}), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

TEST(Table, LetsNoCellSteerTheTerminal) {
  const std::string table = FormatTable({"A"}, {{{"a\x1b[2Jb\nc"}}}, Terminal{});
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_EQ(table, "A\na?[2Jb?c\n");
}

TEST(Table, TakesRowsShorterAndLongerThanTheHeadings) {
  EXPECT_EQ(FormatTable({"A", "B"}, {{{"1"}}, {{"1"}, {"2"}, {"3"}}}, Terminal{}), "A  B\n1\n1  2\n");
}

TEST(DescribeTerminal, TakesAFileForAHundredColumnsWithoutColours) {
  FILE* const file = std::tmpfile();
  const Terminal terminal = DescribeTerminal(fileno(file));
  EXPECT_EQ(terminal.width, 100);
  EXPECT_FALSE(terminal.colour);
  std::fclose(file);
}

}  // namespace
}  // namespace cli
