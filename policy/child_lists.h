// A registry's child resources (tokens, cache rules, …), as Azure Resource Manager lists them. They are no part of the registry's own
// body, and are read only when a definition in force asks for them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/time.h"

namespace policy {

// All children of one kind.
struct ChildList {
  base::Time observed{};    // when ARM was asked for them
  std::string resources{};  // a JSON array of ARM bodies (GET shape), on one line; "": they were never read
  std::string problem{};    // why not, and what to do; "" when they were read
};

// By kind, the last part of the type as Azure writes it ("tokens", "cacheRules"). A kind that is not in it was not asked for.
using ChildLists = std::map<std::string, ChildList, std::less<>>;

}  // namespace policy
