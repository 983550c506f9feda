#include "policy/requirement_loader.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/decision.h"
#include "policy/definition_effect.h"
#include "policy/definition_parameters.h"
#include "policy/initiative.h"
#include "policy/policy_values.h"
#include "policy/scope.h"

namespace policy {
namespace {

using base::Quoted;
using base::YamlMapping;
using base::YamlNode;

constexpr std::size_t kMaxName = 128;  // bytes: names stand in audit records, metrics and messages

using Bind = std::function<tl::expected<nlohmann::json, std::vector<std::string>>(const nlohmann::json&)>;

// One item of the list, before initiatives are taken apart.
struct Item {
  YamlMapping mapping;
  Requirement requirement{};                       // of an initiative: what all of its definitions have in common
  std::shared_ptr<const Initiative> initiative{};  // null: it is of a definition
  nlohmann::json parameters{};                     // the initiative's, bound
  bool good = true;                                // it can become requirements
};

class RequirementsReader {
 public:
  RequirementsReader(std::string_view file, const DefinitionSet& definitions, base::Problems& problems)
      : file_(file), definitions_(definitions), problems_(problems) {}

  LoadedRequirements Read(YamlMapping& document) {
    const auto nodes = document.OptionalList("requirements");
    std::vector<Item> items;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      items.push_back(ReadItem(YamlMapping(nodes[i], file_, document.PathOf("requirements[" + std::to_string(i) + "]"), problems_)));
      if (items.back().good && !items.back().initiative) {
        by_themselves_.push_back(items.back().requirement);
      }
    }
    for (Item& item : items) {
      if (item.initiative) {
        Expand(item);
      } else if (item.good) {
        const YamlNode* named = item.mapping.node().Find("name");
        Add(item, named == nullptr ? "definition" : "name", std::move(item.requirement));
      }
    }
    return std::move(loaded_);
  }

 private:
  Item ReadItem(YamlMapping mapping) {
    Item item{std::move(mapping)};
    const YamlNode* initiative = item.mapping.Member("initiative");
    if (initiative == nullptr) {
      ReadDefinition(item);
    } else {
      ReadInitiative(item, *initiative);
    }
    ReadName(item);
    ReadEffect(item.mapping, item.requirement.effect);
    ReadSource(item);
    ReadScopes(item.mapping, "scopes", item.requirement.scopes.in);
    ReadScopes(item.mapping, "notScopes", item.requirement.scopes.not_in);
    ReadParameters(item);
    item.mapping.Finish();
    return item;
  }

  void ReadDefinition(Item& item) {
    std::string name;
    item.good = false;
    if (!item.mapping.Required("definition", &name)) {
      return;
    }
    const YamlNode& at = *item.mapping.Member("definition");
    const auto definition = definitions_.Find(name);
    if (!definition) {
      const std::string_view nearest = base::Nearest(name, definitions_.Names());
      item.mapping.AddProblem(at, "definition",
                              "there is no definition " + Quoted(name) +
                                  (definitions_.FindInitiative(name) ? "; it is an initiative: write initiative: in place of definition:"
                                   : nearest.empty()                 ? ""
                                                                     : "; did you mean " + Quoted(nearest) + "?"));
      return;
    }
    item.requirement.definition = definition;
    item.requirement.name = definition->name;
    item.good = true;
  }

  void ReadInitiative(Item& item, const YamlNode& at) {
    std::string name;
    item.good = item.mapping.Optional("initiative", &name);
    if (const YamlNode* definition = item.mapping.Member("definition")) {
      item.mapping.AddProblem(*definition, "definition", "a requirement is of a definition or of an initiative, not of both");
      item.good = false;
    }
    item.initiative = definitions_.FindInitiative(name);
    if (!item.initiative && item.good) {
      const std::string_view nearest = base::Nearest(name, definitions_.InitiativeNames());
      item.mapping.AddProblem(at, "initiative",
                              "there is no initiative " + Quoted(name) +
                                  (definitions_.Find(name) ? "; it is a definition: write definition: in place of initiative:"
                                   : nearest.empty()       ? ""
                                                           : "; did you mean " + Quoted(nearest) + "?"));
    }
    item.good = item.good && item.initiative;
  }

