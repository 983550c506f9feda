// A registry and its children as definitions judge them: ARM bodies, each parsed once for all definitions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "policy/child_kinds.h"
#include "policy/child_lists.h"

namespace policy {

// All children of one kind.
struct ChildResources {
  std::vector<nlohmann::json> bodies;  // objects; each has its name, its last part alone, and its type
  std::string unknown;                 // why nobody knows which there are, and what to do; "": these are all
};

// Not for several threads at once.
class RegistryResources {
 public:
  // Of the registry's body and what was read of its children (null: nothing); both outlive this.
  RegistryResources(const nlohmann::json& body, const ChildLists* lists) : body_(body), lists_(lists) {}

  const nlohmann::json& body() const { return body_; }

  // Stays where it is.
  const ChildResources& Children(const ChildKind& kind);

 private:
  const nlohmann::json& body_;
  const ChildLists* lists_;
  std::map<std::string_view, ChildResources> parsed_;
};

// A child's name: its last part; "" when the body tells none.
std::string ChildName(const nlohmann::json& body);

// "contoso/ci" by the child's id; "" when it has none.
std::string ChildFullName(const nlohmann::json& body);

}  // namespace policy
