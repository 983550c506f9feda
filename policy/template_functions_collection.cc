// Of arrays and objects, and of texts as rows of characters.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-object
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::string_view kTwoUnits = "characters beyond U+FFFF are not handled here";
constexpr std::string_view kSameness = "whether values that differ in case or type alone are the same is not documented";

TemplateResult Array(TemplateArguments arguments) { return arguments[0].is_array() ? arguments[0] : json::array({arguments[0]}); }

TemplateResult CreateArray(TemplateArguments arguments) { return json(json::array_t(arguments.begin(), arguments.end())); }

TemplateResult CreateObject(TemplateArguments arguments) {
  if (arguments.size() % 2 != 0) {
    return Fails("each key needs a value");
  }
  json object = json::object();
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string* key = AsText(arguments[i]);
    if (key == nullptr) {
      return WrongKind("a string", arguments[i]);
    }
    if (FindMember(object, *key) != nullptr) {
      return CannotTell("what a key that is given twice does is not documented");
    }
    object[*key] = arguments[i + 1];
  }
  return object;
}

TemplateResult Contains(TemplateArguments arguments) {
  const json& container = arguments[0];
  const json& item = arguments[1];
  if (container.is_array()) {
    bool sure = true;
    for (const json& element : container) {
      const bool texts = element.is_string() && item.is_string();  // compared by case: that is documented
      const std::optional<bool> same = texts ? std::optional(element == item) : Same(element, item);
      if (same == true) {
        return json(true);
      }
      sure = sure && same.has_value();
    }
    return sure ? TemplateResult(json(false)) : TemplateResult(CannotTell(std::string(kSameness)));
  }
  const std::string* text = AsText(item);
  if (!container.is_string() && !container.is_object()) {
    return WrongKind("an array, an object or a string", container);
  }
  if (text == nullptr) {
    return item.is_number_integer() ? CannotTell("how an integer is found in a string or an object is not documented")
                                    : WrongKind("a string or an integer", item);
  }
  return container.is_object() ? json(FindMember(container, *text) != nullptr) : json(AsText(container)->find(*text) != std::string::npos);
}

TemplateResult Empty(TemplateArguments arguments) {
  const json& value = arguments[0];
  if (const std::string* text = AsText(value)) {
    return json(text->empty());
  }
  if (value.is_structured() || value.is_null()) {
    return json(value.empty());
  }
  return WrongKind("an array, an object, a string or null", value);
}

TemplateResult Length(TemplateArguments arguments) {
  const json& value = arguments[0];
  if (value.is_structured()) {
    return json(value.size());
  }
  const std::string* text = AsText(value);
  if (text == nullptr) {
    return WrongKind("an array, an object or a string", value);
  }
  const auto characters = CharactersOf(*text);
  return characters ? TemplateResult(json(characters->size())) : TemplateResult(CannotTell(std::string(kTwoUnits)));
}

template <bool kLast>
TemplateResult End(TemplateArguments arguments) {
  const json& value = arguments[0];
  if (value.is_array()) {
    return value.empty() ? json() : kLast ? value.back() : value.front();
  }
  const std::string* text = AsText(value);
  if (text == nullptr) {
    return WrongKind("an array or a string", value);
  }
  const auto characters = CharactersOf(*text);
  if (!characters || characters->empty()) {
    return CannotTell(characters ? "what it gives of an empty string is not documented" : std::string(kTwoUnits));
  }
  return json(std::string(kLast ? characters->back() : characters->front()));
}

