#include "http/url.h"

#include <gtest/gtest.h>

namespace http {
namespace {

TEST(Url, ReadsItsParts) {
  struct Case {
    std::string_view text, scheme, host;
    int port;
    std::string_view target, authority;
  };
  const Case cases[] = {
      {"https://management.azure.com/subscriptions?api-version=2022-12-01", "https", "management.azure.com", 443,
       "/subscriptions?api-version=2022-12-01", "management.azure.com"},
      {"HTTPS://Management.Azure.COM", "https", "management.azure.com", 443, "/", "management.azure.com"},
      {"http://169.254.169.254/metadata", "http", "169.254.169.254", 80, "/metadata", "169.254.169.254"},
      {"http://host:8080?a=b", "http", "host", 8080, "/?a=b", "host:8080"},
      {"https://host:80/", "https", "host", 80, "/", "host:80"},
      {"https://host:443/", "https", "host", 443, "/", "host"},
      {"https://[2001:DB8::1]:6443/api", "https", "2001:db8::1", 6443, "/api", "[2001:db8::1]:6443"},
      {"https://[::1]/", "https", "::1", 443, "/", "[::1]"},
      {"https://a_b.internal/x", "https", "a_b.internal", 443, "/x", "a_b.internal"},
      {"https://h/?next=https://other/%20a|b@c", "https", "h", 443, "/?next=https://other/%20a|b@c", "h"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    const auto url = ParseUrl(one.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, one.scheme);
    EXPECT_EQ(url->host, one.host);
    EXPECT_EQ(url->port, one.port);
    EXPECT_EQ(url->target, one.target);
    EXPECT_EQ(url->Authority(), one.authority);
  }
}

TEST(Url, RefusesWhatIsNoneAndDoesNotRepeatIt) {
  const std::string long_label(64, 'a');
  const std::string cases[] = {
      "",
      "secret",
      "ftp://secret/",
      "https:/secret",
      "//secret/",
      "https://",
      "https:///secret",
      "https://user:secret@host/",
      "https://secret@host/",
      "https://host/#secret",
      "https://host\\@secret/",
      "https://host/a secret",
      "https://host/\r\nX-A: secret",
      "https://host\r\n/secret",
      "https://host/\tsecret",
      "https://host/\x7fsecret",
      "https://h\xc3\xb6st/secret",
      std::string("https://host/\0secret", 20),
      "https://host:/secret",
      "https://host:0/secret",
      "https://host:65536/secret",
      "https://host:+443/secret",
      "https://host:443a/secret",
      "https://host:4:43/secret",
      "https://ho..st/secret",
      "https://.host/secret",
      "https://host./secret",
      "https://-host/secret",
      "https://host-/secret",
      "https://ho%73t/secret",
      "https://" + long_label + "/secret",
      "https://127.1/secret",
      "https://2130706433/secret",
      "https://0x7f000001/secret",
      "https://0x7f.0.0.1/secret",
      "https://256.1.1.1/secret",
      "https://127.0.0.1.5/secret",
      "https://[::1/secret",
      "https://::1/secret",
      "https://[fe80::1%25eth0]/secret",
      "https://[::1]x/secret",
      "https://[::1]:/secret",
      "https://[127.0.0.1]/secret",
      "https://host/secret" + std::string(kMaxUrlBytes, 'a'),
  };
  for (const std::string& text : cases) {
    SCOPED_TRACE(text);
    const auto url = ParseUrl(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_EQ(url.error().ToString().find("secret"), std::string::npos) << url.error().ToString();
  }
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(PercentEncode(" +&=?/%#:"), "%20%2B%26%3D%3F%2F%25%23%3A");
  EXPECT_EQ(PercentEncode("\r\n\xc3\xa9"), "%0D%0A%C3%A9");
}

TEST(EncodeForm, JoinsEncodedFields) {
  EXPECT_EQ(EncodeForm({}), "");
  EXPECT_EQ(EncodeForm({{"scope", "https://management.azure.com/.default"}, {"client_secret", "a&b=c"}, {"empty", ""}}),
            "scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_secret=a%26b%3Dc&empty=");
}

}  // namespace
}  // namespace http
