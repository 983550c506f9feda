// Whether a request's head is one that the server answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <tl/expected.hpp>

#include "webhook/audit_api.h"
#include "webhook/audit_endpoint.h"
#include "webhook/http_answer.h"
#include "webhook/metrics.h"

namespace webhook {

struct Refusal {
  RefusedRequest reason = RefusedRequest::kBadHead;
  unsigned status = 400;
  std::string message;
  std::string_view allow = {};
  bool retry_after = false;
  bool challenge = false;
  std::optional<AuditEndpoint> audit = {};  // it was the audit API that was asked: `reason` means nothing
};

struct RequestHead {
  std::optional<std::chrono::microseconds> timeout;  // the caller's `?timeout=`, if it gave one that can be read
  bool expects_continue = false;
  bool keep_alive = false;
  std::optional<AuditRequest> audit;  // the audit API is asked, and there is no body; its peer and deadline are not set
};

using HttpHead = boost::beast::http::request_header<boost::beast::http::fields>;

// The parser has refused what is no HTTP, a Content-Length beside a Transfer-Encoding, and two that differ. `audit_target_bytes`: of the
// audit API's targets; 0: there is no such API.
tl::expected<RequestHead, Refusal> JudgeHead(const HttpHead& head, bool keep_alive, std::size_t audit_target_bytes);

}  // namespace webhook
