// Lists a registry's child resources of one kind (tokens, cache rules, …), as Resource Manager has them.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "azure/arm_error.h"
#include "azure/paging.h"
#include "base/clock.h"
#include "policy/child_lists.h"

namespace azure {

class Arm;

// Of one list. Azure allows a registry 50,000 tokens and as many scope maps, and few have more than some dozens; each is about
// 1 KB, kept for as long as a definition asks for them. A list that is longer is told as a problem, never cut: what is behind
// the cut might be what a definition looks for.
inline constexpr std::size_t kMaxChildren = 10'000;
inline constexpr std::size_t kMaxChildrenBytes = std::size_t{8} << 20;
// An answer that goes on for longer goes round in circles.
inline constexpr std::size_t kMaxChildrenPages = 200;

// All children of that kind, all pages: all of them or an error. `kind` is the name of a policy::ChildKind that does not stand in the
// registry's own body; with any other nothing is sent. A kind that this api-version lacks is an error that names both. Blocks; safe for
// concurrent use.
ArmResult<policy::ChildList> ReadChildren(Arm& arm, const base::Clock& clock, const Pause& pause, std::string_view api_version,
                                          const std::string& resource_id, std::string_view kind, std::chrono::milliseconds deadline);

}  // namespace azure
