// One HTTP/1.1 request and its answer on one connection.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"
#include "http/connection.h"

namespace http {

// Status line and headers; Azure's are 2 to 4 KiB.
inline constexpr std::size_t kMaxResponseHeadBytes = std::size_t{32} << 10;
// Interim answers (103 Early Hints) before the real one.
inline constexpr int kMaxInterimResponses = 8;

struct Exchange {
  base::Result<Response> response;
  // What decides whether a request may be sent again after a failure.
  bool sent_whole = false;  // the peer may have got all of the request
  bool answered = false;    // at least one byte of an answer came
  bool reusable = false;    // the connection may carry another request
};

enum class Body { kRead, kNone };  // kNone: the answer to HEAD and CONNECT has none, whatever its headers say

// How an answer's body is taken.
struct BodyReading {
  Body body = Body::kRead;
  std::size_t max_bytes = 0;
  const std::function<bool(std::string_view)>* sink = nullptr;  // Request::sink; null: into the Response
};

// `text` is the request as it goes over the wire. A coded body (gzip) is refused: none was asked for, and a few of its bytes
// can become gigabytes.
Exchange Perform(Connection& connection, std::string_view text, const BodyReading& reading, const base::Until& until);

}  // namespace http
