#include "http/tls_trust.h"

#include <gtest/gtest.h>

#include "tests/support/test_certificates.h"

namespace http {
namespace {

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/http_tls_trust_" + name;
  EXPECT_TRUE(base::WriteFileAtomically(path, content));
  return path;
}

TEST(TlsTrust, NothingToTrustIsAnError) {
  const auto trust = TlsTrust::Create({.system = SystemTrust::kNotUsed});
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().code, base::ErrorCode::kInvalidArgument);
}

TEST(TlsTrust, MissingFileIsNamed) {
  const std::string path = testing::TempDir() + "/http_tls_trust_missing";
  const auto trust = TlsTrust::Create({.ca_file = path});
  ASSERT_FALSE(trust);
  EXPECT_NE(trust.error().message.find(path), std::string::npos) << trust.error().message;
}

TEST(TlsTrust, FileWithoutACertificateIsAnError) {
  for (const std::string content : {"", "no PEM here\n"}) {
    const auto trust = TlsTrust::Create({.ca_file = WriteFile("none", content)});
    ASSERT_FALSE(trust);
    EXPECT_TRUE(trust.error().message.ends_with("holds no certificate")) << trust.error().message;
  }
}

TEST(TlsTrust, DamagedCertificateIsAnErrorAndCounted) {
  std::string damaged = support::MakeCa().certificate_pem;
  damaged.replace(damaged.size() / 2, 8, "AAAAAAAA");
  damaged.erase(damaged.size() / 3, 4);
  const auto trust = TlsTrust::Create({.ca_file = WriteFile("damaged", support::MakeCa().certificate_pem + damaged)});
  ASSERT_FALSE(trust);
  EXPECT_TRUE(trust.error().message.ends_with("certificate 2 is damaged")) << trust.error().message;
}

TEST(TlsTrust, ChangedFileGivesAnotherContextAndABadOneDoesNot) {
  const std::string path = WriteFile("changed", support::MakeCa().certificate_pem);
  const auto trust = TlsTrust::Create({.ca_file = path, .system = SystemTrust::kNotUsed});
  ASSERT_TRUE(trust) << trust.error().message;
  const auto first = (*trust)->Context();
  EXPECT_EQ((*trust)->Context(), first);
  WriteFile("changed", support::MakeCa().certificate_pem + support::MakeCa().certificate_pem);
  const auto second = (*trust)->Context();
  EXPECT_NE(second, first);
  WriteFile("changed", "half a file");
  EXPECT_EQ((*trust)->Context(), second);
}

TEST(TlsTrust, AuthoritiesFromMemoryAreJudgedAsThoseOfAFile) {
  EXPECT_TRUE(TlsTrust::Create({.ca_pem = support::MakeCa().certificate_pem, .system = SystemTrust::kNotUsed}));
  const auto trust = TlsTrust::Create({.ca_pem = "no PEM here"});
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().message, "the certificate authorities: holds no certificate");
}

TEST(TlsTrust, UnusableClientCertificateIsAnErrorThatKeepsItsKey) {
  const support::TestCertificate ca = support::MakeCa();
  const support::TestCertificate one = support::MakeLeaf(ca);
  const support::TestCertificate other = support::MakeLeaf(ca);
  const auto error = [](const std::string& certificate, const std::string& key) {
    const auto trust = TlsTrust::Create({.client_certificate_pem = certificate, .client_key_pem = key});
    return trust ? "none" : trust.error().message;
  };
  EXPECT_EQ(error(one.certificate_pem, one.key_pem), "none");
  EXPECT_EQ(error(one.certificate_pem + ca.certificate_pem, one.key_pem), "none");
  EXPECT_EQ(error(one.certificate_pem, ""), "a client certificate without its key");
  EXPECT_EQ(error("", one.key_pem), "a client key without its certificate");
  EXPECT_EQ(error("garbage", one.key_pem), "the client certificate is no PEM certificate");
  EXPECT_EQ(error(one.certificate_pem, "garbage"), "the client key is no PEM private key");
  EXPECT_EQ(error(one.certificate_pem, other.key_pem), "the client key is not the client certificate's");
  std::string damaged = ca.certificate_pem;
  damaged.erase(damaged.size() / 2, 5);
  EXPECT_EQ(error(one.certificate_pem + damaged, one.key_pem), "an intermediate of the client certificate is damaged");
}

}  // namespace
}  // namespace http
