// Whether asking Azure once more could turn a denial: a registry that was mended a moment ago is not known to be yet. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/decision.h"

namespace policy {

// Facts so young are taken for what Azure would say now.
inline constexpr std::chrono::seconds kFreshFor{5};

// The login servers about which fresher facts could turn this denial: distinct, in the order of the images. They could when
// every image that denies does so by findings about its registry alone (its verdict's, `staleVerdict`, `unknownRegistry`; not
// those by Azure Policy's states, which Azure evaluates when it will) and what is known of that registry, or of the children of it that
// are judged, is nothing, or older than kFreshFor, or from the future, as after a clock's step. Else empty: asking would change nothing, or
// there is no denial.
std::vector<std::string> NeedsFresh(const Decision& decision, base::Time now);

}  // namespace policy
