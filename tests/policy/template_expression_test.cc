#include "policy/template_expression.h"

#include <gtest/gtest.h>

#include <string>

namespace policy {
namespace {

// What was parsed, written in one way.
std::string Text(const TemplateExpression& value) {
  std::string text;
  if (const std::string* string = std::get_if<std::string>(&value.node)) {
    text = "'" + *string + "'";
  } else if (const std::int64_t* number = std::get_if<std::int64_t>(&value.node)) {
    text = std::to_string(*number);
  } else {
    const auto& call = std::get<TemplateExpression::Call>(value.node);
    text = call.function + "(";
    for (const TemplateExpression& argument : call.arguments) {
      text += (text.ends_with('(') ? "" : ",") + Text(argument);
    }
    text += ")";
  }
  for (const TemplateExpression& key : value.keys) {
    text += "[" + Text(key) + "]";
  }
  return text;
}

std::string Parsed(std::string_view text) {
  const auto value = ParseTemplateExpression(text);
  return value ? Text(*value) : value.error();
}

std::string Repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST(TemplateExpression, IsTextInBracketsThatAreNotEscaped) {
  EXPECT_TRUE(IsTemplateExpression("[concat('a')]"));
  EXPECT_TRUE(IsTemplateExpression("[]"));
  EXPECT_FALSE(IsTemplateExpression("[[concat('a')]"));
  EXPECT_FALSE(IsTemplateExpression("[x] y"));
  EXPECT_FALSE(IsTemplateExpression("x]"));
  EXPECT_FALSE(IsTemplateExpression("["));
  EXPECT_FALSE(IsTemplateExpression(""));
}

TEST(TemplateExpression, CallsStringsIntegersAndKeysAreParsed) {
  const struct {
    const char* text;
    const char* parsed;
  } cases[] = {
      {"[f()]", "f()"},
      {"[ f ( 'a' , -12 ) ]", "f('a',-12)"},
      {"[f(\n\t'a',\r\n g(h()))]", "f('a',g(h()))"},
      {"[f('it''s')]", "f('it's')"},
      {"[f('')]", "f('')"},
      {"[f('''')]", "f(''')"},
      {"[f('a]b[c')]", "f('a]b[c')"},
      {"[f().a.b_2]", "f()['a']['b_2']"},
      {"[f()[0]['x'][g('y')].z]", "f()[0]['x'][g('y')]['z']"},
      {"[f(g().a)['b']]", "f(g()['a'])['b']"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Parsed(c.text), c.parsed) << c.text;
  }
}

TEST(TemplateExpression, WhatIsWrongIsSaidWithItsPosition) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"[]", "position 2: expected a function, not the end"},
      {"['a']", "position 2: expected a function, not \"'a'\""},
      {"[12]", "position 2: expected a function"},
      {"[f]", "position 3: expected \"(\" behind the function \"f\", not the end"},
      {"[f(]", "position 4: expected a function, a string in single quotes or an integer, not the end"},
      {"[f('a' 'b')]", "position 8: expected \",\" or \")\", not \"'b')\""},
      {"[f('a',)]", "position 8: expected a function"},
      {"[f('a)]", "position 4: the string has no closing quote"},
      {"[f('a').]", "position 9: expected the name of a member"},
      {"[f()[0]", "position 7: expected \"]\", not the end"},
      {"[f()[]]", "position 6: expected a function, a string"},
      {"[f(),g()]", "position 5: expected the end of the expression, not \",g()\""},
      {"[f(1.5)]", "position 4: expected an integer"},
      {"[f(-)]", "position 4: expected an integer"},
      {"[f(99999999999999999999)]", "position 4: the integer is too large"},
      {"[f(\"a\")]", "position 4: expected a function, a string in single quotes"},
      {"[f(('a'))]", "position 4: expected a function, a string in single quotes"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Parsed(c.text).substr(0, std::string(c.error).size()), c.error) << c.text;
  }
}

TEST(TemplateExpression, AzuresLimitsHold) {
  const auto nested = [](std::size_t depth) { return "[" + Repeated("f(", depth) + Repeated(")", depth) + "]"; };
  EXPECT_TRUE(ParseTemplateExpression(nested(kMaxExpressionNesting)));
  EXPECT_NE(Parsed(nested(kMaxExpressionNesting + 1)).find("nested deeper than 64"), std::string::npos);

  const auto wide = [](std::size_t arguments) { return "[f(0" + Repeated(",0", arguments - 1) + ")]"; };
  EXPECT_TRUE(ParseTemplateExpression(wide(kMaxFunctionArguments)));
  EXPECT_NE(Parsed(wide(kMaxFunctionArguments + 1)).find("more than 128 arguments"), std::string::npos);

  const auto sized = [](std::size_t bytes) { return "[f('" + std::string(bytes - 7, 'a') + "')]"; };
  EXPECT_TRUE(ParseTemplateExpression(sized(kMaxExpressionBytes)));
  EXPECT_NE(Parsed(sized(kMaxExpressionBytes + 1)).find("longer than 81920 bytes"), std::string::npos);
}

TEST(TemplateExpression, ManyKeysAreNoNesting) {
  const auto value = ParseTemplateExpression("[f()" + Repeated(".a", 40000) + "]");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->keys.size(), 40000U);
}

}  // namespace
}  // namespace policy
