#include "policy/exemption_loader.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "policy/decision.h"
#include "policy/policy_values.h"
#include "policy/scope.h"

namespace policy {
namespace {

using base::Quoted;
using base::YamlMapping;
using base::YamlNode;

// The first instant at which an exemption that expires then waives nothing: a date is good through its whole day, UTC.
std::optional<base::Time> ParseExpiry(std::string_view text) {
  constexpr std::size_t kDateLength = std::string_view("2027-03-31").size();
  const auto time = base::ParseTime(text);
  if (time && text.size() == kDateLength) {
    return *time + std::chrono::days(1);
  }
  return time;
}

class ExemptionReader {
 public:
  ExemptionReader(YamlMapping& mapping, const std::vector<Requirement>& requirements, const DefinitionSet& definitions,
                  const RegistrySuffixes& suffixes)
      : mapping_(mapping), requirements_(requirements), definitions_(definitions), suffixes_(suffixes) {}

  Exemption Read() {
    Exemption exemption;
    ReadName(exemption);
    ReadScope(exemption);
    ReadResourceId(exemption);
    for (const YamlMapping::Text& text : mapping_.RequiredTexts("requirements")) {
      ReadRequirement(text, exemption);
    }
    ReadExpiry(exemption);
    mapping_.Required("reason", &exemption.reason);
    mapping_.Finish();
    return exemption;
  }

 private:
  void ReadName(Exemption& exemption) {
    if (mapping_.Required("name", &exemption.name) && !IsDnsLabel(exemption.name)) {
      mapping_.AddProblem(
          *mapping_.Member("name"), "name",
          "expected a name of a-z, 0-9 and '-', at most 63 long, such as billing-cmk-migration, got " + Quoted(exemption.name));
    }
  }

  void ReadScope(Exemption& exemption) {
    const auto registries = mapping_.OptionalTexts("registries");
    for (const auto& [node, path] : registries) {
      if (auto login_server = ReadLoginServer(mapping_, *node, path, suffixes_)) {
        exemption.registries.push_back(std::move(*login_server));
      }
    }
    const auto images = mapping_.OptionalTexts("images");
    exemption.images = ReadPatterns(mapping_, images);
    const auto namespaces = mapping_.OptionalTexts("namespaces");
    for (const YamlMapping::Text& text : namespaces) {
      if (auto name = ReadNamespace(mapping_, text)) {
        exemption.namespaces.push_back(std::move(*name));
      }
    }
    // An empty list must not read as "any": each that is written has an item, and one at least is written.
    bool scoped = false;
    for (const std::string_view key : {"registries", "images", "namespaces", "resourceId"}) {
      if (const YamlNode* list = mapping_.Member(key)) {
        scoped = true;
        if (list->kind == YamlNode::Kind::kSequence && list->items.empty()) {
          mapping_.AddProblem(*list, key, "expected a list of at least one item, got an empty one");
        }
      }
    }
    if (!scoped && mapping_.node().kind == YamlNode::Kind::kMapping) {
      mapping_.AddProblem(mapping_.node(), "",
                          "expected at least one of registries, images, namespaces and resourceId: an exemption of everything is none");
    }
  }

  void ReadResourceId(Exemption& exemption) {
    if (mapping_.Optional("resourceId", &exemption.resource_id) && !IsScopeId(exemption.resource_id)) {
      mapping_.AddProblem(*mapping_.Member("resourceId"), "resourceId", WhyNoScopeId(exemption.resource_id));
    }
  }

  // A requirement's own name means it alone; that of an initiative, or of a definition, all that are of it. False: there is none.
  bool Take(const std::string& name, Exemption& exemption) const {
    const auto take = [&](const auto& is_meant) {
      const std::size_t before = exemption.requirements.size();
      for (const Requirement& requirement : requirements_) {
        if (is_meant(requirement)) {
          exemption.requirements.push_back(requirement.name);
        }
      }
      return exemption.requirements.size() > before;
    };
    const auto definition = definitions_.Find(name);
    const auto initiative = definitions_.FindInitiative(name);
    return take([&](const Requirement& r) { return base::EqualsIgnoreAsciiCase(r.name, name); }) ||
           take([&](const Requirement& r) { return !r.group.empty() && base::EqualsIgnoreAsciiCase(r.group, name); }) ||
           (definition && take([&](const Requirement& r) { return r.definition == definition; })) ||
           (initiative && take([&](const Requirement& r) { return r.initiative == initiative; }));
  }

  void ReadRequirement(const YamlMapping::Text& text, Exemption& exemption) {
    const std::string& name = text.node->text;
    if (Take(name, exemption)) {
      return;
    }
    std::string message;
    if (IsDecisionsOwnName(name)) {
      message = Quoted(name) + " can never be waived: an exemption waives requirements of this policy alone";
    } else {
      std::vector<std::string_view> names;
      for (const Requirement& candidate : requirements_) {
        names.push_back(candidate.name);
      }
      const std::string_view nearest = base::Nearest(name, names);
      message = Quoted(name) + " is no requirement of this policy" + (nearest.empty() ? "" : "; did you mean " + Quoted(nearest) + "?");
    }
    mapping_.AddProblem(*text.node, text.path, message);
  }

  void ReadExpiry(Exemption& exemption) {
    if (!mapping_.Required("expires", &exemption.expires_text)) {
      return;
    }
    if (const auto expires = ParseExpiry(exemption.expires_text)) {
      exemption.expires = *expires;
    } else {
      mapping_.AddProblem(
          *mapping_.Member("expires"), "expires",
          "expected a date such as 2027-03-31 or a time such as 2027-03-31T18:00:00Z, got " + Quoted(exemption.expires_text));
    }
  }

  YamlMapping& mapping_;
  const std::vector<Requirement>& requirements_;
  const DefinitionSet& definitions_;
  const RegistrySuffixes& suffixes_;
};

}  // namespace

std::vector<Exemption> ReadExemptions(YamlMapping& document, std::string_view file, const std::vector<Requirement>& requirements,
                                      const DefinitionSet& definitions, const RegistrySuffixes& suffixes, base::Problems& problems) {
  std::vector<Exemption> exemptions;
  std::map<std::string, int> lines;  // of the names
  const auto items = document.OptionalList("exemptions");
  for (std::size_t i = 0; i < items.size(); ++i) {
    YamlMapping mapping(items[i], file, document.PathOf("exemptions[" + std::to_string(i) + "]"), problems);
    Exemption exemption = ExemptionReader(mapping, requirements, definitions, suffixes).Read();
    const auto [first, is_new] = lines.emplace(exemption.name, items[i].line);
    if (!is_new && !exemption.name.empty()) {
      mapping.AddProblem(*mapping.Member("name"), "name",
                         "the exemption in line " + std::to_string(first->second) + " has the name " + Quoted(exemption.name) + " already");
    }
    exemptions.push_back(std::move(exemption));
  }
  return exemptions;
}

}  // namespace policy
