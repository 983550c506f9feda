// Absolute http and https URLs, read strictly, and the encoding of what goes into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace http {

// Azure's longest are `nextLink`s with a skip token of some kilobytes; servers refuse more than 8 to 16 KiB.
inline constexpr std::size_t kMaxUrlBytes = std::size_t{16} << 10;

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower-case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string target;  // path and query as they are sent: begins with "/"

  bool https() const { return scheme == "https"; }
  std::string Authority() const;    // for the Host header: IPv6 in brackets, the scheme's own port left out
  std::string HostAndPort() const;  // for CONNECT and for messages: always with the port
};

// Refused: anything but visible ASCII (so no CR, LF or space gets into a request), user information, fragments, empty
// labels, ports out of range, and hosts that only look like an IPv4 address ("127.1", "0x7f.0.0.1", "2130706433"), which
// resolvers take for one and rules about addresses do not. No error repeats the URL: its query may hold a secret.
base::Result<Url> ParseUrl(std::string_view text);

// Everything but RFC 3986's unreserved characters, a space too: "%20", never "+".
std::string PercentEncode(std::string_view text);

// "a=b&c=d", encoded: a query, or the body of application/x-www-form-urlencoded.
std::string EncodeForm(const std::vector<std::pair<std::string_view, std::string_view>>& fields);

}  // namespace http