// The elements or characters from `kSkip ? the number : 0` on, or up to it.
template <bool kSkip>
TemplateResult Part(TemplateArguments arguments) {
  const json& value = arguments[0];
  const std::optional<std::int64_t> number = AsInteger(arguments[1]);
  if (!number) {
    return WrongKind("an integer", arguments[1]);
  }
  const auto cut = [&](std::size_t size) {
    return static_cast<std::size_t>(std::clamp<std::int64_t>(*number, 0, static_cast<std::int64_t>(size)));
  };
  if (value.is_array()) {
    const auto middle = value.begin() + static_cast<std::ptrdiff_t>(cut(value.size()));
    return json(kSkip ? json::array_t(middle, value.end()) : json::array_t(value.begin(), middle));
  }
  const std::string* text = AsText(value);
  if (text == nullptr) {
    return WrongKind("an array or a string", value);
  }
  const auto characters = CharactersOf(*text);
  if (!characters) {
    return CannotTell(std::string(kTwoUnits));
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < cut(characters->size()); ++i) {
    bytes += (*characters)[i].size();
  }
  return json(kSkip ? text->substr(bytes) : text->substr(0, bytes));
}

TemplateResult Flatten(TemplateArguments arguments) {
  if (!arguments[0].is_array()) {
    return WrongKind("an array of arrays", arguments[0]);
  }
  json flat = json::array();
  for (const json& element : arguments[0]) {
    if (!element.is_array()) {
      return WrongKind("an array of arrays", element);
    }
    flat.insert(flat.end(), element.begin(), element.end());
  }
  return flat;
}

// Whether `values` holds `value`.
std::optional<bool> Holds(const json& values, const json& value) {
  bool sure = true;
  for (const json& element : values) {
    const std::optional<bool> same = Same(element, value);
    if (same == true) {
      return true;
    }
    sure = sure && same.has_value();
  }
  return sure ? std::optional(false) : std::nullopt;
}

TemplateResult IntersectArrays(TemplateArguments arguments) {
  json common = json::array();
  for (const json& element : arguments[0]) {
    bool missing = false;
    bool sure = true;
    for (const json& other : arguments.subspan(1)) {
      const std::optional<bool> held = Holds(other, element);
      missing = missing || held == false;
      sure = sure && held.has_value();
    }
    if (missing) {
      continue;
    }
    if (!sure || Holds(common, element) != false) {
      return CannotTell(sure ? "whether it gives a value twice is not documented" : std::string(kSameness));
    }
    common.push_back(element);
  }
  return common;
}

TemplateResult IntersectObjects(TemplateArguments arguments) {
  json common = json::object();
  for (auto member = arguments[0].begin(); member != arguments[0].end(); ++member) {
    bool missing = false;
    bool sure = true;
    for (const json& other : arguments.subspan(1)) {
      const json* value = FindMember(other, member.key());
      const std::optional<bool> same = value == nullptr ? std::optional(false) : Same(member.value(), *value);
      missing = missing || same == false;
      sure = sure && same.has_value() && other.contains(member.key());
    }
    if (missing) {
      continue;
    }
    if (!sure) {
      return CannotTell(std::string(kSameness));
    }
    common[member.key()] = member.value();
  }
  return common;
}

// What every argument has to be; nothing when they are all arrays or all objects.
std::optional<TemplateFailure> Unlike(TemplateArguments arguments) {
  for (const json& argument : arguments) {
    if (!argument.is_structured() || argument.type() != arguments[0].type()) {
      return WrongKind(arguments[0].is_array()    ? "an array"
                       : arguments[0].is_object() ? "an object"
                                                  : "an array or an object",
                       argument)
          .value();
    }
  }
  return std::nullopt;
}

TemplateResult Intersection(TemplateArguments arguments) {
  if (std::optional<TemplateFailure> failure = Unlike(arguments)) {
    return tl::unexpected(std::move(*failure));
  }
  return arguments[0].is_array() ? IntersectArrays(arguments) : IntersectObjects(arguments);
}

// Objects within objects are merged, arrays are replaced. False when keys differ in case alone.
bool Merge(json& into, const json& from) {
  for (auto member = from.begin(); member != from.end(); ++member) {
    const auto present = into.find(member.key());
    if (present == into.end()) {
      if (FindMember(into, member.key()) != nullptr) {
        return false;
      }
      into[member.key()] = member.value();
    } else if (!present->is_object() || !member.value().is_object()) {
      *present = member.value();
    } else if (!Merge(*present, member.value())) {
      return false;
    }
  }
  return true;
}

