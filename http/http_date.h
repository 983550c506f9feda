// The dates of HTTP's headers.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace http {

// "Sun, 06 Nov 1994 08:49:37 GMT". The day's name is not compared with the date: the date is what counts.
std::optional<base::Time> ParseHttpDate(std::string_view text);

}  // namespace http
