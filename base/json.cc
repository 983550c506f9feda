#include "base/json.h"

#include <simdjson.h>

#include <algorithm>
#include <string>

#include "base/text.h"

namespace base {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Converts, and refuses a duplicate key: nlohmann would take the last, simdjson the first, and a reader either.
class Converter {
 public:
  // False at the first duplicate key: `path()` then names it.
  bool Convert(const element& from, nlohmann::json* to) {
    switch (from.type()) {
      case element_type::OBJECT:
        return ConvertObject(from, to);
      case element_type::ARRAY:
        return ConvertArray(from, to);
      case element_type::STRING:
        *to = std::string(std::string_view(from.get_string().value_unsafe()));
        return true;
      case element_type::INT64:
        *to = from.get_int64().value_unsafe();
        return true;
      case element_type::UINT64:
        *to = from.get_uint64().value_unsafe();
        return true;
      case element_type::DOUBLE:
        *to = from.get_double().value_unsafe();
        return true;
      case element_type::BOOL:
        *to = from.get_bool().value_unsafe();
        return true;
      case element_type::NULL_VALUE:
        *to = nullptr;
        return true;
    }
    return true;
  }

  std::string path() const { return "$" + path_; }

 private:
  bool ConvertObject(const element& from, nlohmann::json* to) {
    const simdjson::dom::object object = from.get_object().value_unsafe();
    *to = nlohmann::json::object();
    auto& members = to->get_ref<nlohmann::json::object_t&>();
    for (const auto field : object) {
      const auto [member, inserted] = members.try_emplace(std::string(field.key));
      if (!inserted || !Convert(field.value, &member->second)) {
        path_.insert(0, "." + member->first);
        return false;
      }
    }
    return true;
  }

  bool ConvertArray(const element& from, nlohmann::json* to) {
    const simdjson::dom::array array = from.get_array().value_unsafe();
    *to = nlohmann::json::array();
    auto& items = to->get_ref<nlohmann::json::array_t&>();
    items.reserve(array.size());
    for (const element item : array) {
      if (!Convert(item, &items.emplace_back())) {
        path_.insert(0, "[" + std::to_string(items.size() - 1) + "]");
        return false;
      }
    }
    return true;
  }

  std::string path_;  // of what was refused, written on the way back
};

// simdjson does not say where; nlohmann does, at a cost that only bad input pays.
std::string WhereItBreaks(std::string_view text) {
  std::size_t byte = 0;
  try {
    // Depth is bounded by the caller's check through the callback: nlohmann's own parser does not recurse.
    [[maybe_unused]] const nlohmann::json ignored = nlohmann::json::parse(
        text.begin(), text.end(),
        [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth <= static_cast<int>(kMaxJsonDepth); });
  } catch (const nlohmann::json::parse_error& error) {
    byte = error.byte;
  } catch (const nlohmann::json::exception&) {
  }
  if (byte == 0) {
    return "";
  }
  const std::string_view before = text.substr(0, std::min(byte - 1, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return ":" + std::to_string(line) + ":" + std::to_string(before.size() - line_start + 1);
}

std::string Explain(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::UTF8_ERROR:
      return "it is not valid UTF-8";
    case simdjson::DEPTH_ERROR:
      return "it is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
    default:
      return "it is not well formed";
  }
}

}  // namespace

Result<nlohmann::json> ParseJson(std::string_view text, std::string_view source) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return Fail(ErrorCode::kInvalidArgument, std::string(source) + ": is UTF-16", "save it as UTF-8");
  }
  if (text.empty()) {
    text = "";  // an empty view may point nowhere, from where nothing may be copied
  }
  simdjson::dom::parser parser;
  element root;
  // The parser copies the text into a padded buffer of its own.
  simdjson::error_code error = parser.allocate(std::max<std::size_t>(text.size(), 1), kMaxJsonDepth);
  if (!error) {
    error = parser.parse(text.data(), text.size()).get(root);
  }
  if (error) {
    const std::string where = error == simdjson::DEPTH_ERROR ? "" : WhereItBreaks(text);
    return Fail(ErrorCode::kInvalidArgument, std::string(source) + where + ": expected JSON, but " + Explain(error));
  }
  nlohmann::json value;
  Converter converter;
  if (!converter.Convert(root, &value)) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(source) + ": duplicate key " + Printable(converter.path(), 200) + ": it could mean either value");
  }
  return value;
}

std::string TextAt(const nlohmann::json& object, std::string_view key) {
  const auto member = object.is_object() ? object.find(key) : object.end();
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

const nlohmann::json& ArrayAt(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const auto member = object.is_object() ? object.find(key) : object.end();
  return member != object.end() && member->is_array() ? *member : kNone;
}

nlohmann::json TextOrNull(std::string_view text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); }

std::string DumpJson(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace base
