// What every template function gives. Where Azure's reference shows an example it is here.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
#include "policy/template_functions.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace policy {
namespace {

using nlohmann::json;

constexpr const char* kFails = "FAILS";
constexpr const char* kCannotTell = "CANNOT TELL";

// The result as JSON, or which kind of failure it is.
std::string Result(std::string_view name, const json& arguments) {
  const TemplateFunction* function = FindTemplateFunction(name);
  if (function == nullptr || arguments.size() < function->min_arguments || arguments.size() > function->max_arguments) {
    return "no such call";
  }
  std::size_t bytes = 0;
  const TemplateResult result = HoldToLimits(function->apply(arguments.get_ref<const json::array_t&>()), name, bytes);
  if (result) {
    return result->dump();
  }
  EXPECT_TRUE(result.error().message.starts_with(name)) << result.error().message;
  return result.error().kind == TemplateFailure::Kind::kFails ? kFails : kCannotTell;
}

struct Case {
  const char* function;
  const char* arguments;
  const char* result;
};

constexpr Case kCases[] = {
    // strings
    {"concat", R"(["prefix", "-", "x"])", R"("prefix-x")"},
    {"concat", R"(["copy-", 3])", R"("copy-3")"},
    {"concat", R"([""])", R"("")"},
    {"concat", R"([["1-1", "1-2"], ["2-1"], []])", R"(["1-1","1-2","2-1"])"},
    {"concat", R"([["a"], "b"])", kFails},
    {"concat", R"(["a", ["b"]])", kFails},
    {"concat", R"(["a", {}])", kFails},
    {"concat", R"(["a", true])", kCannotTell},
    {"concat", R"(["a", null])", kCannotTell},
    {"join", R"([["a", "b", 3], ", "])", R"("a, b, 3")"},
    {"join", R"([[], ","])", R"("")"},
    {"join", R"(["a", ","])", kFails},
    {"join", R"([["a", true], ","])", kCannotTell},
    {"split", R"(["one,two,three", ","])", R"(["one","two","three"])"},
    {"split", R"(["one;two,three", [",", ";"]])", R"(["one","two","three"])"},
    {"split", R"(["", ","])", R"([""])"},
    {"split", R"(["//", "/"])", R"(["","",""])"},
    {"split", R"(["a", "A"])", R"(["a"])"},
    {"split", R"(["a--b", "--"])", R"(["a","b"])"},
    {"split", R"(["a", ""])", kCannotTell},
    {"split", R"(["a", []])", kCannotTell},
    {"split", R"(["a--b", ["-", "--"]])", kCannotTell},
    {"split", R"([["a"], ","])", kFails},
    {"split", R"(["a", 1])", kFails},
    {"split", R"([null, ","])", kFails},
    {"replace", R"(["123-123-1234", "-", ""])", R"("1231231234")"},
    {"replace", R"(["123-123-1234", "1234", "xxxx"])", R"("123-123-xxxx")"},
    {"replace", R"(["aAa", "a", "aa"])", R"("aaAaa")"},
    {"replace", R"(["a", "", "b"])", kCannotTell},
    {"replace", R"([1, "a", "b"])", kFails},
    {"toLower", R"(["One Two Three"])", R"("one two three")"},
    {"toUpper", R"(["One Two Three"])", R"("ONE TWO THREE")"},
    {"toLower", R"([""])", R"("")"},
    {"toLower", R"(["É"])", kCannotTell},
    {"toLower", R"([null])", kFails},
    {"toUpper", R"([5])", kFails},
    {"substring", R"(["one two three", 4, 3])", R"("two")"},
    {"substring", R"(["one two three", 4])", R"("two three")"},
    {"substring", R"(["abc", 3])", R"("")"},
    {"substring", R"(["é1", 1, 1])", R"("1")"},
    {"substring", R"(["ab", 0, 3])", kFails},
    {"substring", R"(["ab", 3])", kFails},
    {"substring", R"(["ab", -1, 1])", kFails},
    {"substring", R"(["ab", "0", 1])", kFails},
    {"substring", R"(["😀", 0, 1])", kCannotTell},
    {"startsWith", R"(["abcdef", "ab"])", "true"},
    {"startsWith", R"(["abcdef", "A"])", "true"},
    {"startsWith", R"(["abcdef", "e"])", "false"},
    {"startsWith", R"(["é", "É"])", kCannotTell},
    {"startsWith", R"([["a"], "a"])", kFails},
    {"endsWith", R"(["abcdef", "ef"])", "true"},
    {"endsWith", R"(["abcdef", "F"])", "true"},
    {"endsWith", R"(["abcdef", "e"])", "false"},
    {"endsWith", R"([null, "e"])", kFails},
    {"indexOf", R"(["test", "t"])", "0"},
    {"indexOf", R"(["abcdef", "CD"])", "2"},
    {"indexOf", R"(["abcdef", "z"])", "-1"},
    {"indexOf", R"(["", "z"])", "-1"},
    {"indexOf", R"([["one", "two", "one"], "one"])", "0"},
    {"indexOf", R"([["one"], "ONE"])", kCannotTell},
    {"indexOf", R"(["a", ""])", kCannotTell},
    {"indexOf", R"([1, "a"])", kFails},
    {"lastIndexOf", R"(["test", "t"])", "3"},
    {"lastIndexOf", R"(["abcdef", "AB"])", "0"},
    {"lastIndexOf", R"(["abcdef", "z"])", "-1"},
    {"lastIndexOf", R"([["one", "two", "one"], "one"])", "2"},
    {"trim", R"(["    one two three   "])", R"("one two three")"},
    {"trim", R"(["\u00a0\tx\n"])", R"("x")"},
    {"trim", R"(["  "])", R"("")"},
    {"trim", R"([1])", kFails},
    {"padLeft", R"(["123", 10, "0"])", R"("0000000123")"},
    {"padLeft", R"([123, 5])", R"("  123")"},
    {"padLeft", R"(["1234", 3, "0"])", R"("1234")"},
    {"padLeft", R"(["1", 3, "ab"])", kFails},
    {"padLeft", R"(["1", "3"])", kFails},
    {"padLeft", R"(["1", 200000])", kFails},
    {"padLeft", R"(["1", -1])", kCannotTell},
    {"format", R"(["{0}, {1}. Formatted number: {2:N0}", "Hello", "User", 8175133])", R"("Hello, User. Formatted number: 8,175,133")"},
    {"format", R"(["{0:N0} {0:N0}", -123456])", R"("-123,456 -123,456")"},
    {"format", R"(["{0:N0}", 123])", R"("123")"},
    {"format", R"(["{{{0}}}", "a"])", R"("{a}")"},
    {"format", R"(["none"])", R"("none")"},
    {"format", R"(["{1}", "a"])", kFails},
    {"format", R"(["{x}", "a"])", kFails},
    {"format", R"(["{0", "a"])", kFails},
    {"format", R"(["}", "a"])", kFails},
    {"format", R"(["{0,5}", "a"])", kCannotTell},
    {"format", R"(["{0} {1}", true, false])", R"("True False")"},
    {"format", R"(["{0:N0}", true])", kCannotTell},
    {"format", R"(["{0}", []])", kFails},
    // arrays and objects
    {"array", R"([1])", "[1]"},
    {"array", R"(["efgh"])", R"(["efgh"])"},
    {"array", R"([{"a": "b"}])", R"([{"a":"b"}])"},
    {"array", R"([["a"]])", R"(["a"])"},
    {"createArray", R"(["a", "b", "c"])", R"(["a","b","c"])"},
    {"createArray", R"([["one"]])", R"([["one"]])"},
    {"createArray", R"([])", "[]"},
    {"createObject", R"(["intProp", 1, "stringProp", "abc", "boolProp", true])", R"({"boolProp":true,"intProp":1,"stringProp":"abc"})"},
    {"createObject", R"([])", "{}"},
    {"createObject", R"(["a"])", kFails},
    {"createObject", R"([1, 2])", kFails},
    {"createObject", R"(["a", 1, "A", 2])", kCannotTell},
    {"contains", R"(["OneTwoThree", "e"])", "true"},
    {"contains", R"(["OneTwoThree", "z"])", "false"},
    {"contains", R"(["OneTwoThree", "one"])", "false"},
    {"contains", R"([{"one": "a"}, "one"])", "true"},
    {"contains", R"([{"one": "a"}, "ONE"])", "true"},
    {"contains", R"([{"one": "a"}, "a"])", "false"},
    {"contains", R"([["one", "two"], "two"])", "true"},
    {"contains", R"([["one", "two"], "TWO"])", "false"},
    {"contains", R"([[1, 2], 2])", "true"},
    {"contains", R"([["1"], 1])", kCannotTell},
    {"contains", R"([[], "a"])", "false"},
    {"contains", R"(["a1", 1])", kCannotTell},
    {"contains", R"([null, "a"])", kFails},
    {"contains", R"([5, "a"])", kFails},
    {"empty", R"([[]])", "true"},
    {"empty", R"([{}])", "true"},
    {"empty", R"([""])", "true"},
    {"empty", R"([null])", "true"},
    {"empty", R"(["a"])", "false"},
    {"empty", R"([[null]])", "false"},
    {"empty", R"([0])", kFails},
    {"first", R"([["one", "two", "three"]])", R"("one")"},
    {"first", R"(["One Two Three"])", R"("O")"},
    {"first", R"([[]])", "null"},
    {"first", R"([""])", kCannotTell},
    {"first", R"([null])", kFails},
    {"last", R"([["one", "two", "three"]])", R"("three")"},
    {"last", R"(["One Two Three"])", R"("e")"},
    {"last", R"([[]])", "null"},
    {"last", R"([5])", kFails},
    {"length", R"([["one", "two", "three"]])", "3"},
    {"length", R"(["One Two Three"])", "13"},
    {"length", R"([{"a": {"b": 1, "c": 2}, "d": 1}])", "2"},
    {"length", R"([""])", "0"},
    {"length", R"(["é"])", "1"},
    {"length", R"(["😀"])", kCannotTell},
    {"length", R"([null])", kFails},
    {"length", R"([5])", kFails},
    {"skip", R"([["one", "two", "three"], 2])", R"(["three"])"},
    {"skip", R"(["one two three", 4])", R"("two three")"},
    {"skip", R"([["one"], 5])", "[]"},
    {"skip", R"(["one", 5])", R"("")"},
    {"skip", R"(["one", -5])", R"("one")"},
    {"skip", R"(["one", "1"])", kFails},
    {"take", R"([["one", "two", "three"], 2])", R"(["one","two"])"},
    {"take", R"(["one two three", 2])", R"("on")"},
    {"take", R"([["one"], 5])", R"(["one"])"},
    {"take", R"(["one", 0])", R"("")"},
    {"take", R"([["one"], -1])", "[]"},
    {"take", R"([null, 1])", kFails},
    {"intersection", R"([{"one": "a", "two": "b", "three": "c"}, {"one": "a", "two": "z", "three": "c"}])", R"({"one":"a","three":"c"})"},
    {"intersection", R"([["one", "two", "three"], ["two", "three"]])", R"(["two","three"])"},
    {"intersection", R"([["a", "b"], ["b"], []])", "[]"},
    {"intersection", R"([["a"], ["A"]])", kCannotTell},
    {"intersection", R"([["a", "a"], ["a"]])", kCannotTell},
    {"intersection", R"([{"a": "x"}, {"a": "X"}])", kCannotTell},
    {"intersection", R"([{"a": "x"}, {"A": "x"}])", kCannotTell},
    {"intersection", R"([{"a": "x"}, {"A": "y"}])", "{}"},
    {"intersection", R"([["a"], {}])", kFails},
    {"intersection", R"(["a", ""])", kFails},
    {"union", R"([{"one": "a", "two": "b", "three": "c1"}, {"three": "c2", "four": "d", "five": "e"}])",
     R"({"five":"e","four":"d","one":"a","three":"c2","two":"b"})"},
    {"union", R"([["one", "two", "three"], ["three", "four"]])", R"(["one","two","three","four"])"},
    {"union", R"([{"p": {"one": "a", "three": "c1"}, "n": [1, 2]}, {"p": {"three": "c2", "four": "d"}, "n": [3, 4]}])",
     R"({"n":[3,4],"p":{"four":"d","one":"a","three":"c2"}})"},
    {"union", R"([[["one", "two"], ["three"]], [["three"], ["four", "two"]]])", R"([["one","two"],["three"],["four","two"]])"},
    {"union", R"([["a"], ["A"]])", kCannotTell},
    {"union", R"([{"a": 1}, {"A": 1}])", kCannotTell},
    {"union", R"([["a"], "b"])", kFails},
    {"items", R"([{"item002": 2, "item001": {"x": 1}}])", R"([{"key":"item001","value":{"x":1}},{"key":"item002","value":2}])"},
    {"items", R"([{}])", "[]"},
    {"items", R"([{"a": 1, "B": 1}])", kCannotTell},
    {"items", R"([[]])", kFails},
    {"flatten", R"([[["one", "two"], ["three"], ["four", "five"]]])", R"(["one","two","three","four","five"])"},
    {"flatten", R"([["one"]])", kFails},
    {"indexFromEnd", R"([["a", "b", "c", "d"], 2])", R"("c")"},
    {"indexFromEnd", R"([["a"], 2])", kFails},
    {"indexFromEnd", R"([["a"], 0])", kFails},
    {"tryIndexFromEnd", R"([["a", "b", "c", "d"], 2])", R"("c")"},
    {"tryIndexFromEnd", R"([["a"], 2])", "null"},
    {"tryIndexFromEnd", R"(["a", 2])", kFails},
    {"tryGet", R"([{"a": 1}, "a"])", "1"},
    {"tryGet", R"([{"a": 1}, "b"])", "null"},
    {"tryGet", R"([{"a": {"b": [5]}}, "a", "b", 0])", "5"},
    {"tryGet", R"([["x"], 0])", R"("x")"},
    {"tryGet", R"([["x"], 1])", "null"},
    {"tryGet", R"([["x"], "a"])", kCannotTell},
    {"tryGet", R"(["x", "a"])", kFails},
    // numbers
    {"add", "[5, 3]", "8"},
    {"sub", "[7, 3]", "4"},
    {"mul", "[5, 3]", "15"},
    {"div", "[8, 3]", "2"},
    {"div", "[-8, 3]", "-2"},
    {"mod", "[7, 3]", "1"},
    {"mod", "[-7, 3]", "-1"},
    {"div", "[1, 0]", kFails},
    {"mod", "[1, 0]", kFails},
    {"add", R"(["5", 3])", kFails},
    {"add", "[5, 1.5]", kFails},
    {"add", "[9223372036854775807, 1]", kCannotTell},
    {"sub", "[-9223372036854775808, 1]", kCannotTell},
    {"mul", "[9223372036854775807, 2]", kCannotTell},
    {"div", "[-9223372036854775808, -1]", kCannotTell},
    {"max", "[[0, 3, 2, 5, 4]]", "5"},
    {"max", "[0, 3, 2, 5, 4]", "5"},
    {"min", "[[0, 3, 2, 5, 4]]", "0"},
    {"min", "[7]", "7"},
    {"min", R"(["a"])", kFails},
    {"max", "[[]]", kCannotTell},
    {"range", "[5, 3]", "[5,6,7]"},
    {"range", "[5, 0]", "[]"},
    {"range", "[5, -1]", kFails},
    {"range", "[0, 10001]", kFails},
    {"range", "[2147483647, 1]", kFails},
    // logic and comparison
    {"true", "[]", "true"},
    {"false", "[]", "false"},
    {"null", "[]", "null"},
    {"not", "[true]", "false"},
    {"not", "[false]", "true"},
    {"not", R"(["true"])", kFails},
    {"equals", "[1, 1]", "true"},
    {"equals", "[1, 2]", "false"},
    {"equals", R"(["a", "a"])", "true"},
    {"equals", R"(["a", "b"])", "false"},
    {"equals", R"(["a", "A"])", kCannotTell},
    {"equals", R"([["a", "b"], ["a", "b"]])", "true"},
    {"equals", R"([["a", "b"], ["b", "a"]])", "false"},
    {"equals", R"([{"a": "b"}, {"a": "b"}])", "true"},
    {"equals", R"([{"a": "b"}, {"a": "c"}])", "false"},
    {"equals", R"([{"a": 1, "b": 1}, {"A": 1, "b": 1}])", kCannotTell},
    {"equals", "[true, true]", "true"},
    {"equals", R"([400, ""])", "false"},
    {"equals", R"([1, "1"])", kCannotTell},
    {"equals", "[1, 1.0]", kCannotTell},
    {"equals", R"([null, ""])", "false"},
    {"equals", "[null, null]", "true"},
    {"less", "[1, 2]", "true"},
    {"less", R"(["A", "a"])", "false"},
    {"less", R"(["abc", "abd"])", "true"},
    {"less", R"(["2024-01-31", "2024-02-01"])", "true"},
    {"lessOrEquals", "[1, 2]", "true"},
    {"lessOrEquals", R"(["A", "a"])", "false"},
    {"greater", "[1, 2]", "false"},
    {"greater", R"(["A", "a"])", "true"},
    {"greater", R"(["ab", "a"])", "true"},
    {"greaterOrEquals", "[1, 2]", "false"},
    {"greaterOrEquals", R"(["A", "a"])", "true"},
    {"greaterOrEquals", R"(["a", "a"])", "true"},
    {"less", R"(["a-", "a_"])", kCannotTell},
    {"less", R"([1, "2"])", kFails},
    {"less", R"(["1", 2])", kFails},
    {"less", "[null, 2]", kFails},
    {"greater", "[true, false]", kFails},
    // conversions
    {"int", R"(["4"])", "4"},
    {"int", "[4]", "4"},
    {"int", R"(["-4"])", "-4"},
    {"int", R"(["four"])", kFails},
    {"int", R"([""])", kFails},
    {"int", R"([" 4"])", kCannotTell},
    {"int", R"(["4.5"])", kCannotTell},
    {"int", "[4.5]", kCannotTell},
    {"int", "[null]", kFails},
    {"float", R"(["3.0"])", "3.0"},
    {"float", "[3]", "3.0"},
    {"float", R"(["x"])", kCannotTell},
    {"float", "[[]]", kFails},
    {"bool", R"(["true"])", "true"},
    {"bool", "[1]", "true"},
    {"bool", R"(["false"])", "false"},
    {"bool", "[0]", "false"},
    {"bool", "[true]", "true"},
    {"bool", R"(["yes"])", kCannotTell},
    {"bool", "[[]]", kFails},
    {"string", "[5]", R"("5")"},
    {"string", R"(["a"])", R"("a")"},
    {"string", R"([["a", "b"]])", R"("[\"a\",\"b\"]")"},
    {"string", R"([{"a": 10}])", R"("{\"a\":10}")"},
    {"string", R"([{"b": 1, "a": 1}])", kCannotTell},
    {"string", "[true]", kCannotTell},
    {"string", "[null]", kCannotTell},
    {"json", R"(["{\"a\": \"b\"}"])", R"({"a":"b"})"},
    {"json", R"(["null"])", "null"},
    {"json", R"(["[1,2,3]"])", "[1,2,3]"},
    {"json", R"(["true"])", "true"},
    {"json", R"(["{"])", kFails},
    {"json", R"(["{\"a\":1,\"a\":2}"])", kCannotTell},
    {"json", "[1]", kFails},
    // encodings
    {"base64", R"(["one, two, three"])", R"("b25lLCB0d28sIHRocmVl")"},
    {"base64", "[1]", kFails},
    {"base64ToString", R"(["b25lLCB0d28sIHRocmVl"])", R"("one, two, three")"},
    {"base64ToString", R"(["?"])", kFails},
    {"base64ToString", R"(["/w=="])", kCannotTell},
    {"base64ToJson", R"(["eyJvbmUiOiAiYSIsICJ0d28iOiAiYiJ9"])", R"({"one":"a","two":"b"})"},
    {"base64ToJson", R"(["b25l"])", kFails},
    {"dataUri", R"(["Hello"])", R"("data:text/plain;charset=utf8;base64,SGVsbG8=")"},
    {"dataUri", "[null]", kFails},
    {"dataUriToString", R"(["data:;base64,SGVsbG8sIFdvcmxkIQ=="])", R"("Hello, World!")"},
    {"dataUriToString", R"(["data:,Hello"])", kCannotTell},
    {"uriComponent", R"(["http://contoso.com/resources/nested/azuredeploy.json"])",
     R"("http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json")"},
    {"uriComponent", "[1]", kFails},
    {"uriComponentToString", R"(["http%3A%2F%2Fcontoso.com%2Fresources%2fnested%2Fazuredeploy.json"])",
     R"("http://contoso.com/resources/nested/azuredeploy.json")"},
    {"uriComponentToString", R"(["100%"])", kCannotTell},
    {"uriComponentToString", R"(["%C3%A9"])", R"("é")"},
    // Azure Policy's own
    {"addDays", R"(["2024-04-12T08:09:30.4886362Z", 20])", R"("2024-05-02T08:09:30.4886362Z")"},
    {"addDays", R"(["2024-04-12T08:09:30.488636Z", 20])", R"("2024-05-02T08:09:30.4886360Z")"},
    {"addDays", R"(["2024-03-01T00:00:00Z", -1])", R"("2024-02-29T00:00:00.0000000Z")"},
    {"addDays", R"(["2024-03-01T00:00:00+02:00", 1])", kCannotTell},
    {"addDays", R"(["2024-03-01T00:00:00Z", 9999999])", kFails},
    {"addDays", R"(["9999-12-31T00:00:00Z", 1])", kFails},
    {"addDays", R"(["soon", 1])", kFails},
    {"addDays", R"(["", 1])", kFails},
    {"addDays", R"(["2024-03-01T00:00:00Z", "1"])", kFails},
    {"ipRangeContains", R"(["10.0.0.0/24", "10.0.0.7"])", "true"},
    {"ipRangeContains", R"(["10.0.0.0/24", "10.0.1.0"])", "false"},
    {"ipRangeContains", R"(["10.0.0.0/8", "10.1.0.0/16"])", "true"},
    {"ipRangeContains", R"(["10.1.0.0/16", "10.0.0.0/8"])", "false"},
    {"ipRangeContains", R"(["0.0.0.0/0", "255.255.255.255"])", "true"},
    {"ipRangeContains", R"(["192.168.0.1-192.168.0.9", "192.168.0.5-192.168.0.9"])", "true"},
    {"ipRangeContains", R"(["192.168.0.1-192.168.0.9", "192.168.0.8/31"])", "true"},
    {"ipRangeContains", R"(["192.168.0.1-192.168.0.9", "192.168.0.0"])", "false"},
    {"ipRangeContains", R"(["2001:0DB8::/110", "2001:0DB8::3:FFFE"])", "true"},
    {"ipRangeContains", R"(["2001:0DB8::-2001:0DB8::3:FFFF", "2001:0DB8::4:0"])", "false"},
    {"ipRangeContains", R"(["10.0.0.7", "10.0.0.7"])", "true"},
    {"ipRangeContains", R"(["10.0.0.0/24", "2001:db8::1"])", kFails},
    {"ipRangeContains", R"(["192.168.0.9-192.168.0.1", "192.168.0.5"])", kFails},
    {"ipRangeContains", R"(["10.0.0.0/33", "10.0.0.0"])", kFails},
    {"ipRangeContains", R"(["Internet", "10.0.0.0"])", kFails},
    {"ipRangeContains", R"(["", "10.0.0.0"])", kFails},
    {"ipRangeContains", R"([null, "10.0.0.0"])", kFails},
    {"ipRangeContains", R"(["10.0.0.1/24", "10.0.0.0"])", kCannotTell},
};

TEST(TemplateFunctions, GiveWhatAzureDocuments) {
  for (const Case& c : kCases) {
    EXPECT_EQ(Result(c.function, json::parse(c.arguments)), c.result) << c.function << c.arguments;
  }
}

TEST(TemplateFunctions, EachIsInTheTableAbove) {
  std::set<std::string_view> tried;
  for (const Case& c : kCases) {
    tried.insert(FindTemplateFunction(c.function)->name);
  }
  for (const std::string_view name : TemplateFunctionNames()) {
    EXPECT_TRUE(tried.contains(name)) << name;
    EXPECT_EQ(WhyTemplateFunctionIsRefused(name), "") << name;
  }
}

TEST(TemplateFunctions, AreFoundInAnyCase) {
  EXPECT_EQ(FindTemplateFunction("TOLOWER"), FindTemplateFunction("toLower"));
  EXPECT_EQ(FindTemplateFunction("resourceId"), nullptr);
  EXPECT_EQ(FindTemplateFunction(""), nullptr);
  EXPECT_NE(WhyTemplateFunctionIsRefused("RESOURCEID"), "");
  EXPECT_NE(WhyTemplateFunctionIsRefused("guid"), "");
  EXPECT_EQ(WhyTemplateFunctionIsRefused("frobnicate"), "");
}

TEST(TemplateFunctions, ResultsBeyondAzuresLimitsFail) {
  const std::string half(kMaxFunctionText / 2, 'a');
  EXPECT_EQ(Result("concat", {half, half}).size(), kMaxFunctionText + 2);
  EXPECT_EQ(Result("concat", {half, half, "b"}), kFails);

  const json many(json::array_t(kMaxFunctionNodes - 1, json(1)));  // and the array itself
  EXPECT_NE(Result("array", json::array({many})), kFails);
  EXPECT_EQ(Result("createArray", json::array({many})), kFails);

  json deep = json::array();
  for (std::size_t i = 2; i < kMaxFunctionDepth; ++i) {
    deep = json::array({deep});
  }
  EXPECT_NE(Result("createArray", json::array({deep})), kFails);
  EXPECT_EQ(Result("createArray", json::array({json::array({deep})})), kFails);
}

}  // namespace
}  // namespace policy
