#include "certs/identity.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/support/test_certificates.h"

namespace certs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ErrorOf(const std::string& certificate, const std::string& key) {
  const auto identity = ParseIdentity(certificate, key);
  return identity ? "no error" : identity.error().ToString();
}

TEST(ParseIdentity, ReadsLeafChainAndKey) {
  const auto ca = support::MakeCa();
  const auto intermediate = support::MakeIntermediate(ca);
  const auto leaf = support::MakeLeaf(intermediate);

  const auto identity = ParseIdentity(leaf.certificate_pem + intermediate.certificate_pem, leaf.key_pem);

  ASSERT_TRUE(identity) << identity.error().ToString();
  EXPECT_EQ((*identity)->subject, "CN=acr-admission.test");
  EXPECT_EQ((*identity)->fingerprint.size(), 64U);
  ASSERT_NE((*identity)->chain, nullptr);
  EXPECT_EQ(sk_X509_num((*identity)->chain.get()), 1);
  EXPECT_EQ(X509_check_private_key((*identity)->leaf.get(), (*identity)->key.get()), 1);
}

TEST(ParseIdentity, HasNoChainWhenThereIsOnlyTheLeaf) {
  const auto made = support::MakeSelfSigned();
  const auto identity = ParseIdentity(made.certificate_pem, made.key_pem);
  ASSERT_TRUE(identity);
  EXPECT_EQ((*identity)->chain, nullptr);
}

TEST(ParseIdentity, TellsItsValidity) {
  support::CertificateOptions options = support::ForLoopback();
  options.not_before = -std::chrono::hours(48);
  options.not_after = -std::chrono::hours(24);
  const auto expired = support::MakeSelfSigned(options);

  const auto identity = ParseIdentity(expired.certificate_pem, expired.key_pem);

  ASSERT_TRUE(identity) << "serving with an expired certificate beats not serving";
  EXPECT_EQ((*identity)->not_after - (*identity)->not_before, std::chrono::hours(24));
  EXPECT_LT((*identity)->not_after.time_since_epoch(), std::chrono::system_clock::now().time_since_epoch());
}

TEST(ParseIdentity, TakesRsaOfEnoughBits) {
  support::CertificateOptions options = support::ForLoopback();
  options.key = support::KeyKind::kRsa2048;
  const auto made = support::MakeSelfSigned(options);
  EXPECT_EQ(ErrorOf(made.certificate_pem, made.key_pem), "no error");
}

TEST(ParseIdentity, RefusesShortRsa) {
  support::CertificateOptions options = support::ForLoopback();
  options.key = support::KeyKind::kRsa1024;
  const auto made = support::MakeSelfSigned(options);
  EXPECT_THAT(ErrorOf(made.certificate_pem, made.key_pem), HasSubstr("RSA of 1024 bits"));
}

TEST(ParseIdentity, RefusesTheKeyOfAnotherCertificate) {
  const auto one = support::MakeSelfSigned();
  const auto other = support::MakeSelfSigned();
  EXPECT_THAT(ErrorOf(one.certificate_pem, other.key_pem), HasSubstr("the key is not the certificate's"));
}

TEST(ParseIdentity, RefusesACertificateWithoutAlternativeNames) {
  const auto made = support::MakeSelfSigned(support::CertificateOptions());
  EXPECT_THAT(ErrorOf(made.certificate_pem, made.key_pem), HasSubstr("no subject alternative name"));
}

TEST(ParseIdentity, RefusesGarbage) {
  const auto made = support::MakeSelfSigned();
  EXPECT_THAT(ErrorOf("", made.key_pem), HasSubstr("there is no PEM certificate"));
  EXPECT_THAT(ErrorOf("garbage", made.key_pem), HasSubstr("there is no PEM certificate"));
  EXPECT_THAT(ErrorOf(made.key_pem, made.key_pem), HasSubstr("there is no PEM certificate"));
  EXPECT_THAT(ErrorOf(made.certificate_pem, ""), HasSubstr("the key is no PEM private key"));
  EXPECT_THAT(ErrorOf(made.certificate_pem, made.certificate_pem), HasSubstr("the key is no PEM private key"));
}

TEST(ParseIdentity, RefusesABrokenIntermediate) {
  const auto leaf = support::MakeSelfSigned();
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(ErrorOf(leaf.certificate_pem + broken, leaf.key_pem), HasSubstr("certificate 2 cannot be read"));
}

TEST(ParseIdentity, RefusesAnEncryptedKeyWithoutAskingForItsPassphrase) {
  const auto made = support::MakeSelfSigned();
  const std::string encrypted =
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
      "AAAAAAAAAAAAAAAAAAAAAA==\n-----END EC PRIVATE KEY-----\n";
  EXPECT_THAT(ErrorOf(made.certificate_pem, encrypted), HasSubstr("the key is encrypted"));
}

TEST(ParseIdentity, NeverSaysWhatIsInTheKey) {
  const auto one = support::MakeSelfSigned();
  const auto other = support::MakeSelfSigned();
  const std::string secret = other.key_pem.substr(other.key_pem.find('\n') + 1, 24);
  EXPECT_THAT(ErrorOf(one.certificate_pem, other.key_pem), Not(HasSubstr(secret)));
  EXPECT_THAT(ErrorOf(one.certificate_pem, other.key_pem.substr(0, 80)), Not(HasSubstr(secret)));
}

TEST(ParseIdentity, LeavesNoErrorBehindForTheThreadsNextConnection) {
  const auto made = support::MakeSelfSigned();
  EXPECT_EQ(ErrorOf(made.certificate_pem, made.key_pem), "no error");
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_NE(ErrorOf("garbage", "garbage"), "no error");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace certs