TemplateResult Union(TemplateArguments arguments) {
  if (std::optional<TemplateFailure> failure = Unlike(arguments)) {
    return tl::unexpected(std::move(*failure));
  }
  if (arguments[0].is_object()) {
    json all = json::object();
    for (const json& argument : arguments) {
      if (!Merge(all, argument)) {
        return CannotTell(std::string(kSameness));
      }
    }
    return all;
  }
  json all = json::array();
  for (const json& argument : arguments) {
    for (const json& element : argument) {
      const std::optional<bool> held = Holds(all, element);
      if (!held) {
        return CannotTell(std::string(kSameness));
      }
      if (!*held) {
        all.push_back(element);
      }
    }
  }
  return all;
}

// By key, as Azure's example has it.
TemplateResult Items(TemplateArguments arguments) {
  if (!arguments[0].is_object()) {
    return WrongKind("an object", arguments[0]);
  }
  json items = json::array();
  std::string before;
  for (auto member = arguments[0].begin(); member != arguments[0].end(); ++member) {
    const std::optional<std::weak_ordering> order = OrderTexts(before, member.key(), true);
    if (!items.empty() && (!order || *order >= 0)) {
      return CannotTell("the order of such keys is not documented");
    }
    before = member.key();
    items.push_back({{"key", member.key()}, {"value", member.value()}});
  }
  return items;
}

template <bool kTry>
TemplateResult IndexFromEnd(TemplateArguments arguments) {
  if (!arguments[0].is_array()) {
    return WrongKind("an array", arguments[0]);
  }
  const std::optional<std::int64_t> index = AsInteger(arguments[1]);
  if (!index) {
    return WrongKind("an integer", arguments[1]);
  }
  const auto size = static_cast<std::int64_t>(arguments[0].size());
  if (*index < 1 || *index > size) {
    return kTry ? TemplateResult(json()) : TemplateResult(Fails("the array has " + std::to_string(size) + " elements"));
  }
  return arguments[0][static_cast<std::size_t>(size - *index)];
}

TemplateResult TryGet(TemplateArguments arguments) {
  json value = arguments[0];
  for (const json& key : arguments.subspan(1)) {
    const std::string* name = AsText(key);
    const std::optional<std::int64_t> index = AsInteger(key);
    if (name == nullptr && !index) {
      return WrongKind("a string or an integer", key);
    }
    if (value.is_null()) {
      return json();
    }
    if (!(value.is_object() && name != nullptr) && !(value.is_array() && index)) {
      return value.is_structured() ? CannotTell("what a key of the wrong kind gives is not documented")
                                   : WrongKind("an array or an object", value);
    }
    if (value.is_object()) {
      const json* member = FindMember(value, *name);
      value = member == nullptr ? json() : json(*member);
    } else {
      const bool there = *index >= 0 && *index < static_cast<std::int64_t>(value.size());
      value = there ? json(value[static_cast<std::size_t>(*index)]) : json();
    }
  }
  return value;
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"array", 1, 1, Array},
    {"contains", 2, 2, Contains},
    {"createArray", 0, kAnyNumber, CreateArray},
    {"createObject", 0, kAnyNumber, CreateObject},
    {"empty", 1, 1, Empty},
    {"first", 1, 1, End<false>},
    {"flatten", 1, 1, Flatten},
    {"indexFromEnd", 2, 2, IndexFromEnd<false>},
    {"intersection", 2, kAnyNumber, Intersection},
    {"items", 1, 1, Items},
    {"last", 1, 1, End<true>},
    {"length", 1, 1, Length},
    {"skip", 2, 2, Part<true>},
    {"take", 2, 2, Part<false>},
    {"tryGet", 2, kAnyNumber, TryGet},
    {"tryIndexFromEnd", 2, 2, IndexFromEnd<true>},
    {"union", 2, kAnyNumber, Union},
});

}  // namespace

std::span<const TemplateFunction> CollectionFunctions() { return kFunctions; }

}  // namespace policy
