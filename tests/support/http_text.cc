#include "tests/support/http_text.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "tests/support/loopback_server.h"

namespace support {
namespace {

// "" when the line is no header.
std::pair<std::string, std::string> ReadHeader(std::string_view line) {
  const std::size_t colon = line.find(": ");
  return colon == std::string_view::npos ? std::pair<std::string, std::string>{}
                                         : std::pair{std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))};
}

}  // namespace

http::Request ReadHttpRequest(std::string_view text, std::string_view scheme) {
  constexpr std::string_view kLineEnd = "\r\n";
  http::Request request;
  std::size_t end = text.find(kLineEnd);
  const std::string_view first = text.substr(0, end);
  const std::size_t method_end = std::min(first.find(' '), first.size());
  const std::size_t target_end = std::max(first.rfind(' '), method_end);
  request.method = first.substr(0, method_end);
  std::string host;
  for (text.remove_prefix(end + kLineEnd.size()); !text.starts_with(kLineEnd); text.remove_prefix(end + kLineEnd.size())) {
    end = text.find(kLineEnd);
    auto [name, value] = ReadHeader(text.substr(0, end));
    if (base::EqualsIgnoreAsciiCase(name, "Host")) {
      host = value;
    }
    request.headers.emplace_back(std::move(name), std::move(value));
  }
  request.body = text.substr(kLineEnd.size());
  const std::string_view target = first.substr(std::min(first.size(), method_end + 1), target_end - method_end - 1);
  request.url = std::string(scheme) + "://" + host + std::string(target);
  return request;
}

std::string WriteHttpResponse(const http::Response& response) {
  std::string headers;
  for (const auto& [name, value] : response.headers) {
    headers += name + ": " + value + "\r\n";
  }
  return Answer(response.status, response.body, headers);
}

}  // namespace support
