// The HTTP client: one interface for Azure, Entra and the Kubernetes API, so that each can be tested with a scripted one
// (tests/support/scripted_http.h). network_client.h is the real one.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  // absolute, http or https
  // Host, Content-Length, User-Agent and what else belongs to the connection is the client's business: refused here.
  Headers headers;
  std::string body;
  // For all of it: name resolution, connecting, TLS, sending, and the last byte of the answer.
  std::chrono::milliseconds deadline = std::chrono::seconds(30);
  std::size_t max_response_bytes = std::size_t{16} << 20;  // of the body
  bool use_proxy = true;                                   // false for link-local metadata services
  // Where it is set, a 2xx answer's body goes here piece by piece as it comes, of any length, and none of it into the Response. False
  // ends the exchange: the Response is what came until then. Called by the Send that it was given to.
  std::function<bool(std::string_view piece)> sink{};
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;

  // The first header of that name, without regard to case; "" when there is none.
  std::string_view Header(std::string_view name) const;
};

// Safe for concurrent use. Blocks for at most the request's deadline. Redirects are never followed: the answer is returned.
// An error (kUnavailable; kInvalidArgument for a request that cannot be sent) says which phase failed and names the host,
// never a path, a header's or a body's content: those hold credentials.
class Client {
 public:
  virtual ~Client() = default;
  virtual base::Result<Response> Send(const Request& request) = 0;
};

}  // namespace http
