#include "policy/resource_id.h"

#include <string>

#include "base/text.h"

namespace policy {

std::string_view ResourceIdPart(std::string_view id, std::string_view key) {
  const std::string wanted = "/" + base::AsciiLower(key) + "/";
  const std::size_t at = base::AsciiLower(id).find(wanted);
  if (at == std::string::npos) {
    return {};
  }
  id.remove_prefix(at + wanted.size());
  return id.substr(0, id.find('/'));
}

}  // namespace policy