  void ReadName(Item& item) {
    std::string name;
    if (!item.mapping.Optional("name", &name)) {
      return;
    }
    const YamlNode& at = *item.mapping.Member("name");
    const auto other = definitions_.Find(name);
    if (const std::string problem = NameProblem(name); !problem.empty()) {
      item.mapping.AddProblem(at, "name", problem);
    } else if (other && other != item.requirement.definition) {
      item.mapping.AddProblem(at, "name", Quoted(name) + " is another definition; name the requirement after what it is for");
    }
    (item.initiative ? item.requirement.group : item.requirement.name) = name;
  }

  static std::string NameProblem(const std::string& name) {
    if (IsDecisionsOwnName(name)) {
      return Quoted(name) + " is a name that decisions use themselves";
    }
    return base::Printable(name, kMaxName) == name
               ? std::string()
               : "expected at most " + std::to_string(kMaxName) + " printable characters, got " + Quoted(name);
  }

  static void ReadEffect(YamlMapping& mapping, Effect& effect) {
    constexpr std::array<Effect, 4> kEffects = {Effect::kDeny, Effect::kWarn, Effect::kAudit, Effect::kDisabled};
    std::size_t index = 0;
    if (mapping.OptionalChoice("effect", {"Deny", "Warn", "Audit", "Disabled"}, &index)) {
      effect = kEffects[index];
    }
  }

  static void ReadSource(Item& item) {
    constexpr std::array<FindingSource, 2> kSources = {FindingSource::kRegistry, FindingSource::kAzurePolicy};
    std::size_t index = 0;
    if (!item.mapping.OptionalChoice("source", {"registry", "azurePolicy"}, &index)) {
      return;
    }
    item.requirement.source = kSources[index];
    if (item.requirement.source == FindingSource::kAzurePolicy && item.requirement.definition && item.requirement.definition->id.empty()) {
      item.mapping.AddProblem(*item.mapping.Member("source"), "source", NotAzures(*item.requirement.definition) + "; leave source out");
    }
  }

  static std::string NotAzures(const Definition& definition) {
    return Quoted(definition.name) + " is no definition of Azure's, so Azure Policy has no state of it";
  }

  static void ReadScopes(YamlMapping& mapping, std::string_view key, std::vector<std::string>& scopes) {
    const auto texts = mapping.OptionalTexts(key);
    for (const YamlMapping::Text& text : texts) {
      if (IsScopeId(text.node->text)) {
        scopes.push_back(text.node->text);
      } else {
        mapping.AddProblem(*text.node, text.path, WhyNoScopeId(text.node->text));
      }
    }
    if (const YamlNode* list = mapping.Member(key); list != nullptr && list->kind == YamlNode::Kind::kSequence && list->items.empty()) {
      mapping.AddProblem(*list, key, "expected a list of at least one item, got an empty one");
    }
  }

  void ReadParameters(Item& item) {
    const YamlNode* given = item.mapping.Member("parameters");
    Requirement& requirement = item.requirement;
    if (given != nullptr && given->kind != YamlNode::Kind::kMapping) {
      item.mapping.AddProblem(*given, "parameters", "expected a mapping of parameter names to values, got " + base::Describe(*given));
      item.good = false;
      return;
    }
    if (!requirement.definition && !item.initiative) {
      return;
    }
    if (requirement.source == FindingSource::kAzurePolicy && given != nullptr) {
      item.mapping.AddProblem(*given, "parameters", "are those of the assignment in Azure with source: azurePolicy; leave them out");
      return;
    }
    if (item.initiative) {
      // One that none of the definitions here is given need not be there: MemberParameters says what is missing.
      std::vector<ParameterDefinition> parameters = item.initiative->parameters;
      for (ParameterDefinition& parameter : parameters) {
        parameter.used = false;
      }
      const auto bind = [&](const nlohmann::json& values) { return BindParameters(item.initiative->name, parameters, values); };
      if (auto bound = BindAt(item.mapping, given, bind)) {
        item.parameters = std::move(*bound);
      } else {
        item.good = false;
      }
    } else if (requirement.source == FindingSource::kRegistry) {
      const auto bind = [&](const nlohmann::json& values) { return BindToJudge(*requirement.definition, values); };
      if (auto bound = BindAt(item.mapping, given, bind)) {
        requirement.parameters = std::move(*bound);
      }
    }
  }

