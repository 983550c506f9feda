#include "http/proxy.h"

#include <gtest/gtest.h>

namespace http {
namespace {

bool IsProxied(std::string_view no_proxy, std::string_view url) {
  const auto rules = ProxyRules::Parse({"http://proxy:3128", "http://proxy:3128", std::string(no_proxy)});
  return rules.value().For(ParseUrl(url).value()) != nullptr;
}

// What golang.org/x/net/http/httpproxy does with the same values.
TEST(NoProxy, FollowsGosRules) {
  struct Case {
    std::string_view no_proxy, url;
    bool proxied;
  };
  const Case cases[] = {
      {"", "https://example.com/", true},
      {"*", "https://example.com/", false},
      {"a.com, *", "http://10.0.0.1/", false},
      {"example.com", "https://example.com/", false},
      {"example.com", "https://EXAMPLE.com/", false},
      {"EXAMPLE.com", "https://example.com/", false},
      {"example.com", "https://sub.example.com/", false},
      {"example.com", "https://notexample.com/", true},
      {"example.com", "https://example.com.evil.net/", true},
      {".example.com", "https://example.com/", true},
      {".example.com", "https://sub.example.com/", false},
      {"*.example.com", "https://sub.example.com/", false},
      {"*.example.com", "https://example.com/", true},
      {"example.com:443", "https://example.com/", false},
      {"example.com:443", "https://example.com:8443/", true},
      {"example.com:80", "http://example.com/", false},
      {" other.com ,\texample.com ,,", "https://example.com/", false},
      {"10.0.0.1", "https://10.0.0.1/", false},
      {"10.0.0.1", "https://10.0.0.2/", true},
      {"10.0.0.1:6443", "https://10.0.0.1:6443/", false},
      {"10.0.0.1:6443", "https://10.0.0.1/", true},
      {"10.0.0.0/8", "https://10.200.3.4/", false},
      {"10.0.0.0/8", "https://11.0.0.1/", true},
      {"10.0.0.0/9", "https://10.127.255.255/", false},
      {"10.0.0.0/9", "https://10.128.0.0/", true},
      {"10.0.0.7/32", "https://10.0.0.7/", false},
      {"10.0.0.7/32", "https://10.0.0.6/", true},
      {"0.0.0.0/0", "https://8.8.8.8/", false},
      {"0.0.0.0/0", "https://[2001:db8::1]/", true},
      {"0.0.0.0/0", "https://example.com/", true},
      {"10.0.0.0/33", "https://10.0.0.1/", true},
      {"10.0.0.0/", "https://10.0.0.1/", true},
      {"2001:db8::/32", "https://[2001:db8:1::1]/", false},
      {"2001:db8::/32", "https://[2001:db9::1]/", true},
      {"2001:db8::1", "https://[2001:db8:0:0::1]/", false},
      {"[2001:db8::1]:443", "https://[2001:db8::1]/", false},
      {"[2001:db8::1]:443", "https://[2001:db8::1]:6443/", true},
      {":443", "https://example.com/", true},
      {"", "https://localhost/", false},
      {"", "http://127.0.0.1:8080/", false},
      {"", "http://127.9.9.9/", false},
      {"", "http://[::1]/", false},
      {"", "http://[::ffff:127.0.0.1]/", false},
      {"", "http://128.0.0.1/", true},
      {"", "https://localhost.example.com/", true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(IsProxied(one.no_proxy, one.url), one.proxied) << "NO_PROXY=" << one.no_proxy << " " << one.url;
  }
}

TEST(ProxyRules, EachSchemeHasItsOwnProxy) {
  const auto rules = ProxyRules::Parse({"http://secure.proxy:3128", "plain.proxy:8080", ""}).value();
  const Proxy* const https = rules.For(ParseUrl("https://example.com").value());
  const Proxy* const http = rules.For(ParseUrl("http://example.com").value());
  ASSERT_NE(https, nullptr);
  ASSERT_NE(http, nullptr);
  EXPECT_EQ(https->host, "secure.proxy");
  EXPECT_EQ(https->port, 3128);
  EXPECT_EQ(http->host, "plain.proxy");
  EXPECT_EQ(http->port, 8080);
  EXPECT_EQ(https->authorization, "");
}

TEST(ProxyRules, NoProxyMeansDirect) {
  const auto rules = ProxyRules::Parse({"", "  ", ""}).value();
  EXPECT_EQ(rules.For(ParseUrl("https://example.com").value()), nullptr);
  EXPECT_EQ(rules.For(ParseUrl("http://example.com").value()), nullptr);
}

TEST(ProxyRules, UserInformationBecomesBasicAuthorization) {
  const auto rules = ProxyRules::Parse({"http://anna:p%40ss:w%2Fd@proxy:3128/", "http://robot@proxy", ""}).value();
  const Proxy* const https = rules.For(ParseUrl("https://example.com").value());
  ASSERT_NE(https, nullptr);
  EXPECT_EQ(https->host, "proxy");
  EXPECT_EQ(https->authorization, "Basic YW5uYTpwQHNzOncvZA==");  // anna:p@ss:w/d
  EXPECT_EQ(rules.For(ParseUrl("http://example.com").value())->authorization, "Basic cm9ib3Q6");
}

TEST(ProxyRules, UnusableProxyIsAnErrorThatKeepsItsSecret) {
  for (const std::string proxy : {"socks5://anna:secret@proxy:1080", "https://anna:secret@proxy", "http://anna:sec%ret@proxy",
                                  "http://anna:secret@", "http://anna:secret@proxy:99999", "http://anna:secret@pro\r\nxy"}) {
    SCOPED_TRACE(proxy);
    const auto rules = ProxyRules::Parse({proxy, "", ""});
    ASSERT_FALSE(rules);
    EXPECT_EQ(rules.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_TRUE(rules.error().message.starts_with("HTTPS_PROXY: "));
    EXPECT_EQ(rules.error().ToString().find("sec"), std::string::npos) << rules.error().ToString();
  }
}

}  // namespace
}  // namespace http
