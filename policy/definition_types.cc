#include "policy/definition_types.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/definition_alias.h"
#include "policy/definition_compare.h"

namespace policy {
namespace {

using nlohmann::json;

// Of no rule's: one that can be true for it can be so for resources of any type.
constexpr std::string_view kAnyOtherType = "Microsoft.Example/things";

// Whether the rule can be true for a resource of the type, as far as its `type` conditions alone tell; nothing: they do not.
std::optional<bool> TrueByType(const Rule& rule, std::string_view type) {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    const Field* field = std::get_if<Field>(&condition->left);
    const json* literal = std::get_if<json>(&condition->right.value);
    if (field == nullptr || literal == nullptr || field->location.text != "type") {
      return std::nullopt;
    }
    return Compare(condition->comparison, condition->negated, json(type), *literal) == Outcome::kTrue;
  }
  const Logical& logical = std::get<Logical>(rule.node);
  if (logical.op == Logical::Operator::kNot) {
    const std::optional<bool> inner = TrueByType(logical.rules.front(), type);
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  const bool decides = logical.op == Logical::Operator::kAnyOf;  // the value that one member alone brings about
  std::optional<bool> all = !decides;
  for (const Rule& member : logical.rules) {
    const std::optional<bool> value = TrueByType(member, type);
    if (value == decides) {
      return decides;
    }
    if (!value) {
      all.reset();
    }
  }
  return all;
}

bool CanBeTrueFor(const Rule& rule, std::string_view type) { return TrueByType(rule, type) != false; }

// Of a rule that its type conditions leave open.
tl::expected<JudgedTypes, std::string> TypesOfAliases(const CompiledRule& rule, const std::string& path) {
  if (rule.alias_kinds.size() > 1) {
    std::string names;
    for (const ChildKind* kind : rule.alias_kinds) {
      names += (names.empty() ? "" : ", ") + std::string(TypeOf(kind));
    }
    return tl::unexpected(path + ": the rule names aliases of several types (" + names + "), and no type condition chooses between them");
  }
  if (rule.alias_kinds.empty() && !rule.computed_type.empty()) {
    return tl::unexpected(
        rule.computed_type +
        ": only a literal tells whether the rule is about registries or about which of their children, and the rule names no "
        "alias of any of them; write the type out (\"" +
        std::string(kRegistryType) + "\")");
  }
  const ChildKind* kind = rule.alias_kinds.empty() ? nullptr : *rule.alias_kinds.begin();
  JudgedTypes types;
  if (!CanBeTrueFor(*rule.rule, TypeOf(kind))) {
    types.registry = false;
  } else if (kind != nullptr) {
    types = {.registry = false, .children = {kind}};
  }
  return types;
}

}  // namespace

std::string_view TypeOf(const ChildKind* kind) { return kind == nullptr ? kRegistryType : kind->type; }

tl::expected<JudgedTypes, std::string> TypesJudged(const CompiledRule& rule, bool indexed, const std::string& path) {
  JudgedTypes types;
  if (CanBeTrueFor(*rule.rule, kAnyOtherType)) {
    tl::expected<JudgedTypes, std::string> of_aliases = TypesOfAliases(rule, path);
    if (!of_aliases) {
      return of_aliases;
    }
    types = std::move(*of_aliases);
  } else {
    types.registry = CanBeTrueFor(*rule.rule, kRegistryType);
    for (const ChildKind& kind : ChildKinds()) {
      if (CanBeTrueFor(*rule.rule, kind.type)) {
        types.children.push_back(&kind);
      }
    }
  }
  if (!types.registry && types.children.empty()) {
    return tl::unexpected(path + ": the rule's type conditions leave out " + std::string(kRegistryType) + " and its children (" +
                          NamesOfChildKinds() + "): it is about another kind of resource and would find every registry compliant");
  }
  const bool any_indexed = types.registry || std::ranges::any_of(types.children, &ChildKind::is_indexed);
  if (indexed && any_indexed) {
    std::erase_if(types.children, [](const ChildKind* kind) { return !kind->is_indexed; });
  }
  return types;
}

}  // namespace policy
