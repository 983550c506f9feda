#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "policy/definition.h"

namespace policy {
namespace {

// Each is {short name, text of policy/definitions/NAME.json}.
constexpr auto kFiles = std::to_array<std::pair<std::string_view, std::string_view>>({
#include "policy/built_in_definitions.inc"
});

std::vector<std::shared_ptr<const Definition>> ParseAll() {
  std::vector<std::shared_ptr<const Definition>> definitions;
  for (const auto& [name, text] : kFiles) {
    auto definition = ParseDefinition(text, std::string(name) + ".json", std::string(name));
    if (!definition) {
      std::abort();  // the files are part of this program
    }
    definitions.push_back(std::move(*definition));
  }
  return definitions;
}

}  // namespace

const std::vector<std::shared_ptr<const Definition>>& BuiltInDefinitions() {
  static const std::vector<std::shared_ptr<const Definition>> definitions = ParseAll();
  return definitions;
}

}  // namespace policy
