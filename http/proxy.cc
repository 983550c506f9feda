#include "http/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/base64.h"
#include "base/text.h"

namespace http {
namespace {

constexpr int kMappedBits = 96;  // what stands before the IPv4 address in ::ffff:a.b.c.d

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (text.size() - i < 3) {
      return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc() || end != text.data() + i + 3) {
      return std::nullopt;
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

tl::unexpected<base::Error> BadProxy(std::string_view variable, std::string_view what) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::string(variable) + ": " + std::string(what),
                    "write it as http://host:port or http://user:password@host:port");
}

base::Result<std::optional<Proxy>> ParseProxy(std::string_view variable, std::string_view value) {
  std::string text(Trim(value));
  if (text.empty()) {
    return std::nullopt;
  }
  if (text.find("://") == std::string::npos) {
    text = "http://" + text;
  }
  const std::size_t authority = text.find("://") + 3;
  const std::size_t authority_end = std::min(text.find_first_of("/?#", authority), text.size());
  Proxy proxy;
  const std::size_t at = text.rfind('@', authority_end);
  if (at != std::string::npos && at >= authority) {
    const auto credentials = PercentDecode(std::string_view(text).substr(authority, at - authority));
    if (!credentials) {
      return BadProxy(variable, "its user or password holds a % that is no escape");
    }
    // RFC 7617: "user:password", the password may be empty.
    proxy.authorization = "Basic " + base::EncodeBase64(credentials->find(':') == std::string::npos ? *credentials + ":" : *credentials);
    text.erase(authority, at + 1 - authority);
  }
  const base::Result<Url> url = ParseUrl(text);
  if (!url) {
    return BadProxy(variable, url.error().message);
  }
  if (url->https()) {
    return BadProxy(variable, "a proxy that is itself reached over TLS is not supported");
  }
  proxy.host = url->host;
  proxy.port = url->port;
  return proxy;
}

// As Go's net.SplitHostPort: exactly one colon outside brackets. False when there is no port.
bool SplitHostPort(const std::string& text, std::string& host, std::string& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return false;
  }
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string::npos || bracket + 1 != colon) {
      return false;
    }
    host = text.substr(1, bracket - 1);
  } else {
    if (text.find(':') != colon) {
      return false;
    }
    host = text.substr(0, colon);
  }
  port = text.substr(colon + 1);
  return true;
}

}  // namespace

base::Result<ProxyRules> ProxyRules::Parse(const ProxySettings& settings) {
  ProxyRules rules;
  base::Result<std::optional<Proxy>> https = ParseProxy("HTTPS_PROXY", settings.https_proxy);
  if (!https) {
    return tl::unexpected(https.error());
  }
  base::Result<std::optional<Proxy>> http = ParseProxy("HTTP_PROXY", settings.http_proxy);
  if (!http) {
    return tl::unexpected(http.error());
  }
  rules.https_ = *std::move(https);
  rules.http_ = *std::move(http);

  std::string_view rest = settings.no_proxy;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    rules.AddExclusion(base::AsciiLower(Trim(rest.substr(0, comma))));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return rules;
}

void ProxyRules::AddExclusion(std::string entry) {
  if (entry == "*") {
    exclude_all_ = true;
    return;
  }
  if (const auto cidr = ParseCidr(entry)) {
    addresses_.push_back(*cidr);
    return;
  }
  std::string host;
  std::string port;
  if (!SplitHostPort(entry, host, port)) {
    host = std::move(entry);
  }
  if (const auto address = ParseAddress(host)) {
    addresses_.push_back({*address, 128, port});
    return;
  }
  if (host.starts_with("*.")) {
    host.erase(0, 1);
  }
  if (host.empty()) {
    return;
  }
  const bool also_itself = host.front() != '.';
  domains_.push_back({also_itself ? "." + host : host, also_itself, port});
}

const Proxy* ProxyRules::For(const Url& url) const {
  const std::optional<Proxy>& proxy = url.https() ? https_ : http_;
  if (!proxy || exclude_all_ || url.host == "localhost") {
    return nullptr;
  }
  const std::string port = std::to_string(url.port);
  const auto any_or = [&](const std::string& rule_port) { return rule_port.empty() || rule_port == port; };
  if (const auto address = ParseAddress(url.host)) {
    if (IsLoopback(*address) || std::any_of(addresses_.begin(), addresses_.end(),
                                            [&](const AddressRule& rule) { return Contains(rule, *address) && any_or(rule.port); })) {
      return nullptr;
    }
  }
  const bool excluded = std::any_of(domains_.begin(), domains_.end(), [&](const DomainRule& rule) {
    const bool itself = rule.also_itself && std::string_view(rule.suffix).substr(1) == url.host;
    return (itself || url.host.ends_with(rule.suffix)) && any_or(rule.port);
  });
  return excluded ? nullptr : &*proxy;
}

std::optional<ProxyRules::Address> ProxyRules::ParseAddress(const std::string& text) {
  Address address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) {
    return address;
  }
  address = {};
  if (inet_pton(AF_INET, text.c_str(), address.data() + kMappedBits / 8) == 1) {
    address[10] = 0xff;
    address[11] = 0xff;
    return address;
  }
  return std::nullopt;
}

std::optional<ProxyRules::AddressRule> ProxyRules::ParseCidr(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return std::nullopt;
  }
  const std::string network = text.substr(0, slash);
  const auto address = ParseAddress(network);
  const bool ipv4 = network.find(':') == std::string::npos;
  int bits = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + slash + 1, last, bits);
  if (!address || error != std::errc() || end != last || bits < 0 || bits > (ipv4 ? 32 : 128)) {
    return std::nullopt;
  }
  return AddressRule{*address, ipv4 ? bits + kMappedBits : bits, ""};
}

bool ProxyRules::Contains(const AddressRule& rule, const Address& address) {
  const auto bytes = static_cast<std::size_t>(rule.prefix / 8);
  if (std::memcmp(rule.network.data(), address.data(), bytes) != 0) {
    return false;
  }
  const int bits = rule.prefix % 8;
  return bits == 0 || ((rule.network[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

bool ProxyRules::IsLoopback(const Address& address) {
  static constexpr Address kIpv6Loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static constexpr Address kIpv4Loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 0};
  return address == kIpv6Loopback || Contains({kIpv4Loopback, kMappedBits + 8, ""}, address);
}

}  // namespace http
