// Which proxy a URL is reached through, by the rules of Go's golang.org/x/net/http/httpproxy: what the kubelet, containerd
// and every other client of the cluster make of the same HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/url.h"

namespace http {

// The values of the variables of these names, handed in by whoever reads the environment.
struct ProxySettings {
  std::string https_proxy;  // "http://user:password@host:port" or "host:port"; for https URLs
  std::string http_proxy;   // for http URLs
  std::string no_proxy;     // "*", or a list of: host, .suffix, *.suffix, address, CIDR; with an optional port but for CIDR
};

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // a Proxy-Authorization header's value; "" for none. Secret.
};

class ProxyRules {
 public:
  // A proxy that cannot be used is an error (which never repeats its user information); an entry of no_proxy that means
  // nothing is ignored, as Go does.
  static base::Result<ProxyRules> Parse(const ProxySettings& settings);

  // Null for a direct connection. "localhost" and loopback addresses are never proxied.
  const Proxy* For(const Url& url) const;

 private:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as IPv4-mapped IPv6, so that both compare alike
  struct AddressRule {
    Address network{};
    int prefix = 128;
    std::string port;  // "" for any
  };
  struct DomainRule {
    std::string suffix;       // ".example.com"
    bool also_itself = true;  // "example.com" too
    std::string port;         // "" for any
  };

  static std::optional<Address> ParseAddress(const std::string& text);
  static std::optional<AddressRule> ParseCidr(const std::string& text);
  static bool Contains(const AddressRule& rule, const Address& address);
  static bool IsLoopback(const Address& address);
  void AddExclusion(std::string entry);

  std::optional<Proxy> https_;
  std::optional<Proxy> http_;
  bool exclude_all_ = false;
  std::vector<AddressRule> addresses_;
  std::vector<DomainRule> domains_;
};

}  // namespace http
