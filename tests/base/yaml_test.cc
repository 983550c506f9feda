#include "base/yaml.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::ParseYaml;
using base::ParseYamlDocuments;
using base::YamlMapping;
using base::YamlNode;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::size_t kManifestBytes = 1 << 20;

// What is wrong with the text, one problem a line; "" when nothing is.
std::string ProblemsOf(std::string_view text) {
  const auto node = ParseYaml(text, "f.yaml");
  return node ? "" : base::ToString(node.error());
}

std::string ManifestProblemsOf(std::string_view text) {
  const auto documents = ParseYamlDocuments(text, "m.yaml", kManifestBytes);
  return documents ? "" : base::ToString(documents.error());
}

json Json(std::string_view text) {
  const auto node = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(node) << base::ToString(node.error());
  return node ? base::ToJson(*node) : json("unreadable");
}

json Manifests(std::string_view text) {
  const auto documents = ParseYamlDocuments(text, "m.yaml", kManifestBytes);
  EXPECT_TRUE(documents) << base::ToString(documents.error());
  json all = json::array();
  if (documents) {
    for (const YamlNode& document : *documents) {
      all.push_back(base::ToJson(document));
    }
  }
  return all;
}

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST(ParseYaml, ReadsEveryKindOfNodeWithItsPlace) {
  const auto root = ParseYaml("a: x\nb:\n  - 'y'\n  - {c: d}\nempty:\nlast: ~\n", "f.yaml");
  ASSERT_TRUE(root);
  ASSERT_EQ(root->kind, YamlNode::Kind::kMapping);
  EXPECT_EQ(root->Find("a")->text, "x");
  EXPECT_FALSE(root->Find("a")->quoted);
  const YamlNode& list = *root->Find("b");
  ASSERT_EQ(list.kind, YamlNode::Kind::kSequence);
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[0].line, 3);
  EXPECT_EQ(list.items[0].column, 5);
  EXPECT_EQ(list.items[1].Find("c")->text, "d");
  EXPECT_EQ(root->Find("absent"), nullptr);
  EXPECT_EQ(root->Find("last")->kind, YamlNode::Kind::kNull);
}

TEST(ParseYaml, PlacesAValueThatWasLeftOutAtItsKey) {
  const auto root = ParseYaml("a: 1\nempty:\n\n\nb: 2\n", "f.yaml");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->Find("empty")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root->Find("empty")->line, 2);
}

TEST(ParseYaml, TakesAnEmptyFileForNull) {
  for (const std::string_view text : {"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf", "---\n...\n"}) {
    const auto root = ParseYaml(text, "f.yaml");
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(root->kind, YamlNode::Kind::kNull) << text;
  }
}

TEST(ParseYaml, SkipsAByteOrderMark) {
  EXPECT_EQ(Json("\xef\xbb\xbf"
                 "a: 1\n"),
            json::parse(R"({"a":1})"));
}

TEST(ParseYaml, ReadsCarriageReturnsBeforeLineFeeds) { EXPECT_EQ(Json("a: b\r\nc: \"d\"\r\n"), json::parse(R"({"a":"b","c":"d"})")); }

