#include "base/json_writer.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "base/eight.h"
#include "base/utf8.h"

namespace base {
namespace {

// Where the next character stands, from `at` on, that is not written as it is, or that is not ASCII; the text's size if none does.
std::size_t NextToLookAt(std::string_view text, std::size_t at) {
  return FindMarked(text, at, [](Eight eight) { return eight.Below(0x20) | eight.Equal('"') | eight.Equal('\\') | eight.NotAscii(); });
}

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
  out += '"';
  std::size_t plain = 0;  // start of the run that is copied as it is
  std::size_t at = 0;
  const auto flush = [&] { out.append(text, plain, at - plain); };
  while ((at = NextToLookAt(text, at)) < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      const Utf8Character next = DecodeUtf8(text.substr(at));
      if (next.valid) {
        at += next.bytes;
        continue;
      }
      flush();
      out += kReplacement;
    } else {
      flush();
      out += '\\';
      switch (c) {
        case '"':
        case '\\':
          out += static_cast<char>(c);
          break;
        case '\n':
          out += 'n';
          break;
        case '\r':
          out += 'r';
          break;
        case '\t':
          out += 't';
          break;
        default:
          out += "u00";
          out += kHex[c >> 4];
          out += kHex[c & 0xf];
      }
    }
    plain = ++at;
  }
  flush();
  out += '"';
}

}  // namespace

void JsonWriter::Separate() {
  if (comma_) {
    out_ += ',';
  }
  comma_ = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_ += '{';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  out_ += '}';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_ += '[';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  out_ += ']';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendEscaped(out_, key);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendEscaped(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) {
  Separate();
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  return *this;
}

}  // namespace base
