#include "cli/validate.h"

#include <filesystem>
#include <map>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
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

  Ran Judge(const std::string& file = "config.yaml") {
    return RunCommand(
        [this](const ValidateArguments& arguments, const Streams& streams, const base::Clock& clock) {
          return RunValidate(arguments, streams, clock, [this](const std::string& name) {
            const auto found = environment_.find(name);
            return found == environment_.end() ? std::nullopt : std::make_optional(found->second);
          });
        },
        ValidateArguments{folder_ / file});
  }

  // The inventory is Azure's; `more` stands in its section.
  void ReadFromAzure(const std::string& more) {
    folder_.Write("config.yaml", "tls: {certificate: tls.crt, key: tls.key}\ninventory: {source: azure" + more + "}\n");
  }

  support::TempFolder folder_;
  std::map<std::string, std::string> environment_;
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

TEST_F(Validate, NeedsNoFilesForManagedCertificates) {
  folder_.Write("config.yaml",
                "tls: {mode: managed, secret: acr-tls, service: acr, webhookConfiguration: acr}\ninventory: {file: registries.json}\n"
                "kubernetes: {}\n");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("kubernetes: this is no pod"));
  EXPECT_THAT(ran.err, Not(HasSubstr("tls.crt")));
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

TEST_F(Validate, SaysWhoWouldReadAzure) {
  ReadFromAzure(", azure: [{credential: {kind: managedIdentity}}, {credential: {clientId: c, tenantId: t, clientSecretFile: secret}}]");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;
  EXPECT_THAT(ran.out,
              HasSubstr("0 registries saved, to be read from AzureCloud by system-assigned managed identity, client secret c of tenant t"));
}

TEST_F(Validate, ReportsWhatEachIdentityLacks) {
  ReadFromAzure(
      ", azure: [{credential: {kind: clientSecret, tenantId: t}}, {}, {credential: {kind: workloadIdentity, clientId: c, tenantId: t}}]");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("config.yaml: inventory.azure[0].credential: client secret has no client id and no client secret; set "
                                 "clientId or AZURE_CLIENT_ID, and clientSecretFile or "
                                 "AZURE_CLIENT_SECRET"));
  EXPECT_THAT(ran.err, HasSubstr("config.yaml: inventory.azure[2].credential: workload identity has no federated token file"));
  EXPECT_THAT(ran.err, testing::Not(HasSubstr("azure[1]")));
  environment_ = {{"AZURE_CLIENT_ID", "c"}, {"AZURE_CLIENT_SECRET", "hush"}, {"AZURE_FEDERATED_TOKEN_FILE", "/token"}};
  EXPECT_EQ(Judge().exit, kExitOk) << Judge().err;
  EXPECT_THAT(Judge().out, testing::Not(HasSubstr("hush")));
}

TEST_F(Validate, KnowsACloudByItsEnvironment) {
  ReadFromAzure("");
  environment_ = {{"AZURE_CLIENT_ID", "c"},
                  {"AZURE_TENANT_ID", "t"},
                  {"AZURE_FEDERATED_TOKEN_FILE", "/token"},
                  {"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"}};
  EXPECT_THAT(Judge().err, HasSubstr("inventory.azure[0].credential: AZURE_AUTHORITY_HOST is that of AzureUSGovernment"));
  ReadFromAzure(", cloud: AzureUSGovernment");
  EXPECT_EQ(Judge().exit, kExitOk) << Judge().err;
}

TEST_F(Validate, ReadsTheAuthoritiesAndProxiesOfTheWayToAzure) {
  folder_.Write("ca.crt", support::MakeCa().certificate_pem);
  ReadFromAzure(", ca: ca.crt");
  EXPECT_EQ(Judge().exit, kExitOk) << Judge().err;
  folder_.Write("ca.crt", "garbage");
  environment_["https_proxy"] = "ftp://proxy";
  EXPECT_THAT(Judge().err, HasSubstr("HTTPS_PROXY: not a URL"));
  environment_.clear();
  EXPECT_THAT(Judge().err, HasSubstr("ca.crt: holds no certificate"));
}

TEST_F(Validate, ReportsWhatTheClusterCannotBeReachedWith) {
  WriteConfig("kubernetes: {}\n");
  EXPECT_THAT(Judge().err, HasSubstr("kubernetes: this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"));
  WriteConfig("kubernetes: {kubeconfig: kubeconfig}\n");
  EXPECT_THAT(Judge().err, HasSubstr(folder_ / "kubeconfig"));
  folder_.Write("kubeconfig",
                "current-context: c\nclusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\n"
                "users: [{name: c, user: {token: hush}}]\ncontexts: [{name: c, context: {cluster: c, user: c}}]\n");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitOk) << ran.err;  // nobody listens there, and nobody is asked
}

TEST_F(Validate, ReportsAnUnreadableConfiguration) {
  const Ran ran = Judge("none.yaml");
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("none.yaml"));
}

TEST_F(Validate, ReadsWhatAConnectionToPostgresqlNeeds) {
  WriteConfig("audit: {postgresql: {host: db.example, database: a, user: w, passwordFile: password, tls: {ca: ca.crt}}}\n");
  const Ran ran = Judge();
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr(folder_ / "password"));
  EXPECT_THAT(ran.err, HasSubstr(folder_ / "ca.crt"));

  folder_.Write("password", "correct-horse");
  folder_.Write("ca.crt", support::MakeCa().certificate_pem);
  EXPECT_EQ(Judge().exit, kExitOk);
}

}  // namespace
}  // namespace cli
