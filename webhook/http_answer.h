// What goes back to an HTTP client, as text.
#pragma once

#include <string>
#include <string_view>

namespace webhook {

struct HttpAnswer {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body = {};
  std::string_view allow = {};  // 405: the methods that there are
  bool retry_after = false;     // 503: after a second (the API server retries only when it is told when)
  bool close = false;           // say so, and close
  bool omit_body = false;       // the answer to HEAD
};

// Head and body.
std::string Serialize(const HttpAnswer& answer);

// {"error": message}
std::string ErrorBody(std::string_view message);

}  // namespace webhook
