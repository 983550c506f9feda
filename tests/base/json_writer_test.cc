#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace base {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter(out)
      .BeginObject()
      .Key("a")
      .BeginArray()
      .Int(-1)
      .Bool(true)
      .Null()
      .BeginObject()
      .EndObject()
      .EndArray()
      .Key("b")
      .StringOrNull("")
      .Key("c")
      .Raw("[1]")
      .EndObject();
  EXPECT_EQ(out, R"({"a":[-1,true,null,{}],"b":null,"c":[1]})");
}

TEST(JsonWriter, WritesEveryByteAsValidJson) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("x") + static_cast<char>(byte) + "y";
    std::string out;
    JsonWriter(out).String(text);
    const auto parsed = nlohmann::json::parse(out, nullptr, /*allow_exceptions=*/false);
    ASSERT_FALSE(parsed.is_discarded()) << byte;
    EXPECT_EQ(parsed.get<std::string>(), byte < 0x80 ? text : "x\xef\xbf\xbdy") << byte;
  }
}

TEST(JsonWriter, WritesEveryByteWhereverItStands) {
  for (std::size_t size = 1; size <= 24; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 128; ++byte) {
        std::string text(size, '!');  // what follows a space and stands before a quote: one more or less would matter
        text[at] = static_cast<char>(byte);
        std::string out;
        JsonWriter(out).String(text);
        ASSERT_EQ(nlohmann::json::parse(out), text) << at << " " << byte;
        const bool is_plain = byte >= 0x20 && byte != '"' && byte != '\\';
        ASSERT_EQ(out.size() == text.size() + 2, is_plain) << out;
      }
    }
  }
}

TEST(JsonWriter, KeepsTextOfEveryPlaneAndRefusesForgedEncodings) {
  std::string out;
  JsonWriter(out)
      .BeginArray()
      .String("é€😀\"\\\n")
      .String("\xc0\xaf")
      .String("\xed\xa0\x80")
      .String("\xf5\x80\x80\x80")
      .String("\xe2\x82")
      .EndArray();
  const auto parsed = nlohmann::json::parse(out, nullptr, /*allow_exceptions=*/false);
  ASSERT_FALSE(parsed.is_discarded()) << out;
  EXPECT_EQ(parsed[0], "é€😀\"\\\n");
  EXPECT_EQ(parsed[1], "\ufffd\ufffd");
  EXPECT_EQ(parsed[2], "\ufffd\ufffd\ufffd");
  EXPECT_EQ(parsed[4], "\ufffd\ufffd");
}

}  // namespace
}  // namespace base
