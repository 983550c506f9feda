// Why the API server did not do what it was asked, in the kinds that lead to different things.
#pragma once

#include <chrono>
#include <string>

#include <tl/expected.hpp>

#include "base/result.h"
#include "base/time.h"
#include "http/client.h"

namespace kube {

// Of metav1.Status.
// https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind
struct ApiError {
  enum class Kind {
    kNotFound,         // the object, or the namespace that it would be in
    kAlreadyExists,    // somebody made it meanwhile
    kConflict,         // somebody changed it meanwhile; of an apply: another manager owns a field
    kExpired,          // 410: what continues a list, or the version to watch from, is too old. Begin anew.
    kUnauthorized,     // 401, also after the token was read again
    kForbidden,        // 403
    kInvalid,          // 422: the object is not what the API takes, or a policy refused it
    kTooManyRequests,  // 429
    kUnavailable,      // 408, 5xx, connection, deadline, a redirect, an answer that is not of the API's shape
    kRejected,         // any other 4xx, and what was not sent because it must not be: asking again brings the same
  };
  Kind kind = Kind::kUnavailable;
  int status = 0;                            // HTTP; 0 when there was none
  std::string reason, message;               // the API server's, bounded and printable
  std::string remedy;                        // what to do: which verb on what to grant, …
  std::chrono::milliseconds retry_after{0};  // 0 when none is told

  // "the API server answered 403 Forbidden: secrets "x" is forbidden: …; grant …"
  std::string ToString() const;
};

template <class T>
using ApiResult = tl::expected<T, ApiError>;

// Of an answer that is no success. `remedy` is the caller's to fill in.
ApiError ReadApiError(const http::Response& response, base::Time now);

// The verb that the API server says is not granted: "get" of `… cannot get resource "secrets" …`; "" when it says nothing such. It
// tells a missing role from other 403s (a quota, a namespace that is going), and an apply that may not create from one that may
// not patch.
std::string MissingVerb(const ApiError& error);

// Of an answer that is not what was asked for, or of none.
[[nodiscard]] tl::unexpected<ApiError> Unavailable(std::string message, std::string remedy = {});
// Of what must not be sent, or asked for again.
[[nodiscard]] tl::unexpected<ApiError> Rejected(std::string message, std::string remedy = {});
// Of the HTTP client's.
[[nodiscard]] tl::unexpected<ApiError> FromError(base::Error error);

}  // namespace kube
