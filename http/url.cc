#include "http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace http {
namespace {

constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035, as text
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

tl::unexpected<base::Error> Invalid(std::string_view what) {
  return base::Fail(base::ErrorCode::kInvalidArgument, "not a URL: " + std::string(what));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsIpv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// An underscore is no host name's, but resolvers and private DNS zones know such names.
bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; });
}

// By the last label, as WHATWG's URL standard tells numbers from names: "1", "0x7f".
bool EndsInNumber(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  return std::all_of(last.begin(), last.end(), IsDigit) || last.starts_with("0x");
}

bool IsHostName(std::string_view host) {
  if (host.size() > kMaxHostBytes || EndsInNumber(host)) {
    return false;
  }
  for (;;) {
    const std::size_t dot = host.find('.');
    if (!IsLabel(host.substr(0, dot))) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    host.remove_prefix(dot + 1);
  }
}

std::string Bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

// "host", "host:port", "[v6]" or "[v6]:port"; leaves the port alone where there is none.
bool TakeAuthority(std::string_view authority, Url& url) {
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) {
      return false;
    }
    url.host = base::AsciiLower(authority.substr(1, end - 1));
    if (!IsIpv6(url.host)) {
      return false;
    }
    const std::string_view rest = authority.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') {
      return false;
    }
    port = rest.substr(has_port ? 1 : 0);
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    url.host = base::AsciiLower(authority.substr(0, colon));
    if (!IsIpv4(url.host) && !IsHostName(url.host)) {
      return false;
    }
    port = has_port ? authority.substr(colon + 1) : std::string_view();
  }
  if (!has_port) {
    return true;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

std::string Url::Authority() const {
  const bool own_port = port == (https() ? 443 : 80);
  return own_port ? Bracketed(host) : HostAndPort();
}

std::string Url::HostAndPort() const { return Bracketed(host) + ":" + std::to_string(port); }

base::Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kMaxUrlBytes) {
    return Invalid("longer than " + std::to_string(kMaxUrlBytes) + " bytes");
  }
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    return Invalid("it holds a space, a control character or one that is not ASCII");
  }
  Url url;
  const std::size_t scheme_end = text.find("://");
  url.scheme = base::AsciiLower(text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return Invalid("it does not begin with https:// or http://");
  }
  url.port = url.https() ? 443 : 80;
  std::string_view rest = text.substr(scheme_end + 3);
  if (rest.find('#') != std::string_view::npos) {
    return Invalid("it has a fragment");
  }
  const std::size_t authority_end = std::min(rest.find_first_of("/?\\"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return Invalid("it names a user");
  }
  if (!TakeAuthority(authority, url)) {
    return Invalid("its host or port is none");
  }
  rest.remove_prefix(authority_end);
  if (rest.starts_with('\\')) {
    return Invalid("a backslash follows its host");
  }
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

std::string PercentEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 0x0f];
    }
  }
  return out;
}

std::string EncodeForm(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += (out.empty() ? "" : "&") + PercentEncode(name) + "=" + PercentEncode(value);
  }
  return out;
}

}  // namespace http
