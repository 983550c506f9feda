#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace base {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  const auto value = ParseJson(text, "file.json");
  return value ? "no error: " + value->dump() : value.error().message;
}

TEST(ParseJson, ReadsWhatNlohmannReads) {
  const std::string text = R"({"s":"a\u00e9\"","i":-5,"u":18446744073709551615,"d":1.5e3,"b":true,"n":null,"a":[1,[],{}],"o":{"x":{}}})";
  EXPECT_EQ(ParseJson(text, "t").value(), nlohmann::json::parse(text));
  EXPECT_EQ(ParseJson("5", "t").value(), 5);
}

TEST(ParseJson, SkipsAByteOrderMark) { EXPECT_EQ(ParseJson("\xef\xbb\xbf[1]", "t").value(), nlohmann::json({1})); }

TEST(ParseJson, NamesTheDuplicateKeyByItsPath) {
  EXPECT_EQ(ErrorOf(R"({"a":[{"b":1},{"c":1,"c":2}]})"), "file.json: duplicate key $.a[1].c: it could mean either value");
  EXPECT_THAT(ErrorOf("{\"a\":1,\"\\u0061\":2}"), HasSubstr("duplicate key $.a"));
}

TEST(ParseJson, SaysWhereASyntaxErrorStands) {
  EXPECT_THAT(ErrorOf("{\n  \"a\": 1,\n  oops\n}"), StartsWith("file.json:3:3:"));
  EXPECT_THAT(ErrorOf("{} x"), StartsWith("file.json:1:4:"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("it is empty"));
  EXPECT_THAT(ErrorOf(std::string_view()), HasSubstr("it is empty"));
}

TEST(ParseJson, RefusesBadUtf8AndEndlessNesting) {
  EXPECT_THAT(ErrorOf("[\"\xff\"]"), HasSubstr("UTF-8"));
  EXPECT_THAT(ErrorOf(std::string(101, '[') + std::string(101, ']')), HasSubstr("deeper than 100"));
  EXPECT_FALSE(ParseJson(std::string(1'000'000, '['), "t").has_value());
  EXPECT_TRUE(ParseJson(std::string(99, '[') + std::string(99, ']'), "t").has_value());
}

TEST(ParseJson, SaysThatUtf16IsNotUtf8) { EXPECT_EQ(ErrorOf(std::string("\xff\xfe[\0]\0", 6)), "file.json: is UTF-16"); }

TEST(TextOrNull, WritesNullWhereThereIsNothing) {
  EXPECT_EQ(TextOrNull(""), nlohmann::json());
  EXPECT_EQ(TextOrNull("null"), nlohmann::json("null"));
}

TEST(DumpJson, ReplacesInvalidUtf8) { EXPECT_EQ(DumpJson(nlohmann::json("a\xff")), "\"a\xef\xbf\xbd\""); }

}  // namespace
}  // namespace base
