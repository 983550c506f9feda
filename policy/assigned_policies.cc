#include "policy/assigned_policies.h"

#include "base/text.h"

namespace policy {
namespace {

constexpr std::string_view kProvider = "/providers/microsoft.authorization/";

}  // namespace

std::optional<AuthorizationId> ParseAuthorizationId(std::string_view id) {
  const std::size_t provider = base::AsciiLower(id).rfind(kProvider);
  if (provider == std::string::npos) {
    return std::nullopt;
  }
  const std::string_view rest = id.substr(provider + kProvider.size());
  const std::size_t slash = rest.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == rest.size() || rest.find('/', slash + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return AuthorizationId{id.substr(0, provider), rest.substr(0, slash), rest.substr(slash + 1)};
}

}  // namespace policy
