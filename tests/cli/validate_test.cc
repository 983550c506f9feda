#include "cli/validate.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A configuration with all that belongs to it.
class Validate : public ::testing::Test {
 protected:
  Validate() {
    const support::TestCertificate certificate = support::MakeSelfSigned();
    folder_.Write("tls.crt", certificate.certificate_pem);
    folder_.Write("tls.key", certificate.key_pem);
    folder_.Write("registries.json", nlohmann::json{CompliantRegistry("contoso")}.dump());
    WriteConfig("");
  }

  void WriteConfig(const std::string& more) {
    folder_.Write("config.yaml", "tls: {certificate: tls.crt, key: tls.key}\ninventory: {file: registries.json}\n" + more);
  }

  Ran Judge() { return RunCommand(RunValidate, ValidateArguments{folder_ / "config.yaml"}); }

  support::TempFolder folder_;
};

TEST_F(Validate, SummarisesWhatServeWouldLoad) {
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("ok: policy sha256:"));
  EXPECT_THAT(ran.out, HasSubstr("1 registries"));
  EXPECT_EQ(ran.err, "");
}

TEST_F(Validate, CreatesNoDatabase) {
  Judge();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "audit.db"));
}

TEST_F(Validate, ReportsEveryProblemAtOnce) {
  WriteConfig("policy: policy.yaml\naudit: {database: no/such/folder/audit.db}\nserver: {clientCA: ca.crt}\n");
  folder_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nfoo: 1\n");
  folder_.Write("tls.key", "garbage");
  folder_.Write("ca.crt", "garbage");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("policy.yaml:3:1"));
  EXPECT_THAT(ran.err, HasSubstr("tls.key"));
  EXPECT_THAT(ran.err, HasSubstr("no/such/folder"));
  EXPECT_THAT(ran.err, HasSubstr("ca.crt"));
}

TEST_F(Validate, TakesAFileOfCaCertificates) {
  folder_.Write("ca.crt", support::MakeCa().certificate_pem + support::MakeCa("another").certificate_pem);
  WriteConfig("server: {clientCA: ca.crt}\n");
  EXPECT_EQ(Judge().exit, kExitOk) << Judge().err;
}

TEST_F(Validate, RefusesACaFileThatBreaksOff) {
  const std::string pem = support::MakeCa().certificate_pem;
  folder_.Write("ca.crt", pem + pem.substr(0, pem.size() / 2));
  WriteConfig("server: {clientCA: ca.crt}\n");
  EXPECT_THAT(Judge().err, HasSubstr("certificate 2 is no PEM certificate"));
}

TEST_F(Validate, WarnsOfACertificateThatHasExpired) {
  support::CertificateOptions options = support::ForLoopback();
  options.not_before = -std::chrono::hours(48);
  options.not_after = -std::chrono::hours(24);
  const support::TestCertificate certificate = support::MakeSelfSigned(options);
  folder_.Write("tls.crt", certificate.certificate_pem);
  folder_.Write("tls.key", certificate.key_pem);
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.err, StartsWith("warning: "));
  EXPECT_THAT(ran.err, HasSubstr("expired at"));
}

TEST_F(Validate, ReportsAnUnreadableConfiguration) {
  const Ran ran = RunCommand(RunValidate, ValidateArguments{folder_ / "none.yaml"});
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("none.yaml"));
}

}  // namespace
}  // namespace cli
