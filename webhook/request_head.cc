#include "webhook/request_head.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/time.h"

namespace webhook {
namespace {

namespace http = boost::beast::http;

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

tl::unexpected<Refusal> Refuse(RefusedRequest reason, unsigned status, std::string message, std::string_view allow = {}) {
  return tl::unexpected(Refusal{reason, status, std::move(message), allow});
}

// "application/json", with or without parameters.
bool IsJson(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) {
    type.remove_suffix(1);
  }
  return base::EqualsIgnoreAsciiCase(type, "application/json");
}

std::optional<std::chrono::microseconds> Timeout(std::string_view query) {
  static constexpr std::string_view kKey = "timeout=";
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    if (parameter.substr(0, kKey.size()) == kKey) {
      return base::ParseDuration(parameter.substr(kKey.size()));
    }
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
  }
  return std::nullopt;
}

// RFC 6750: one token of its letters. "" when there is none, or something else.
std::string BearerToken(std::string_view authorization) {
  static constexpr std::string_view kScheme = "Bearer ";
  static constexpr std::string_view kOthers = "-._~+/=";
  if (!base::EqualsIgnoreAsciiCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return "";
  }
  const std::string_view token = authorization.substr(kScheme.size());
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
  return plain ? std::string(token) : "";
}

tl::expected<RequestHead, Refusal> JudgeAuditHead(const HttpHead& head, bool keep_alive, std::size_t target_bytes) {
  const std::string_view target = View(head.target());
  const AuditEndpoint endpoint = AuditEndpointOf(target);
  const auto refuse = [endpoint](unsigned status, std::string message) {
    return tl::unexpected(Refusal{.status = status, .message = std::move(message), .audit = endpoint});
  };
  if (endpoint == AuditEndpoint::kOther) {
    return refuse(404, "there are /audit/v1/decisions, /audit/v1/decisions/{uid} and /audit/v1/summary");
  }
  if (head.method() != http::verb::get) {
    Refusal refusal{.status = 405, .message = "the audit log is read by GET, and written by nobody", .allow = "GET", .audit = endpoint};
    return tl::unexpected(std::move(refusal));
  }
  if (target.size() > target_bytes) {
    return refuse(400, "path and query are longer than " + std::to_string(target_bytes) + " bytes");
  }
  const std::string_view length = View(head[http::field::content_length]);
  if (head.count(http::field::transfer_encoding) != 0 || length.find_first_not_of('0') != std::string_view::npos) {
    return refuse(400, "a body is not taken; the filters are query parameters");
  }
  if (head.count(http::field::authorization) > 1) {
    return refuse(400, "more than one Authorization header");
  }
  RequestHead result;
  result.keep_alive = head.version() == 11 && keep_alive;
  result.audit = AuditRequest{.target = std::string(target), .token = BearerToken(View(head[http::field::authorization])), .peer = {}};
  if (result.audit->token.empty()) {
    // At once: who shows nothing takes no place from those who do.
    Refusal refusal{.status = 401, .message = "a bearer token is needed: Authorization: Bearer TOKEN; get one with kubectl create token"};
    refusal.challenge = true;
    refusal.audit = endpoint;
    return tl::unexpected(std::move(refusal));
  }
  return result;
}

}  // namespace

tl::expected<RequestHead, Refusal> JudgeHead(const HttpHead& head, bool keep_alive, std::size_t audit_target_bytes) {
  const unsigned version = head.version();
  if (version != 10 && version != 11) {
    return Refuse(RefusedRequest::kBadHead, 400, "this server speaks HTTP/1.1");
  }
  if (version == 11 && head.count(http::field::host) != 1) {
    return Refuse(RefusedRequest::kBadHead, 400, "exactly one Host header is needed");
  }

  const std::string_view target = View(head.target());
  if (audit_target_bytes > 0 && target.starts_with(kAuditRoot)) {
    return JudgeAuditHead(head, keep_alive, audit_target_bytes);
  }
  const std::size_t question = target.find('?');
  if (target.substr(0, question) != "/validate") {
    return Refuse(
        RefusedRequest::kNotFound, 404,
        audit_target_bytes == 0 ? "there is POST /validate, and nothing else" : "there are POST /validate and GET /audit/v1/decisions");
  }
  if (head.method() != http::verb::post) {
    return Refuse(RefusedRequest::kMethod, 405, "an AdmissionReview is sent by POST", "POST");
  }

  if (head.count(http::field::content_type) != 1 || !IsJson(View(head[http::field::content_type]))) {
    return Refuse(RefusedRequest::kMediaType, 415, "the Content-Type must be application/json");
  }
  if (head.count(http::field::content_encoding) != 0) {
    return Refuse(RefusedRequest::kMediaType, 415, "a Content-Encoding is not taken");
  }

  const std::size_t codings = head.count(http::field::transfer_encoding);
  if (codings > 1 || (codings == 1 && version == 10)) {
    return Refuse(RefusedRequest::kTransferCoding, 400, "one Transfer-Encoding at most, and of HTTP/1.1 alone");
  }
  if (codings == 1 && !base::EqualsIgnoreAsciiCase(View(head[http::field::transfer_encoding]), "chunked")) {
    return Refuse(RefusedRequest::kTransferCoding, 501, "the only Transfer-Encoding that is taken is chunked");
  }
  const std::size_t lengths = head.count(http::field::content_length);
  if (lengths > 1) {
    return Refuse(RefusedRequest::kBadHead, 400, "more than one Content-Length");
  }
  if (codings + lengths == 0) {
    return Refuse(RefusedRequest::kLengthRequired, 411, "a body is needed, with a Content-Length or chunked");
  }

  RequestHead result;
  const std::string_view expect = View(head[http::field::expect]);
  result.expects_continue = version == 11 && base::EqualsIgnoreAsciiCase(expect, "100-continue");
  if (!expect.empty() && version == 11 && !result.expects_continue) {
    return Refuse(RefusedRequest::kExpectation, 417, "the only Expect that is met is 100-continue");
  }
  if (question != std::string_view::npos) {
    result.timeout = Timeout(target.substr(question + 1));
  }
  result.keep_alive = version == 11 && keep_alive;
  return result;
}

}  // namespace webhook
