// Image references a second time, as plainly as the grammar of distribution/reference can be written down. The scanner is held against
// it by a test and by a fuzzer; nothing is shared with it.
// https://github.com/distribution/reference/blob/main/reference.go
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/image_reference.h"

namespace support {

// Longer texts are not for it: it takes time by the cube of their length.
inline constexpr std::size_t kMaxGrammarBytes = 320;

// What containerd and the kubelet make of it (ParseNormalizedNamed); nothing where they refuse it. The registry is "" where the grammar
// finds no domain, and is as written otherwise.
std::optional<policy::ImageReference> ParseByGrammar(const std::string& text);

// The host under which a rule knows a registry, in another way than policy::FoldRegistryHost.
std::string FoldByRule(const std::string& host);

// The first thing in which policy::ParseImageReference and the grammar, with the rules that the product adds to it, disagree; "" when they
// agree.
std::string DifferenceFromGrammar(const base::Result<policy::ImageReference>& parsed, const std::string& text);

}  // namespace support