  static std::optional<nlohmann::json> BindAt(YamlMapping& mapping, const YamlNode* given, const Bind& bind) {
    auto bound = bind(given == nullptr ? nlohmann::json::object() : base::ToJson(*given));
    if (bound) {
      return std::move(*bound);
    }
    ReportParameters(mapping, bind, given, bound.error());
    return std::nullopt;
  }

  // BindParameters says what is wrong, not where: a message that one parameter causes by itself belongs to its value, any
  // other (a parameter is missing) to the requirement.
  static void ReportParameters(YamlMapping& mapping, const Bind& bind, const YamlNode* given, const std::vector<std::string>& messages) {
    std::set<std::string> unplaced(messages.begin(), messages.end());
    if (given != nullptr) {
      const auto missing = bind(nlohmann::json::object());
      for (const auto& [key, value] : given->members) {
        const auto alone = bind(nlohmann::json{{key.text, base::ToJson(value)}});
        if (alone) {
          continue;
        }
        for (const std::string& message : alone.error()) {
          const bool of_another = !missing && std::find(missing.error().begin(), missing.error().end(), message) != missing.error().end();
          if (!of_another && unplaced.erase(message) > 0) {
            mapping.AddProblem(value, "parameters", message);
          }
        }
      }
    }
    for (const std::string& message : unplaced) {
      mapping.AddProblem(given == nullptr ? mapping.node() : *given, "parameters", message);
    }
  }

  // Whether the policy requires the definition by itself wherever the initiative does.
  bool IsRequiredByItself(const Requirement& member) const {
    return std::ranges::any_of(by_themselves_, [&](const Requirement& other) {
      return other.definition == member.definition && (other.scopes == Scopes{} || other.scopes == member.scopes);
    });
  }

  void Expand(Item& item) {
    if (!item.good) {
      return;
    }
    const Initiative& initiative = *item.initiative;
    InitiativeUse use{item.initiative, item.requirement.group.empty() ? initiative.name : item.requirement.group};
    std::map<const Definition*, int> times;  // that the set holds the definition
    std::vector<std::shared_ptr<const Definition>> found;
    for (const InitiativeMember& member : initiative.members) {
      found.push_back(FindMemberDefinition(definitions_, member));
      ++times[found.back().get()];
    }
    const std::size_t problems_before = problems_.size();
    for (std::size_t i = 0; i < found.size(); ++i) {
      const InitiativeMember& member = initiative.members[i];
      if (!found[i]) {
        use.not_loaded.push_back(member.reference_id);
        continue;
      }
      Requirement requirement = item.requirement;
      requirement.definition = found[i];
      requirement.initiative = item.initiative;
      const bool alone =
          times[found[i].get()] == 1 && std::ranges::find(by_themselves_, found[i], &Requirement::definition) == by_themselves_.end();
      requirement.name = (requirement.group.empty() ? "" : requirement.group + "/") + (alone ? found[i]->name : member.reference_id);
      ExpandMember(item, member, std::move(requirement), use);
    }
    if (use.required.empty() && use.elsewhere.empty() && problems_.size() == problems_before) {
      item.mapping.AddProblem(*item.mapping.Member("initiative"), "initiative", "asks for nothing: " + Describe(use));
    }
    loaded_.initiatives.push_back(std::move(use));
  }

