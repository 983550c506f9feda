// Whether a request's head is one that the server answers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <tl/expected.hpp>

#include "webhook/http_answer.h"
#include "webhook/metrics.h"

namespace webhook {

struct Refusal {
  RefusedRequest reason = RefusedRequest::kBadHead;
  unsigned status = 400;
  std::string message;
  std::string_view allow = {};
  bool retry_after = false;
};

struct RequestHead {
  std::optional<std::chrono::microseconds> timeout;  // the caller's `?timeout=`, if it gave one that can be read
  bool expects_continue = false;
  bool keep_alive = false;
};

using HttpHead = boost::beast::http::request_header<boost::beast::http::fields>;

// The parser has refused what is no HTTP, a Content-Length beside a Transfer-Encoding, and two that differ.
tl::expected<RequestHead, Refusal> JudgeHead(const HttpHead& head, bool keep_alive);

}  // namespace webhook
