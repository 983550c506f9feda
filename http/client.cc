#include "http/client.h"

#include "base/text.h"

namespace http {

std::string_view Response::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (base::EqualsIgnoreAsciiCase(key, name)) {
      return value;
    }
  }
  return {};
}

}  // namespace http
