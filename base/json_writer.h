// Writes JSON text directly, for the two places where a tree of values would cost more than the decision itself: the
// answer to an admission and its audit record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace base {

// Appends to a string that the caller owns. Commas are its business; matching Begin and End is the caller's.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);  // escaped as a string is

  // Invalid UTF-8 becomes U+FFFD, so that the result is always valid JSON.
  JsonWriter& String(std::string_view value);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);  // a complete JSON value, not checked
  // Null when empty: how absent texts are written in records.
  JsonWriter& StringOrNull(std::string_view value) { return value.empty() ? Null() : String(value); }

 private:
  void Separate();

  std::string& out_;
  bool comma_ = false;
};

}  // namespace base
