// Why Resource Manager gave no answer, in the kinds that lead to different things.
#pragma once

#include <chrono>
#include <string>

#include <tl/expected.hpp>

#include "base/result.h"
#include "http/client.h"

namespace azure {

// What is gone is removed, what is forbidden is kept and alarmed about, what failed is tried again.
struct ArmError {
  enum class Kind {
    kNotFound,     // 404 of the resource itself (in either of ARM's shapes), of its resource group or its subscription
    kForbidden,    // 401 after a fresh token, 403
    kThrottled,    // 429, or held back here because of an earlier answer: nothing was sent
    kUnavailable,  // 408, 5xx, connection, deadline, a redirect, an answer that is no JSON or not of the expected shape
    kRejected,     // any other 4xx: asking again brings the same
  };
  Kind kind = Kind::kUnavailable;
  int status = 0;              // HTTP; 0 when there was none
  std::string code, message;   // ARM's, bounded and printable
  std::string correlation_id;  // x-ms-correlation-request-id or x-ms-request-id
  std::string remedy;          // what to do: which role on which scope, …
  std::chrono::milliseconds retry_after{0};

  // "Azure answered 403 AuthorizationFailed: The client … (correlation id 5b1c…); assign …"
  std::string ToString() const;
};

template <class T>
using ArmResult = tl::expected<T, ArmError>;

// Of an answer that is no success. `retry_after` and `remedy` are the caller's to fill in.
ArmError ReadArmError(const http::Response& response);

// Of an answer that is not what was asked for, or of none.
[[nodiscard]] tl::unexpected<ArmError> Unavailable(std::string message, std::string remedy = {});
// Of what must not be sent.
[[nodiscard]] tl::unexpected<ArmError> Rejected(std::string message);

}  // namespace azure
