// Texts as the policy language compares them: without regard to case, but for Match.
//
// Azure ignores the case of every letter, and its culture takes other characters for the same too. What the letters beyond ASCII are to it
// is not known here: where they might decide, an answer is kUnknown, never a guess.
#pragma once

#include <string_view>

#include "policy/outcome.h"

namespace policy {

Outcome EqualTexts(std::string_view a, std::string_view b);

// `pattern` has at most one '*', which stands for any characters; more is kFailed.
Outcome LikeText(std::string_view text, std::string_view pattern);

Outcome ContainsText(std::string_view text, std::string_view part);

enum class Case { kMatters, kIgnored };

// In `pattern` '#' is a digit, '?' a letter, '.' any character, everything else itself.
Outcome MatchText(std::string_view text, std::string_view pattern, Case letters);

}  // namespace policy
