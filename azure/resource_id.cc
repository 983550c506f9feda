#include "azure/resource_id.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"
#include "http/url.h"

namespace azure {
namespace {

// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
constexpr std::size_t kMaxResourceGroupBytes = 4 * 90;  // 90 characters
constexpr std::size_t kMaxRegistryNameBytes = 50;
constexpr std::size_t kMaxManagementGroupBytes = 90;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A full stop at the end is forbidden to it, so "." and ".." are no names.
bool IsResourceGroup(std::string_view text) {
  return !text.empty() && text.size() <= kMaxResourceGroupBytes && text.back() != '.' && std::ranges::all_of(text, [](char c) {
    return IsAlphanumeric(c) || std::string_view("-_.()").find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool IsRegistryName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRegistryNameBytes &&
         std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || c == '-'; });
}

}  // namespace

bool IsSubscriptionId(std::string_view text) {
  constexpr std::string_view kShape = "00000000-0000-0000-0000-000000000000";
  return std::ranges::equal(text, kShape, [](char c, char shape) { return shape == '-' ? c == '-' : IsHexDigit(c); });
}

bool IsManagementGroup(std::string_view text) {
  return !text.empty() && text.size() <= kMaxManagementGroupBytes &&
         std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || std::string_view("-_().").find(c) != std::string_view::npos; });
}

std::string RegistryId::Path() const {
  return "/subscriptions/" + subscription + "/resourceGroups/" + http::PercentEncode(resource_group) +
         "/providers/Microsoft.ContainerRegistry/registries/" + name;
}

std::optional<RegistryId> ParseRegistryId(std::string_view id) {
  // "": what a name stands for.
  constexpr auto kSteps = std::to_array<std::string_view>(
      {"subscriptions", "", "resourceGroups", "", "providers", "Microsoft.ContainerRegistry", "registries", ""});
  std::array<std::string_view, kSteps.size()> parts;
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    if (!id.starts_with('/')) {
      return std::nullopt;
    }
    id.remove_prefix(1);
    parts[i] = id.substr(0, id.find('/'));
    id.remove_prefix(parts[i].size());
    if (!kSteps[i].empty() && !base::EqualsIgnoreAsciiCase(parts[i], kSteps[i])) {
      return std::nullopt;
    }
  }
  if (!id.empty() || !IsSubscriptionId(parts[1]) || !IsResourceGroup(parts[3]) || !IsRegistryName(parts[7])) {
    return std::nullopt;
  }
  return RegistryId{std::string(parts[1]), std::string(parts[3]), std::string(parts[7])};
}

}  // namespace azure
