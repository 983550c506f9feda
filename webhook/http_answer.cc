#include "webhook/http_answer.h"

#include "base/json_writer.h"

namespace webhook {
namespace {

std::string_view Reason(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

constexpr std::size_t kHeadBytes = 320;

void AppendHead(const HttpAnswer& answer, std::string& out) {
  out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ").append(Reason(answer.status));
  out.append("\r\nContent-Type: ").append(answer.content_type);
  out.append("\r\nContent-Length: ").append(std::to_string(answer.body.size()));
  if (!answer.allow.empty()) {
    out.append("\r\nAllow: ").append(answer.allow);
  }
  if (answer.retry_after > 0) {
    out.append("\r\nRetry-After: ").append(std::to_string(answer.retry_after));
  }
  if (answer.challenge) {
    out.append("\r\nWWW-Authenticate: Bearer");
  }
  if (answer.no_store) {
    out.append("\r\nCache-Control: no-store");
  }
  if (answer.close) {
    out.append("\r\nConnection: close");
  }
  out.append("\r\n\r\n");
}

}  // namespace

std::string SerializeHead(const HttpAnswer& answer) {
  std::string out;
  out.reserve(kHeadBytes);
  AppendHead(answer, out);
  return out;
}

std::string Serialize(const HttpAnswer& answer) {
  std::string out;
  out.reserve(kHeadBytes + answer.body.size());
  AppendHead(answer, out);
  if (!answer.omit_body) {
    out.append(answer.body);
  }
  return out;
}

std::string ErrorBody(std::string_view message) {
  std::string out;
  base::JsonWriter(out).BeginObject().Key("error").String(message).EndObject();
  out.push_back('\n');
  return out;
}

}  // namespace webhook
