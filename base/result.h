// Errors as values. No exception crosses a room's border: what a third-party library throws is turned into an Error at
// the one wrapper that calls it.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace base {

enum class ErrorCode {
  kInvalidArgument,  // what was given is wrong, and will be wrong the next time too
  kNotFound,
  kUnavailable,  // the world outside failed: may work later
  kInternal,     // a defect of ours
};

// What happened (with where: file, line, field path) and what to do about it. `remedy` may be empty.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string remedy;

  // "message; remedy", for a log line or a terminal.
  std::string ToString() const { return remedy.empty() ? message : message + "; " + remedy; }
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> Fail(ErrorCode code, std::string message, std::string remedy = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(remedy)});
}

}  // namespace base
