// What people call the parts of a rule.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "policy/definition_rule.h"

namespace policy {

// The left side of a `value` condition, or a field whose name is computed.
std::string NameOf(const CompiledExpression& expression);
std::string NameOf(const Operand& operand);

// As text, without computing it: within a count there is no current element to compute it of.
nlohmann::json Unresolved(const Operand& operand);

// The left side of any condition.
std::string SubjectOf(const Condition& condition);

// A count's `where`, in words: "status is Approved".
std::string Words(const Rule& rule);

// What tells an element from the others: its name, or an IP rule's value, or all of it.
const nlohmann::json& Telling(const nlohmann::json& element);

}  // namespace policy