  void ExpandMember(Item& item, const InitiativeMember& member, Requirement requirement, InitiativeUse& use) {
    const Definition& definition = *requirement.definition;
    const auto wrong = [&](const std::string& message) {
      item.mapping.AddProblem(*item.mapping.Member("initiative"), "initiative", Quoted(member.reference_id) + ": " + message);
    };
    const auto given = MemberParameters(*item.initiative, member, item.parameters);
    if (!given) {
      wrong(given.error());
      return;
    }
    auto bound = BindParameters(definition, *given);
    if (!bound) {
      for (const std::string& message : bound.error()) {
        wrong(message);
      }
      return;
    }
    if (IsSwitchedOff(definition, *bound)) {
      use.switched_off.push_back(member.reference_id);
      return;
    }
    // Azure's own states tell of more than the definition's `if`: attestations too.
    if (requirement.source == FindingSource::kRegistry && !WhyItJudgesNothing(definition, *bound).empty()) {
      use.judging_nothing.push_back(member.reference_id);
      return;
    }
    if (IsRequiredByItself(requirement)) {
      use.elsewhere.push_back(member.reference_id);
      return;
    }
    if (requirement.source == FindingSource::kAzurePolicy) {
      if (definition.id.empty()) {
        wrong(NotAzures(definition));
        return;
      }
    } else {
      requirement.parameters = std::move(*bound);
    }
    if (const std::string problem = NameProblem(requirement.name); !problem.empty()) {
      wrong(problem);
      return;
    }
    std::string name = requirement.name;
    switch (Add(item, "initiative", std::move(requirement))) {
      case Added::kNew:
        use.required.push_back(std::move(name));
        break;
      case Added::kSame:
        use.elsewhere.push_back(member.reference_id);
        break;
      case Added::kTaken:
        break;
    }
  }

  enum class Added { kNew, kSame, kTaken };

  // `key` is what gives it its name.
  Added Add(Item& item, std::string_view key, Requirement requirement) {
    const Definition& definition = *requirement.definition;
    const bool own_name = IsDecisionsOwnName(requirement.name);
    if (own_name && key == "definition") {
      item.mapping.AddProblem(*item.mapping.Member(key), key,
                              Quoted(requirement.name) + " is a name that decisions use themselves; rename the definition's file");
    }
    requirement.rule = requirement.source == FindingSource::kAzurePolicy
                           ? base::Sha256(definition.digest + "azurePolicy")
                           : base::Sha256(definition.digest + base::DumpJson(requirement.parameters));
    const auto [first, is_new] = lines_.emplace(base::AsciiLower(requirement.name), item.mapping.node().line);
    if (!is_new) {
      const auto other = std::ranges::find_if(loaded_.requirements,
                                              [&](const Requirement& r) { return base::EqualsIgnoreAsciiCase(r.name, requirement.name); });
      const bool same = key == "initiative" && other->rule == requirement.rule && other->effect == requirement.effect &&
                        other->scopes == requirement.scopes;
      if (!same) {
        item.mapping.AddProblem(*item.mapping.Member(key), key,
                                Quoted(requirement.name) + " is required already, in line " + std::to_string(first->second) +
                                    "; give one of them a name of its own, with name:");
      }
      return same ? Added::kSame : Added::kTaken;
    }
    loaded_.requirements.push_back(std::move(requirement));
    return Added::kNew;
  }

  const std::string_view file_;
  const DefinitionSet& definitions_;
  base::Problems& problems_;
  std::vector<Requirement> by_themselves_;
  std::map<std::string, int> lines_;  // of the names, in lower case
  LoadedRequirements loaded_;
};

}  // namespace

LoadedRequirements ReadRequirements(YamlMapping& document, std::string_view file, const DefinitionSet& definitions,
                                    base::Problems& problems) {
  return RequirementsReader(file, definitions, problems).Read(document);
}

}  // namespace policy
