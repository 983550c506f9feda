// How long a server asks to be left alone.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"
#include "http/client.h"

namespace http {

// Longer waits are cut to this: Azure's longest window is an hour, and a nonsense value must not silence us for good.
inline constexpr std::chrono::milliseconds kMaxRetryAfter = std::chrono::hours(1);

// From `retry-after-ms` or `x-ms-retry-after-ms` (milliseconds, Azure's), else `Retry-After` in seconds or as an HTTP date
// (IMF-fixdate of RFC 9110, the one form that may still be sent). A date that is past is 0. Nothing when there is no such
// header or none that can be read.
std::optional<std::chrono::milliseconds> RetryAfter(const Response& response, base::Time now);

}  // namespace http
