// Definitions, initiatives, assignments and exemptions of Azure Policy, as Resource Manager prints them.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace support {

// `more` are properties beside `properties`, or instead of those of the same names.
inline nlohmann::json PolicyBody(const std::string& scope, const std::string& type, const std::string& name, nlohmann::json properties,
                                 const nlohmann::json& more) {
  properties.update(more);
  return {{"id", scope + "/providers/Microsoft.Authorization/" + type + "/" + name},
          {"type", "Microsoft.Authorization/" + type},
          {"name", name},
          {"properties", std::move(properties)}};
}

inline nlohmann::json PolicyAssignmentBody(const std::string& scope, const std::string& name, const std::string& definition_id,
                                           const nlohmann::json& properties = nlohmann::json::object()) {
  return PolicyBody(scope, "policyAssignments", name,
                    {{"displayName", name},
                     {"policyDefinitionId", definition_id},
                     {"scope", scope},
                     {"notScopes", nlohmann::json::array()},
                     {"parameters", nlohmann::json::object()},
                     {"enforcementMode", "Default"}},
                    properties);
}

inline nlohmann::json PolicyExemptionBody(const std::string& scope, const std::string& name, const std::string& assignment_id,
                                          const nlohmann::json& properties = nlohmann::json::object()) {
  return PolicyBody(scope, "policyExemptions", name,
                    {{"displayName", name}, {"policyAssignmentId", assignment_id}, {"exemptionCategory", "Waiver"}}, properties);
}

// `scope` "": built in.
inline nlohmann::json PolicyDefinitionBody(const std::string& scope, const std::string& name, const nlohmann::json& properties) {
  return PolicyBody(scope, "policyDefinitions", name,
                    {{"displayName", name}, {"policyType", scope.empty() ? "BuiltIn" : "Custom"}, {"mode", "Indexed"}}, properties);
}

inline nlohmann::json PolicyInitiativeBody(const std::string& scope, const std::string& name, const nlohmann::json& properties) {
  return PolicyBody(scope, "policySetDefinitions", name, {{"displayName", name}, {"policyType", scope.empty() ? "BuiltIn" : "Custom"}},
                    properties);
}

}  // namespace support
