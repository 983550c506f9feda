// How the decoder is held against the reference decoder, for the test and the fuzzer alike.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/admission.h"

namespace support {

// The first thing in which the two disagree, "" when they agree. What was found beside something that is not understood
// is compared only in that both say so.
std::string DifferenceFromReference(const base::Result<policy::Admission>& decoded, std::string_view body);

}  // namespace support
