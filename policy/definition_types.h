// Which resources a rule is about.
#pragma once

#include <set>
#include <string>

#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/definition_rule.h"

namespace policy {

// By the rule's `type` conditions, everything else being anything: the registry and those kinds of its children for which the rule can
// be true. A rule that can be true for resources of any type (required tags, allowed locations) is about what its aliases belong to, and
// about registries when it names none. `indexed`: the mode leaves out what has no tags and no location,
// unless the rule is about nothing else, as one of Azure's own is. The rule stands at `path`. The error begins with the path of what is
// wrong: the rule is about something else, or nothing tells which of several types it is about.
tl::expected<JudgedTypes, std::string> TypesJudged(const CompiledRule& rule, bool indexed, const std::string& path);

// "Microsoft.ContainerRegistry/registries/tokens"; null is the registry.
std::string_view TypeOf(const ChildKind* kind);

}  // namespace policy
