#include "policy/scope.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/yaml.h"

namespace policy {
namespace {

constexpr std::array<std::string_view, 9> kParts = {
    "", "subscriptions", "*", "resourceGroups", "*", "providers", "Microsoft.ContainerRegistry", "registries", "*"};

constexpr std::string_view kManagementGroups = "/providers/microsoft.management/managementgroups/";

}  // namespace

std::string_view ManagementGroupOf(std::string_view id) {
  if (!base::AsciiLower(id).starts_with(kManagementGroups)) {
    return {};
  }
  const std::string_view name = id.substr(kManagementGroups.size());
  return name.find('/') == std::string_view::npos ? name : std::string_view();
}

ScopeKind KindOfScope(std::string_view id) {
  if (!ManagementGroupOf(id).empty()) {
    return ScopeKind::kManagementGroup;
  }
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    const std::size_t slash = id.find('/');
    const std::string_view part = id.substr(0, slash);
    if (kParts[i] == "*" ? part.empty() : !base::EqualsIgnoreAsciiCase(part, kParts[i])) {
      return ScopeKind::kOther;
    }
    if (slash == std::string_view::npos) {
      return i == 2 ? ScopeKind::kSubscription : i == 4 ? ScopeKind::kResourceGroup : i == 8 ? ScopeKind::kRegistry : ScopeKind::kOther;
    }
    id.remove_prefix(slash + 1);
  }
  return ScopeKind::kBelowRegistry;
}

bool IsScopeId(std::string_view text) {
  const ScopeKind kind = KindOfScope(text);
  return kind == ScopeKind::kSubscription || kind == ScopeKind::kResourceGroup || kind == ScopeKind::kRegistry;
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
