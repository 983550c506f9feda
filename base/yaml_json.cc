#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/yaml.h"

// https://yaml.org/spec/1.2.2/#103-core-schema
namespace base {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits that `text` begins with are taken off it.
std::size_t TakeDigits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(count);
  return count;
}

template <class Number>
std::optional<nlohmann::json> Whole(std::string_view digits, int base) {
  Number number{};
  const char* begin = digits.data();
  const char* end = begin + digits.size();
  const auto [last, error] = std::from_chars(begin, end, number, base);
  if (error != std::errc() || last != end) {
    return std::nullopt;
  }
  return number;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsDecimal(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    text.remove_prefix(1);
  }
  std::size_t digits = TakeDigits(text);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    digits += TakeDigits(text);
  }
  if (digits == 0) {
    return false;
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
      text.remove_prefix(1);
    }
    if (TakeDigits(text) == 0) {
      return false;
    }
  }
  return text.empty();
}

nlohmann::json Decimal(std::string_view text) {
  std::string_view number = text;
  if (number.front() == '+') {
    number.remove_prefix(1);
  }
  if (auto value = Whole<std::int64_t>(number, 10)) {
    return *value;
  }
  if (auto value = Whole<std::uint64_t>(number, 10)) {
    return *value;
  }
  double value = 0;
  const auto [last, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || last != number.data() + number.size() || !std::isfinite(value)) {
    return std::string(text);
  }
  return value;
}

nlohmann::json Scalar(const YamlNode& node) {
  const std::string_view text = node.text;
  if (node.quoted) {
    return node.text;
  }
  if (text == "true" || text == "True" || text == "TRUE") {
    return true;
  }
  if (text == "false" || text == "False" || text == "FALSE") {
    return false;
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    const auto value = Whole<std::uint64_t>(text.substr(2), text[1] == 'x' ? 16 : 8);
    return value ? *value : nlohmann::json(node.text);
  }
  return IsDecimal(text) ? Decimal(text) : nlohmann::json(node.text);
}

}  // namespace

nlohmann::json ToJson(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kScalar:
      return Scalar(node);
    case YamlNode::Kind::kSequence: {
      nlohmann::json array = nlohmann::json::array();
      for (const YamlNode& item : node.items) {
        array.push_back(ToJson(item));
      }
      return array;
    }
    case YamlNode::Kind::kMapping: {
      nlohmann::json object = nlohmann::json::object();
      for (const auto& [key, value] : node.members) {
        object[key.text] = ToJson(value);
      }
      return object;
    }
  }
  return nullptr;
}

}  // namespace base
