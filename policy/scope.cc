#include "policy/scope.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/yaml.h"

namespace policy {
namespace {

constexpr std::array<std::string_view, 9> kParts = {
    "", "subscriptions", "*", "resourceGroups", "*", "providers", "Microsoft.ContainerRegistry", "registries", "*"};

// How many parts an id of each kind has: a subscription, a resource group, a registry.
constexpr std::array<std::size_t, 3> kLengths = {3, 5, 9};

constexpr std::string_view kManagementGroups = "/providers/microsoft.management/managementgroups/";

}  // namespace

bool IsScopeId(std::string_view text) {
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    const std::size_t slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (kParts[i] == "*" ? part.empty() : !base::EqualsIgnoreAsciiCase(part, kParts[i])) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return std::ranges::find(kLengths, i + 1) != kLengths.end();
    }
    text.remove_prefix(slash + 1);
  }
  return false;
}

std::string WhyNoScopeId(std::string_view text) {
  if (base::AsciiLower(text).starts_with(kManagementGroups)) {
    return base::Quoted(text) + " is a management group, and which subscriptions lie below it is not known here: name these";
  }
  return "expected /subscriptions/ID, /subscriptions/ID/resourceGroups/GROUP or "
         "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ContainerRegistry/registries/NAME, got " +
         base::Quoted(text);
}

bool IsBelow(std::string_view scope, std::string_view resource_id) {
  return resource_id.size() >= scope.size() && base::EqualsIgnoreAsciiCase(resource_id.substr(0, scope.size()), scope) &&
         (resource_id.size() == scope.size() || resource_id[scope.size()] == '/');
}

bool Scopes::Contain(std::string_view resource_id) const {
  const auto holds_it = [&](const std::string& scope) { return IsBelow(scope, resource_id); };
  return (in.empty() || std::ranges::any_of(in, holds_it)) && std::ranges::none_of(not_in, holds_it);
}

}  // namespace policy
