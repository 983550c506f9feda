#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "base/yaml.h"

namespace base {
namespace {

constexpr std::size_t kMaxShownText = 80;  // bytes of the file's own text in a message

// "Deny, Warn or Audit"
std::string OneOf(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) {
      text += i + 1 == names.size() ? " or " : ", ";
    }
    text += names[i];
  }
  return text;
}

// "90s", "72h": the largest unit that divides it, as a person would write it in the file.
std::string FormatDuration(std::chrono::microseconds duration) {
  struct Unit {
    std::chrono::microseconds length;
    const char* name;
  };
  const Unit units[] = {{std::chrono::hours(24), "d"},
                        {std::chrono::hours(1), "h"},
                        {std::chrono::minutes(1), "m"},
                        {std::chrono::seconds(1), "s"},
                        {std::chrono::milliseconds(1), "ms"}};
  for (const Unit& unit : units) {
    if (duration.count() != 0 && duration % unit.length == std::chrono::microseconds(0)) {
      return std::to_string(duration / unit.length) + unit.name;
    }
  }
  return "0s";
}

}  // namespace

std::string Quoted(std::string_view text) { return '"' + Printable(text, kMaxShownText) + '"'; }

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return Quoted(node.text);
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return {};
}

YamlMapping::YamlMapping(const YamlNode& node, std::string_view file, std::string path, Problems& problems)
    : node_(&node), file_(file), path_(std::move(path)), problems_(problems) {
  if (node.kind != YamlNode::Kind::kMapping) {
    AddProblem(node, "", "expected a mapping, got " + Describe(node));
  }
}

std::string YamlMapping::PathOf(std::string_view key) const {
  if (path_.empty() || key.empty()) {
    return path_ + std::string(key);
  }
  return path_ + '.' + std::string(key);
}

void YamlMapping::AddProblem(const YamlNode& at, std::string_view key, std::string_view message) {
  std::string text = PathOf(key);
  if (!text.empty()) {
    text += ": ";
  }
  problems_.push_back({std::string(file_), at.line, at.column, text.append(message)});
}

const YamlNode* YamlMapping::Member(std::string_view key) {
  const bool asked_before = std::find(known_.begin(), known_.end(), key) != known_.end();
  known_.push_back(key);
  const YamlNode* member = node_->Find(key);
  if (member == nullptr || member->kind != YamlNode::Kind::kNull) {
    return member;
  }
  // "requirements:" with every item commented out must not read as "none": who means that leaves the key out.
  if (!asked_before) {
    AddProblem(*member, key, "expected a value, got nothing; leave the key out to have its default");
  }
  return nullptr;
}

const YamlNode* YamlMapping::RequiredMember(std::string_view key) {
  const YamlNode* member = Member(key);
  if (member == nullptr && node_->kind == YamlNode::Kind::kMapping && node_->Find(key) == nullptr) {
    AddProblem(*node_, "", "the key " + Quoted(key) + " is missing");
  }
  return member;
}

bool YamlMapping::Optional(std::string_view key, std::string* out) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return false;
  }
  if (member->kind != YamlNode::Kind::kScalar || member->text.empty()) {
    AddProblem(*member, key, "expected a text that is not empty, got " + Describe(*member));
    return false;
  }
  *out = member->text;
  return true;
}

bool YamlMapping::Required(std::string_view key, std::string* out) { return RequiredMember(key) != nullptr && Optional(key, out); }

bool YamlMapping::Optional(std::string_view key, bool* out) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return false;
  }
  const bool plain = member->kind == YamlNode::Kind::kScalar && !member->quoted;
  if (!plain || (member->text != "true" && member->text != "false")) {
    AddProblem(*member, key, "expected true or false, got " + Describe(*member));
    return false;
  }
  *out = member->text == "true";
  return true;
}

bool YamlMapping::Optional(std::string_view key, std::int64_t* out, std::int64_t least, std::int64_t most) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return false;
  }
  std::int64_t value = 0;
  const char* end = member->text.data() + member->text.size();
  const auto [last, error] = std::from_chars(member->text.data(), end, value);
  const bool number = member->kind == YamlNode::Kind::kScalar && !member->quoted && error == std::errc() && last == end;
  if (!number || value < least || value > most) {
    AddProblem(*member, key,
               "expected a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ", got " + Describe(*member));
    return false;
  }
  *out = value;
  return true;
}

bool YamlMapping::Optional(std::string_view key, std::chrono::microseconds* out, std::chrono::microseconds least,
                           std::chrono::microseconds most) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return false;
  }
  const auto value = ParseDuration(member->text);
  if (!value || *value < least || *value > most) {
    AddProblem(*member, key,
               "expected a duration from " + FormatDuration(least) + " to " + FormatDuration(most) + " such as 90s, 1h30m or 30d, got " +
                   Describe(*member));
    return false;
  }
  *out = *value;
  return true;
}

bool YamlMapping::OptionalChoice(std::string_view key, const std::vector<std::string_view>& names, std::size_t* out) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return false;
  }
  const auto found = std::find(names.begin(), names.end(), member->text);
  if (member->kind != YamlNode::Kind::kScalar || found == names.end()) {
    AddProblem(*member, key, "expected " + OneOf(names) + ", got " + Describe(*member));
    return false;
  }
  *out = static_cast<std::size_t>(found - names.begin());
  return true;
}

bool YamlMapping::RequiredChoice(std::string_view key, const std::vector<std::string_view>& names, std::size_t* out) {
  return RequiredMember(key) != nullptr && OptionalChoice(key, names, out);
}

std::span<const YamlNode> YamlMapping::OptionalList(std::string_view key) {
  const YamlNode* member = Member(key);
  if (member == nullptr) {
    return {};
  }
  if (member->kind != YamlNode::Kind::kSequence) {
    AddProblem(*member, key, "expected a list, got " + Describe(*member));
  }
  return member->items;
}

std::span<const YamlNode> YamlMapping::RequiredList(std::string_view key) {
  const YamlNode* member = RequiredMember(key);
  if (member != nullptr && member->kind == YamlNode::Kind::kSequence && member->items.empty()) {
    AddProblem(*member, key, "expected a list of at least one item, got an empty one");
  }
  return OptionalList(key);
}

std::vector<YamlMapping::Text> YamlMapping::Texts(std::string_view key, std::span<const YamlNode> items) {
  std::vector<Text> texts;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const YamlNode& item = items[i];
    std::string path = std::string(key) + '[' + std::to_string(i) + ']';
    if (item.kind == YamlNode::Kind::kScalar && !item.text.empty()) {
      texts.push_back({&item, std::move(path)});
    } else {
      AddProblem(item, path, "expected a text that is not empty, got " + Describe(item));
    }
  }
  return texts;
}

std::vector<YamlMapping::Text> YamlMapping::OptionalTexts(std::string_view key) { return Texts(key, OptionalList(key)); }

std::vector<YamlMapping::Text> YamlMapping::RequiredTexts(std::string_view key) { return Texts(key, RequiredList(key)); }

void YamlMapping::Finish() {
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const auto& [key, value] : node_->members) {
    if (std::binary_search(known_.begin(), known_.end(), std::string_view(key.text))) {
      continue;
    }
    const std::string_view nearest = Nearest(key.text, known_);
    AddProblem(
        key, "",
        "unknown key " + Quoted(key.text) + (nearest.empty() ? "; expected " + OneOf(known_) : "; did you mean " + Quoted(nearest) + "?"));
  }
}

}  // namespace base
