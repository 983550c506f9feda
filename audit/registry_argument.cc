#include "audit/registry_argument.h"

#include <cstddef>
#include <utility>

#include "base/text.h"
#include "policy/image_reference.h"

namespace audit {
namespace {

constexpr std::size_t kShownBytes = 64;  // of what is no host

}  // namespace

base::Result<std::string> ParseRegistryArgument(std::string_view name, std::string_view text) {
  if (text.ends_with('*')) {
    return base::AsciiLower(text);
  }
  std::string host = policy::FoldRegistryHost(text);
  if (host.empty() || policy::FoldRegistryHost(host) != host) {  // a second port
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      std::string(name) + " " + base::Printable(text, kShownBytes) + ": is no registry host",
                      "give a host (contoso.azurecr.io), or the beginning of one followed by '*'");
  }
  return host;
}

}  // namespace audit
