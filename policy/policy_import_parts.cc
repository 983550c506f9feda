#include "policy/policy_import_parts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/decision.h"
#include "policy/definition_compare.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDefinitionName = 80;
constexpr std::string_view kProvider = "microsoft.containerregistry";

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsGuid(std::string_view text) {
  constexpr std::string_view kShape = "00000000-0000-0000-0000-000000000000";
  return std::ranges::equal(base::AsciiLower(text), kShape,
                            [](char c, char shape) { return shape == '-' ? c == '-' : IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

// Whether the text names a type of resources, or an alias of one: "Microsoft.Storage/storageAccounts".
bool NamesAType(std::string_view lower) {
  constexpr std::string_view kMicrosoft = "microsoft.";
  for (std::size_t at = lower.find(kMicrosoft); at != std::string_view::npos; at = lower.find(kMicrosoft, at + 1)) {
    std::size_t end = at + kMicrosoft.size();
    while (end < lower.size() && (IsLetter(lower[end]) || lower[end] == '.')) {
      ++end;
    }
    if (end > at + kMicrosoft.size() && end < lower.size() && lower[end] == '/') {
      return true;
    }
  }
  return false;
}

struct Mentioned {
  bool registries = false;
  bool others = false;
};

void Look(const json& value, Mentioned& mentioned) {
  if (value.is_string()) {
    const std::string lower = base::AsciiLower(value.get_ref<const std::string&>());
    const bool registries = lower.find(kProvider) != std::string::npos;
    mentioned.registries = mentioned.registries || registries;
    mentioned.others = mentioned.others || (!registries && NamesAType(lower));
    return;
  }
  if (!value.is_structured()) {
    return;
  }
  const json* const field = value.is_object() ? FindMember(value, "field") : nullptr;
  if (field != nullptr && field->is_string() && base::EqualsIgnoreAsciiCase(field->get_ref<const std::string&>(), "type")) {
    const bool negated = std::ranges::any_of(value.items(), [](const auto& one) { return base::AsciiLower(one.key()).starts_with("not"); });
    if (negated) {
      return;  // about everything but that type
    }
    mentioned.others = true;  // whatever it is called; registries are found by their name
  }
  for (const json& member : value) {
    Look(member, mentioned);
  }
}

const json& Member(const json& object, std::string_view name) {
  static const json kNone;
  const json* member = FindMember(object, name);
  return member == nullptr ? kNone : *member;
}

// Of a definition that cannot be loaded: whether that need concern nobody who looks after registries.
bool IsAboutOthers(const json& properties) {
  const json& mode = Member(properties, "mode");
  if (mode.is_string() && !mode.get_ref<const std::string&>().empty() &&
      !base::EqualsIgnoreAsciiCase(mode.get_ref<const std::string&>(), "Indexed") &&
      !base::EqualsIgnoreAsciiCase(mode.get_ref<const std::string&>(), "All")) {
    return true;  // of a resource provider, which judges what runs in its resources
  }
  Mentioned mentioned;
  Look(Member(Member(properties, "policyRule"), "if"), mentioned);
  return mentioned.others && !mentioned.registries;
}

std::string WantedName(const json& body) {
  const std::string name = base::TextAt(body, "name");
  std::string slug = IsGuid(name) ? Slug(base::TextAt(Member(body, "properties"), "displayName"), kMaxDefinitionName) : std::string();
  return slug.empty() ? Slug(name, kMaxDefinitionName) : slug;
}

std::string Text(std::string_view text) { return base::DumpJson(json(text)); }

void AddComment(std::string& out, std::string_view indent, const std::string& comment) {
  constexpr std::size_t kMaxComment = 1024;
  out.append(indent).append("# ").append(base::Printable(comment, kMaxComment)).append("\n");
}

void AddList(std::string& out, std::string_view key, const std::vector<std::string>& items) {
  if (items.empty()) {
    return;
  }
  out.append("    ").append(key).append(":\n");
  for (const std::string& item : items) {
    out.append("      - ").append(Text(item)).append("\n");
  }
}

}  // namespace

std::string Slug(std::string_view text, std::size_t max) {
  std::string slug;
  for (const char c : base::AsciiLower(text)) {
    if (IsLetter(c) || IsDigit(c)) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  slug.resize(std::min(slug.size(), max));
  while (slug.ends_with('-')) {
    slug.pop_back();
  }
  return slug;
}

std::string ShortDigest(std::string_view id) {
  constexpr std::size_t kDigits = 8;
  return base::Sha256(base::AsciiLower(id)).substr(std::string_view("sha256:").size(), kDigits);
}

ImportableDefinitions::ImportableDefinitions(const std::map<std::string, json>& bodies) {
  for (const auto& [id, body] : bodies) {
    Entry& entry = entries_[id];
    entry.text = base::DumpJson(body, 2) + "\n";
    const json& properties = Member(body, "properties");
    std::string name = WantedName(body);
    if (name.empty() || IsTaken(name)) {
      name += (name.empty() ? "definition-" : "-") + ShortDigest(id);
    }
    auto definition = ParseDefinition(entry.text, name + ".json", name);
    if (!definition) {
      entry.kind = IsAboutOthers(properties) ? Kind::kOther : Kind::kUnsupported;
      entry.problem = definition.error().message;
      continue;
    }
    if (const auto added = set_.Add(*definition); !added) {
      entry.kind = Kind::kUnsupported;
      entry.problem = added.error().ToString();
      continue;
    }
    entry.kind = Kind::kJudges;
    entry.definition = *std::move(definition);
  }
}

const ImportableDefinitions::Entry& ImportableDefinitions::Find(std::string_view id) const {
  static const Entry kMissing;
  const auto found = entries_.find(base::AsciiLower(id));
  return found == entries_.end() ? kMissing : found->second;
}

bool ImportableDefinitions::IsTaken(std::string_view name) const { return IsDecisionsOwnName(name) || set_.Find(name) != nullptr; }

std::string WriteImportedRules(const std::vector<ImportedRequirement>& requirements, const std::vector<ImportedExemption>& exemptions,
                               const std::vector<std::string>& left_out) {
  std::string out;
  if (!left_out.empty()) {
    AddComment(out, "", "Left out:");
    for (const std::string& one : left_out) {
      AddComment(out, "", "- " + one);
    }
    out += "\n";
  }
  out += requirements.empty() ? "requirements: []\n" : "requirements:\n";
  for (const ImportedRequirement& requirement : requirements) {
    AddComment(out, "  ", requirement.comment);
    out += "  - definition: " + requirement.definition + "\n";
    if (!requirement.name.empty()) {
      out += "    name: " + requirement.name + "\n";
    }
    out.append("    effect: ").append(ToString(requirement.effect)).append("\n");
    if (!requirement.parameters.empty()) {
      out += "    parameters: " + base::DumpJson(requirement.parameters) + "\n";
    }
    AddList(out, "scopes", requirement.scopes);
    AddList(out, "notScopes", requirement.not_scopes);
  }
  out += exemptions.empty() ? "exemptions: []\n" : "exemptions:\n";
  for (const ImportedExemption& exemption : exemptions) {
    for (const std::string& comment : exemption.comments) {
      AddComment(out, "  ", comment);
    }
    out += "  - name: " + exemption.name + "\n";
    out += "    resourceId: " + Text(exemption.resource_id) + "\n";
    AddList(out, "requirements", exemption.requirements);
    out += "    expires: " + exemption.expires + "\n";
    out += "    reason: " + Text(exemption.reason) + "\n";
  }
  return out;
}

}  // namespace policy