TEST(ParseYaml, RefusesADuplicateKeyAndNamesTheFirst) {
  EXPECT_EQ(ProblemsOf("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: duplicate key \"a\"; it stands in line 1 already");
  EXPECT_THAT(ProblemsOf("x: {a: 1, 'a': 2}\n"), HasSubstr("f.yaml:1:11: duplicate key \"a\""));
}

TEST(ParseYaml, RefusesAnchorsAliasesAndTags) {
  EXPECT_THAT(ProblemsOf("a: &x 1\n"), StartsWith("f.yaml:1:4: an anchor"));
  EXPECT_THAT(ProblemsOf("a: &x\nb: 1\n"), StartsWith("f.yaml:1:4: an anchor"));
  EXPECT_THAT(ProblemsOf("a: [*.azurecr.io]\n"), StartsWith("f.yaml:1:5: an alias of an anchor that does not exist; quote"));
  EXPECT_THAT(ProblemsOf("a: !!str 1\n"), StartsWith("f.yaml:1:4: a tag"));
  EXPECT_THAT(ProblemsOf("a: !local {b: c}\n"), StartsWith("f.yaml:1:4: a tag"));
  EXPECT_THAT(ProblemsOf("a: ! b\n"), StartsWith("f.yaml:1:4: a tag"));
}

TEST(ParseYaml, ReportsEveryProblemInTheFilesOrder) {
  EXPECT_EQ(ProblemsOf("a: &x 1\nb: *x\nc: !t 3\nb: 4\n"),
            "f.yaml:1:4: an anchor ('&'): write the value out where it is needed, or quote it if it is a text\n"
            "f.yaml:2:4: an alias ('*'): write the value out, or quote it if it is a text\n"
            "f.yaml:3:4: a tag ('!'): expected a plain value; quote it if it is a text\n"
            "f.yaml:4:1: duplicate key \"b\"; it stands in line 2 already");
}

TEST(ParseYaml, RefusesKeysThatAreNoText) {
  EXPECT_EQ(ProblemsOf("? [a]\n: b\n"), "f.yaml:1:3: expected a key that is a text, got a list");
  EXPECT_EQ(ProblemsOf("? {a: b}\n: c\n"), "f.yaml:1:3: expected a key that is a text, got a mapping");
  EXPECT_EQ(ProblemsOf("~: b\n"), "f.yaml:1:1: expected a key that is a text, got nothing");
  EXPECT_EQ(Json("? a\n: b\n"), json::parse(R"({"a":"b"})"));
}

TEST(ParseYaml, RefusesASecondDocument) {
  EXPECT_EQ(ProblemsOf("a: 1\n---\nb: 2\n"), "f.yaml:2:1: a second document begins here; expected one alone");
  EXPECT_EQ(ProblemsOf("a: 1\n...\nb: 2\n"), "f.yaml:3:1: a second document begins here; expected one alone");
  EXPECT_EQ(ProblemsOf("---\na: 1\n...\n"), "");
}

// yaml-cpp would begin another document, and a reader of one document would never see it.
TEST(ParseYaml, RefusesContentAfterTheRoot) {
  for (const std::string_view text : {"{a: 1} b\n", "- a\nb: c\n", "  a: 1\nb: 2\n", "[a]\n[b]\n", "{a: 1}\n# c\nb: 2\n"}) {
    EXPECT_THAT(ProblemsOf(text), HasSubstr("expected the end of the file; is this line indented less")) << text;
    EXPECT_THAT(ManifestProblemsOf(text), HasSubstr("expected the end of the file; is this line indented less")) << text;
  }
}

// yaml-cpp would take what follows, up to the end, for the text.
TEST(ParseYaml, RefusesAQuoteThatIsNotClosed) {
  for (const std::string_view text : {"a: \"x\n", "a: 'x\nb: 2\n", "a: \"x\\\"\n", "a: 'it''s\n", "é: \"x\r\n"}) {
    EXPECT_THAT(ProblemsOf(text), HasSubstr("a quoted text is not closed")) << text;
  }
  EXPECT_THAT(ManifestProblemsOf("a: &x !!str\n  \"x\n"), HasSubstr("a quoted text is not closed"));
  EXPECT_EQ(Json("a: 'it''s'\nb: \"\\\"\"\nc: ''\n"), json::parse(R"({"a":"it's","b":"\"","c":""})"));
  EXPECT_EQ(Json("é: \"ö\" # ü\nb: 'c'\n"), json::parse(R"({"é":"ö","b":"c"})"));
}

TEST(ParseYaml, SaysWhereTheSyntaxIsWrongAndWhatToDo) {
  EXPECT_THAT(ProblemsOf("a: 1\nb: c: d\n"), StartsWith("f.yaml:2:5: unexpected ':'"));
  EXPECT_THAT(ProblemsOf("a: \"x\" y\n"), StartsWith("f.yaml:1:8: expected the next key of the mapping or its end"));
  EXPECT_THAT(ProblemsOf("a: 1\n\tb: 2\n"), StartsWith("f.yaml:2:1: a tab in the indentation"));
  EXPECT_THAT(ProblemsOf("a: [1\nb: 2\n"), HasSubstr("a '[' is not closed"));
  EXPECT_THAT(ProblemsOf("a: 1\n}\n"), StartsWith("f.yaml:2:1: a ']' or '}' that nothing opened"));
  EXPECT_THAT(ProblemsOf("a: @x\n"), StartsWith("f.yaml:1:4: a value may not begin with this character"));
}

TEST(ParseYaml, RefusesBytesThatAreNoText) {
  EXPECT_EQ(ProblemsOf(std::string_view("a: 1\nb\0c: 2\n", 12)), "f.yaml:2:2: a control character");
  EXPECT_EQ(ProblemsOf("a: \xff\n"), "f.yaml:1:4: is not valid UTF-8 from here on");
  EXPECT_EQ(ProblemsOf("a: b\rc: d\n"), "f.yaml:1:5: a control character");
  EXPECT_EQ(ProblemsOf("a: \"\\0\"\n"), "f.yaml:1:4: a control character in a text");
  EXPECT_EQ(ProblemsOf(std::string_view("\xff\xfe"
                                        "a\0",
                                        4)),
            "f.yaml: is UTF-16; save it as UTF-8");
}

TEST(ParseYaml, BoundsSizeDepthNodesAndProblems) {
  EXPECT_EQ(ProblemsOf(std::string(base::kMaxYamlBytes, '#')), "");
  EXPECT_EQ(ProblemsOf(std::string(base::kMaxYamlBytes + 1, '#')), "f.yaml: is larger than 1048576 bytes");

  const int depth = static_cast<int>(base::kMaxYamlDepth);
  EXPECT_EQ(ProblemsOf(Repeat("[", depth) + Repeat("]", depth)), "");
  EXPECT_EQ(ProblemsOf(Repeat("[", depth + 1) + Repeat("]", depth + 1)), "f.yaml:1:65: nested deeper than 64 levels");
  EXPECT_THAT(ProblemsOf(Repeat("[", 500'000)), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(ProblemsOf(Repeat("- ", 500'000)), HasSubstr("nested deeper than 64 levels"));

  const int nodes = static_cast<int>(base::kMaxYamlNodes);
  EXPECT_EQ(ProblemsOf(Repeat("- a\n", nodes - 1)), "");
  EXPECT_EQ(ProblemsOf(Repeat("- a\n", nodes)), "f.yaml:100000:3: more than 100000 values in the file");

  const auto many = ParseYaml(Repeat("a: 1\n", 1000), "f.yaml");
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().size(), base::kMaxYamlProblems + 1);
  EXPECT_THAT(many.error().back().message, HasSubstr("too many problems"));
}

TEST(ParseYamlDocuments, ReadsSeveralAndLeavesEmptyOnesOut) {
  EXPECT_EQ(Manifests("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n---\n- c\n--- d\n"), json::parse(R"([{"a":1},{"b":2},["c"],"d"])"));
  EXPECT_EQ(Manifests(""), json::array());
  EXPECT_EQ(Manifests("a: 1\n...\n# c\n\nb: 2\n"), json::parse(R"([{"a":1},{"b":2}])"));
  EXPECT_EQ(Manifests(R"({"a": [1, "b"], "c": null})"), json::parse(R"([{"a":[1,"b"],"c":null}])"));
}

TEST(ParseYamlDocuments, ExpandsAliasesOfTheSameDocument) {
  EXPECT_EQ(Manifests("a: &x {b: [1, 2]}\nc: *x\nd: &y e\nf: [*y, *y]\n"),
            json::parse(R"([{"a":{"b":[1,2]},"c":{"b":[1,2]},"d":"e","f":["e","e"]}])"));
  EXPECT_THAT(ManifestProblemsOf("a: &x 1\n---\nb: *x\n"), StartsWith("m.yaml:3:4: an alias of an anchor that does not exist"));
}

TEST(ParseYamlDocuments, MergesMappings) {
  EXPECT_EQ(Manifests("base: &b {image: old, name: n}\npod:\n  <<: *b\n  image: new\n"),
            json::parse(R"([{"base":{"image":"old","name":"n"},"pod":{"image":"new","name":"n"}}])"));
  EXPECT_EQ(Manifests("x: &x {k: 1}\ny: &y {k: 2, l: 3}\nz: {<<: [*x, *y]}\n")[0]["z"], json::parse(R"({"k":1,"l":3})"));
  EXPECT_EQ(Manifests("'<<': {a: 1}\n"), json::parse(R"([{"<<":{"a":1}}])"));
  EXPECT_EQ(ManifestProblemsOf("a: {<<: text}\n"), "m.yaml:1:9: expected a mapping to merge by '<<', got \"text\"");
}

TEST(ParseYamlDocuments, RefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + Repeat("*a" + std::to_string(i - 1) + ", ", 10) + "]\n";
  }
  EXPECT_THAT(ManifestProblemsOf(bomb), HasSubstr("more than 1000000 values in the file"));

  const std::string long_text = "a: &a " + std::string(100'000, 'x') + "\nb: [" + Repeat("*a, ", 50) + "]\n";
  EXPECT_THAT(ManifestProblemsOf(long_text), HasSubstr("anchors and aliases that stand for more than 1048576 bytes"));

  std::string tower = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i) {
    tower += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(ManifestProblemsOf(tower), HasSubstr("nested deeper than 64 levels by aliases"));

  EXPECT_THAT(ManifestProblemsOf("a: &x [*x]\n"), StartsWith("m.yaml:1:8: an alias within its own anchor"));
}

TEST(ParseYamlDocuments, StaysStrictWhereKubernetesIs) {
  EXPECT_THAT(ManifestProblemsOf("a: 1\na: 2\n"), HasSubstr("duplicate key"));
  EXPECT_THAT(ManifestProblemsOf("a: !!binary aGk=\n"), HasSubstr("a tag"));
  EXPECT_EQ(Manifests("a: !!str 1\n"), json::parse(R"([{"a":"1"}])"));
  const auto large = ParseYamlDocuments("a: 1\n", "m.yaml", 4);
  ASSERT_FALSE(large);
  EXPECT_EQ(base::ToString(large.error()), "m.yaml: is larger than 4 bytes");
}

TEST(ToJson, FollowsTheCoreSchema) {
  EXPECT_EQ(Json("[~, null, Null, NULL]"), json::parse("[null,null,null,null]"));
  EXPECT_EQ(Json("[true, True, FALSE, yes, on, n]"), json::parse(R"([true,true,false,"yes","on","n"])"));
  EXPECT_EQ(Json("[1, -2, +3, 010, 0x1F, 0o17, 18446744073709551615]"), json::parse("[1,-2,3,10,31,15,18446744073709551615]"));
  EXPECT_EQ(Json("[1.5, -.5, 1., 1e3, 0x, 0o9, 1e, ., 1_000]"), json::parse(R"([1.5,-0.5,1.0,1000.0,"0x","0o9","1e",".","1_000"])"));
  EXPECT_EQ(Json("[.inf, -.inf, .nan, 1e999]"), json::parse(R"([".inf","-.inf",".nan","1e999"])"));
  EXPECT_EQ(Json("['1', \"true\", 'null', '']"), json::parse(R"(["1","true","null",""])"));
  EXPECT_EQ(Json("2027-03-31"), json("2027-03-31"));
  EXPECT_EQ(Json("a: |\n  x\n  y\nb: {}\nc: []\n"), json::parse(R"({"a":"x\ny\n","b":{},"c":[]})"));
}

// One mapping read by `read`; the problems it caused.
template <class Read>
std::string Reading(std::string_view text, std::string path, Read read) {
  const auto node = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(node) << base::ToString(node.error());
  base::Problems problems;
  YamlMapping mapping(*node, "f.yaml", std::move(path), problems);
  read(mapping);
  return base::ToString(problems);
}

TEST(YamlMapping, ReadsEveryTypeOfValue) {
  std::string name;
  bool flag = false;
  std::int64_t number = 0;
  std::chrono::microseconds age{0};
  std::size_t choice = 9;
  std::vector<std::string> texts;
  EXPECT_EQ(Reading("name: 12\nflag: true\nnumber: -3\nage: 1h30m\nchoice: b\nlist: [x, 'y']\n", "",
                    [&](YamlMapping& m) {
                      EXPECT_TRUE(m.Required("name", &name));
                      EXPECT_TRUE(m.Optional("flag", &flag));
                      EXPECT_TRUE(m.Optional("number", &number, -3, 3));
                      EXPECT_TRUE(m.Optional("age", &age, std::chrono::minutes(90), std::chrono::hours(2)));
                      EXPECT_TRUE(m.RequiredChoice("choice", {"a", "b"}, &choice));
                      for (const YamlMapping::Text& text : m.RequiredTexts("list")) {
                        texts.push_back(text.path + "=" + text.node->text);
                      }
                      m.Finish();
                    }),
            "");
  EXPECT_EQ(name, "12");
  EXPECT_TRUE(flag);
  EXPECT_EQ(number, -3);
  EXPECT_EQ(age, std::chrono::minutes(90));
  EXPECT_EQ(choice, 1u);
  EXPECT_THAT(texts, ElementsAre("list[0]=x", "list[1]=y"));
}

TEST(YamlMapping, LeavesOutputsAloneWhenAKeyIsAbsent) {
  std::string name = "before";
  EXPECT_EQ(Reading("{}\n", "",
                    [&](YamlMapping& m) {
                      EXPECT_FALSE(m.Optional("a", &name));
                      EXPECT_FALSE(m.Optional("b", &name));
                      EXPECT_THAT(m.OptionalTexts("c"), IsEmpty());
                      m.Finish();
                    }),
            "");
  EXPECT_EQ(name, "before");
}

TEST(YamlMapping, AKeyWithNothingAfterItIsReportedOnce) {
  for (const std::string value : {"", " ~", " null"}) {
    EXPECT_THAT(Reading("a:" + value + "\n", "",
                        [&](YamlMapping& m) {
                          EXPECT_EQ(m.RequiredMember("a"), nullptr);
                          EXPECT_THAT(m.OptionalTexts("a"), IsEmpty());
                          m.Finish();
                        }),
                testing::EndsWith("a: expected a value, got nothing; leave the key out to have its default"));
  }
}

TEST(YamlMapping, NamesTheKeyThatWasMeant) {
  const auto read = [](YamlMapping& m) {
    m.Member("requirements");
    m.Member("sources");
    m.Finish();
  };
  EXPECT_EQ(Reading("a: 1\nrequirments: 2\n", "", [&](YamlMapping& m) { m.Member("a"), read(m); }),
            "f.yaml:2:1: unknown key \"requirments\"; did you mean \"requirements\"?");
  EXPECT_EQ(Reading("something: 1\n", "here", read), "f.yaml:1:1: here: unknown key \"something\"; expected requirements or sources");
}

TEST(YamlMapping, SaysWhatIsMissing) {
  std::string text;
  EXPECT_EQ(Reading("a: ~\n", "list[2]",
                    [&](YamlMapping& m) {
                      EXPECT_FALSE(m.Required("a", &text));
                      EXPECT_FALSE(m.Required("b", &text));
                      EXPECT_THAT(m.RequiredTexts("c"), IsEmpty());
                    }),
            "f.yaml:1:4: list[2].a: expected a value, got nothing; leave the key out to have its default\n"
            "f.yaml:1:1: list[2]: the key \"b\" is missing\n"
            "f.yaml:1:1: list[2]: the key \"c\" is missing");
}

TEST(YamlMapping, SaysWhatWasExpectedAndWhatIsThere) {
  std::string text;
  bool flag = false;
  std::int64_t number = 7;
  std::chrono::microseconds age{0};
  std::size_t choice = 9;
  const auto read = [&](YamlMapping& m) {
    EXPECT_FALSE(m.Optional("text", &text));
    EXPECT_FALSE(m.Optional("flag", &flag));
    EXPECT_FALSE(m.Optional("number", &number, 1, 8));
    EXPECT_FALSE(m.Optional("age", &age, std::chrono::minutes(1), std::chrono::days(10)));
    EXPECT_FALSE(m.OptionalChoice("choice", {"Deny", "Warn", "Audit"}, &choice));
    EXPECT_THAT(m.OptionalTexts("texts"), IsEmpty());
    EXPECT_THAT(m.OptionalList("list"), IsEmpty());
  };
  EXPECT_EQ(Reading("text: ''\nflag: yes\nnumber: 9\nage: 30s\nchoice: deny\ntexts: [~, [a]]\nlist: {}\n", "p", read),
            "f.yaml:1:7: p.text: expected a text that is not empty, got \"\"\n"
            "f.yaml:2:7: p.flag: expected true or false, got \"yes\"\n"
            "f.yaml:3:9: p.number: expected a whole number from 1 to 8, got \"9\"\n"
            "f.yaml:4:6: p.age: expected a duration from 1m to 10d such as 90s, 1h30m or 30d, got \"30s\"\n"
            "f.yaml:5:9: p.choice: expected Deny, Warn or Audit, got \"deny\"\n"
            "f.yaml:6:9: p.texts[0]: expected a text that is not empty, got nothing\n"
            "f.yaml:6:12: p.texts[1]: expected a text that is not empty, got a list\n"
            "f.yaml:7:7: p.list: expected a list, got a mapping");
  EXPECT_THAT(Reading("text: [a]\nflag: 'true'\nnumber: 1.5\nage: soon\nchoice: {}\ntexts: a\nlist: b\n", "", read),
              HasSubstr("f.yaml:2:7: flag: expected true or false, got \"true\""));
  EXPECT_EQ(number, 7);
  EXPECT_EQ(choice, 9u);
}

TEST(YamlMapping, RefusesARequiredListThatIsEmpty) {
  EXPECT_EQ(Reading("a: []\n", "", [](YamlMapping& m) { EXPECT_THAT(m.RequiredList("a"), IsEmpty()); }),
            "f.yaml:1:4: a: expected a list of at least one item, got an empty one");
}

TEST(YamlMapping, FindsNothingInWhatIsNoMapping) {
  std::string text;
  EXPECT_EQ(Reading("[a, b]\n", "x",
                    [&](YamlMapping& m) {
                      EXPECT_FALSE(m.Required("a", &text));
                      m.Finish();
                    }),
            "f.yaml:1:1: x: expected a mapping, got a list");
}

TEST(Describe, ShowsTextFromOutsidePrintableAndCut) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = "a\nb\xe2\x80\xae" + std::string(1000, 'c');
  EXPECT_THAT(base::Describe(node), StartsWith("\"a?b?ccc"));
  EXPECT_LT(base::Describe(node).size(), 100u);
}

}  // namespace
