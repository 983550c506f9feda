// The kinds of resources below a registry that definitions judge, and what rules may ask of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace policy {

struct ChildKind {
  std::string_view name;  // the type's last part, as Azure writes it: "tokens"
  std::string_view type;  // "Microsoft.ContainerRegistry/registries/tokens"
  // They stand in the registry's own body, whole: nothing has to be read for them.
  bool is_inline = false;
  // They have tags and a location: definitions with the mode Indexed judge these alone.
  bool is_indexed = false;
  // What aliases name, without the type before it: paths of members, `properties` left out.
  std::span<const std::string_view> aliases{};
};

// All kinds, in one order for everybody.
std::span<const ChildKind> ChildKinds();

// "cacheRules, connectedRegistries, …", for messages.
std::string NamesOfChildKinds();

// By name or by type, without regard to case; null when there is none.
const ChildKind* FindChildKind(std::string_view name);
const ChildKind* FindChildKindByType(std::string_view type);

}  // namespace policy
