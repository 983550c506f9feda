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
  const auto trust = TlsTrust::Create("", SystemTrust::kNotUsed);
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().code, base::ErrorCode::kInvalidArgument);
}

TEST(TlsTrust, MissingFileIsNamed) {
  const std::string path = testing::TempDir() + "/http_tls_trust_missing";
  const auto trust = TlsTrust::Create(path, SystemTrust::kUsed);
  ASSERT_FALSE(trust);
  EXPECT_NE(trust.error().message.find(path), std::string::npos) << trust.error().message;
}

TEST(TlsTrust, FileWithoutACertificateIsAnError) {
  for (const std::string content : {"", "no PEM here\n"}) {
    const auto trust = TlsTrust::Create(WriteFile("none", content), SystemTrust::kUsed);
    ASSERT_FALSE(trust);
    EXPECT_TRUE(trust.error().message.ends_with("holds no certificate")) << trust.error().message;
  }
}

TEST(TlsTrust, DamagedCertificateIsAnErrorAndCounted) {
  std::string damaged = support::MakeCa().certificate_pem;
  damaged.replace(damaged.size() / 2, 8, "AAAAAAAA");
  damaged.erase(damaged.size() / 3, 4);
  const auto trust = TlsTrust::Create(WriteFile("damaged", support::MakeCa().certificate_pem + damaged), SystemTrust::kUsed);
  ASSERT_FALSE(trust);
  EXPECT_TRUE(trust.error().message.ends_with("certificate 2 is damaged")) << trust.error().message;
}

TEST(TlsTrust, ChangedFileGivesAnotherContextAndABadOneDoesNot) {
  const std::string path = WriteFile("changed", support::MakeCa().certificate_pem);
  const auto trust = TlsTrust::Create(path, SystemTrust::kNotUsed);
  ASSERT_TRUE(trust) << trust.error().message;
  const auto first = (*trust)->Context();
  EXPECT_EQ((*trust)->Context(), first);
  WriteFile("changed", support::MakeCa().certificate_pem + support::MakeCa().certificate_pem);
  const auto second = (*trust)->Context();
  EXPECT_NE(second, first);
  WriteFile("changed", "half a file");
  EXPECT_EQ((*trust)->Context(), second);
}

}  // namespace
}  // namespace http
