// When a token that says so itself is over.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace kube {

// The claim `exp` of a JSON Web Token (RFC 7519), which nothing vouches for here: it can make a token be refused sooner, never be
// believed. Nothing when it is no such token, or says nothing of the kind: the API server knows others too.
std::optional<base::Time> TokenExpiry(std::string_view token);

}  // namespace kube
