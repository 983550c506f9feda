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
  unsigned retry_after = 0;     // 429, 503: after so many seconds (the API server retries only when it is told when); 0: not said
  bool challenge = false;       // 401: that a bearer token is wanted
  bool no_store = false;        // nobody may keep it
  bool close = false;           // say so, and close
  bool omit_body = false;       // the answer to HEAD
};

// Head and body.
std::string Serialize(const HttpAnswer& answer);
// The head alone, of an answer whose body follows.
std::string SerializeHead(const HttpAnswer& answer);

// {"error": message}
std::string ErrorBody(std::string_view message);

}  // namespace webhook
