#include "azure/credential.h"

#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
constexpr const char* kClient = "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b";
constexpr const char* kScope = "https://management.azure.com/.default";
constexpr const char* kTokenUrl = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token";
constexpr const char* kJwt = "eyJhbGciOiJSUzI1NiJ9.c2VydmljZWFjY291bnQ.c2lnbmF0dXJl";

constexpr const char* kAssertionForm =
    "client_id=0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b&grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
constexpr const char* kSecretForm =
    "client_id=0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b&grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    "&client_secret=";

http::Response TokenResponse() { return support::JsonResponse(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":"t0k3n"})"); }

std::string HeaderOf(const http::Request& request, std::string_view name) {
  std::string found;
  for (const auto& [key, value] : request.headers) {
    found += key == name ? value : "";
  }
  return found;
}

// A process with an environment and files, and what answers it.
class Credential : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<TokenSource>> Make(const CredentialOptions& options = {}) {
    const auto environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    };
    const auto wait = [this](milliseconds duration) {
      waits_.push_back(duration);
      clock_.Advance(duration);
      return !stopping_;
    };
    return MakeTokenSource(options, environment, cloud_, http_, clock_, wait);
  }

  std::unique_ptr<TokenSource> MustMake(const CredentialOptions& options = {}) {
    auto source = Make(options);
    EXPECT_TRUE(source) << (source ? "" : source.error().ToString());
    return source ? *std::move(source) : nullptr;
  }

  CredentialOptions Application(CredentialKind kind) const {
    CredentialOptions options;
    options.kind = kind;
    options.tenant_id = kTenant;
    options.client_id = kClient;
    return options;
  }

  CredentialOptions Secret(std::string_view content = "p~a+b/c=") const {
    folder_.Write("secret", content);
    CredentialOptions options = Application(CredentialKind::kClientSecret);
    options.client_secret_file = folder_ / "secret";
    return options;
  }

  CredentialOptions Federated() const {
    folder_.Write("token", kJwt);
    CredentialOptions options = Application(CredentialKind::kWorkloadIdentity);
    options.federated_token_file = folder_ / "token";
    return options;
  }

  CredentialOptions Certificate(const std::string& pem) const {
    folder_.Write("certificate.pem", pem);
    CredentialOptions options = Application(CredentialKind::kClientCertificate);
    options.client_certificate_file = folder_ / "certificate.pem";
    return options;
  }

  CredentialOptions Managed() const {
    CredentialOptions options;
    options.kind = CredentialKind::kManagedIdentity;
    return options;
  }

  base::Error MustFail(TokenSource& source, milliseconds deadline = seconds(30)) {
    auto token = source.Fetch(kScope, deadline);
    EXPECT_FALSE(token);
    return token ? base::Error{} : token.error();
  }

  support::FakeClock clock_;
  support::TempFolder folder_;
  std::map<std::string, std::string> environment_;
  Cloud cloud_ = FindCloud("AzureCloud").value();
  bool stopping_ = false;
  std::vector<milliseconds> waits_;
  std::function<base::Result<http::Response>(const http::Request&)> answer_ = [](const http::Request&) { return TokenResponse(); };
  support::ScriptedHttp http_{[this](const http::Request& request) { return answer_(request); }};
};

using ClientSecret = Credential;
using WorkloadIdentity = Credential;
using ClientCertificate = Credential;
using ManagedIdentity = Credential;
using Automatic = Credential;
using Entra = Credential;

TEST_F(ClientSecret, IsSentInAFormToTheTenantsEndpoint) {
  const auto source = MustMake(Secret());
  const auto token = source->Fetch(kScope, seconds(7));
  ASSERT_TRUE(token) << token.error().ToString();
  EXPECT_EQ(token->value, "t0k3n");
  EXPECT_EQ(token->expires, clock_.Now() + seconds(3599));
  ASSERT_EQ(http_.requests().size(), 1U);
  const http::Request request = http_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, kTokenUrl);
  EXPECT_EQ(request.body, std::string(kSecretForm) + "p~a%2Bb%2Fc%3D");
  EXPECT_EQ(request.headers, (http::Headers{{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}}));
  EXPECT_EQ(request.deadline, seconds(7));
  EXPECT_LE(request.max_response_bytes, std::size_t{256} << 10);
  EXPECT_TRUE(request.use_proxy);
}

TEST_F(ClientSecret, FileIsReadAtEveryExchange) {
  const auto source = MustMake(Secret("first\r\n"));
  ASSERT_TRUE(source->Fetch(kScope, seconds(1)));
  folder_.Write("secret", "second\n");
  ASSERT_TRUE(source->Fetch(kScope, seconds(1)));
  EXPECT_EQ(http_.requests()[0].body, std::string(kSecretForm) + "first");
  EXPECT_EQ(http_.requests()[1].body, std::string(kSecretForm) + "second");
}

TEST_F(ClientSecret, MayStandInTheEnvironment) {
  environment_ = {{"AZURE_TENANT_ID", kTenant}, {"AZURE_CLIENT_ID", kClient}, {"AZURE_CLIENT_SECRET", "of-the-environment"}};
  CredentialOptions options;
  options.kind = CredentialKind::kClientSecret;
  ASSERT_TRUE(MustMake(options)->Fetch(kScope, seconds(1)));
  EXPECT_EQ(http_.requests()[0].body, std::string(kSecretForm) + "of-the-environment");
  ASSERT_TRUE(MustMake(Secret("of-the-file"))->Fetch(kScope, seconds(1)));
  EXPECT_EQ(http_.requests()[1].body, std::string(kSecretForm) + "of-the-file") << "what is configured comes first";
}

TEST_F(ClientSecret, FileThatHoldsNoneIsNamedAndNothingIsSent) {
  const std::vector<std::pair<std::string, std::string>> files = {{"", "is empty"},
                                                                  {" \n", "is empty"},
                                                                  {"two words", "holds blanks"},
                                                                  {"a\nb", "holds blanks"},
                                                                  {std::string(20'000, 'x'), "more than the"}};
  for (const auto& [content, message] : files) {
    const base::Error error = MustFail(*MustMake(Secret(content)));
    EXPECT_TRUE(error.message.starts_with("client secret 0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b of tenant 72f988bf")) << error.message;
    EXPECT_NE(error.message.find(folder_ / "secret"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(message), std::string::npos) << error.message;
  }
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(ClientSecret, CloudsHaveTheirOwnLogin) {
  cloud_ = FindCloud("AzureChinaCloud").value();
  ASSERT_TRUE(MustMake(Secret())->Fetch("https://management.chinacloudapi.cn/.default", seconds(1)));
  EXPECT_EQ(http_.requests()[0].url, std::string("https://login.chinacloudapi.cn/") + kTenant + "/oauth2/v2.0/token");
  EXPECT_NE(http_.requests()[0].body.find("scope=https%3A%2F%2Fmanagement.chinacloudapi.cn%2F.default"), std::string::npos);
}

TEST_F(WorkloadIdentity, ExchangesTheFederatedTokenOfTheMoment) {
  environment_ = {{"AZURE_TENANT_ID", kTenant}, {"AZURE_CLIENT_ID", kClient}, {"AZURE_FEDERATED_TOKEN_FILE", folder_ / "token"}};
  folder_.Write("token", kJwt);
  CredentialOptions options;
  options.kind = CredentialKind::kWorkloadIdentity;
  const auto source = MustMake(options);
  EXPECT_EQ(source->Describe(), "workload identity 0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b of tenant 72f988bf-86f1-41af-91ab-2d7cd011db47");
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  folder_.Write("token", "eyJ.renewed.x");
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  const auto requests = http_.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].url, kTokenUrl);
  EXPECT_EQ(requests[0].body, std::string(kAssertionForm) + kJwt);
  EXPECT_EQ(HeaderOf(requests[0], "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(requests[0].deadline, seconds(9));
  EXPECT_EQ(requests[1].body, std::string(kAssertionForm) + "eyJ.renewed.x");
}

TEST_F(WorkloadIdentity, TokenThatIsNotThereSaysHowToGetOne) {
  CredentialOptions options = Federated();
  options.federated_token_file = folder_ / "absent";
  const base::Error error = MustFail(*MustMake(options));
  EXPECT_NE(error.message.find(folder_ / "absent"), std::string::npos) << error.message;
  EXPECT_NE(error.remedy.find("azure.workload.identity/use"), std::string::npos) << error.remedy;
  EXPECT_TRUE(http_.requests().empty());
}

// The parts of a JWT.
std::string DecodeBase64Url(std::string text) {
  for (char& c : text) {
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  const std::size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  EXPECT_GE(size, 0) << text;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::shared_ptr<X509> ReadCertificate(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

// By the certificate's public key: RSASSA-PSS, SHA-256, a salt of 32 bytes and no other.
bool VerifiesPs256(X509* certificate, const std::string& text, const std::string& signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  return EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, X509_get0_pubkey(certificate)) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

support::TestCertificate MakeCertificate(support::KeyKind key = support::KeyKind::kRsa2048) {
  support::CertificateOptions options;
  options.key = key;
  return support::MakeSelfSigned(options);
}

TEST_F(ClientCertificate, SignsAnAssertionWithItsKey) {
  const auto made = MakeCertificate();
  const auto source = MustMake(Certificate(made.key_pem + made.certificate_pem));
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  const std::string body = http_.requests()[0].body;
  EXPECT_EQ(http_.requests()[0].url, kTokenUrl);
  ASSERT_TRUE(body.starts_with(kAssertionForm)) << body;
  EXPECT_NE(body, http_.requests()[1].body) << "an assertion is used once";

  const std::string assertion = body.substr(std::string_view(kAssertionForm).size());
  const std::size_t first = assertion.find('.');
  const std::size_t second = assertion.find('.', first + 1);
  ASSERT_NE(second, std::string::npos);
  const auto certificate = ReadCertificate(made.certificate_pem);
  EXPECT_TRUE(VerifiesPs256(certificate.get(), assertion.substr(0, second), DecodeBase64Url(assertion.substr(second + 1))));
  EXPECT_FALSE(VerifiesPs256(certificate.get(), assertion.substr(0, second - 1), DecodeBase64Url(assertion.substr(second + 1))));

  const auto header = nlohmann::json::parse(DecodeBase64Url(assertion.substr(0, first)));
  std::string digest(32, '\0');
  ASSERT_EQ(X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), nullptr), 1);
  EXPECT_EQ(DecodeBase64Url(header.at("x5t#S256")), digest);
  EXPECT_EQ(header.at("alg"), "PS256");
  EXPECT_EQ(header.at("typ"), "JWT");
  EXPECT_EQ(header.size(), 3U);

  const auto claims = nlohmann::json::parse(DecodeBase64Url(assertion.substr(first + 1, second - first - 1)));
  constexpr int kNoon = 1795435200;  // the fake clock's
  EXPECT_EQ(claims.at("aud"), kTokenUrl);
  EXPECT_EQ(claims.at("iss"), kClient);
  EXPECT_EQ(claims.at("sub"), kClient);
  EXPECT_EQ(claims.at("nbf"), kNoon);
  EXPECT_EQ(claims.at("iat"), kNoon);
  EXPECT_EQ(claims.at("exp"), kNoon + 600);
  EXPECT_EQ(claims.at("jti").get<std::string>().size(), 22U) << "128 bits";
}

TEST_F(ClientCertificate, FileThatCannotSignSaysWhy) {
  const auto good = MakeCertificate();
  const auto other = MakeCertificate();
  const auto elliptic = MakeCertificate(support::KeyKind::kP256);
  const auto small = MakeCertificate(support::KeyKind::kRsa1024);
  // Encrypted with the passphrase "x"; the content is of no account, as the header is what is looked at first.
  const std::string encrypted =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
      "AAECAwQFBgcICQoLDA0ODw==\n-----END RSA PRIVATE KEY-----\n";
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "no PEM certificate"},
      {good.key_pem, "no PEM certificate"},
      {good.certificate_pem, "no PEM private key"},
      {good.certificate_pem + encrypted, "encrypted"},
      {elliptic.certificate_pem + elliptic.key_pem, "not RSA"},
      {small.certificate_pem + small.key_pem, "RSA of 1024 bits"},
      {other.certificate_pem + good.key_pem, "not that of its first certificate"},
      {std::string(100'000, 'x'), "more than the"},
  };
  for (const auto& [content, message] : files) {
    const base::Error error = MustFail(*MustMake(Certificate(content)));
    EXPECT_NE(error.message.find(message), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(folder_ / "certificate.pem"), std::string::npos) << error.message;
  }
  EXPECT_TRUE(http_.requests().empty());
  const auto source = MustMake(Certificate(other.certificate_pem + other.key_pem));
  EXPECT_TRUE(source->Fetch(kScope, seconds(1))) << "no error of OpenSSL's is left behind";
}

TEST_F(ManagedIdentity, AsksTheMachinesMetadataServiceWithoutProxy) {
  const auto source = MustMake(Managed());
  EXPECT_EQ(source->Describe(), "system-assigned managed identity");
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  const http::Request request = http_.requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com");
  EXPECT_EQ(request.headers, (http::Headers{{"Metadata", "true"}, {"Accept", "application/json"}}));
  EXPECT_EQ(request.body, "");
  EXPECT_EQ(request.deadline, seconds(9));
  EXPECT_FALSE(request.use_proxy);
}

TEST_F(ManagedIdentity, IsNamedByItsClientIdWhenItIsUserAssigned) {
  CredentialOptions options = Managed();
  environment_ = {{"AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"}};
  ASSERT_TRUE(MustMake(options)->Fetch(kScope, seconds(9)));
  EXPECT_EQ(http_.requests()[0].url.find("client_id"), std::string::npos) << "configured to be the system-assigned one";
  options.client_id = kClient;
  const auto source = MustMake(options);
  EXPECT_EQ(source->Describe(), std::string("managed identity ") + kClient);
  ASSERT_TRUE(source->Fetch(kScope, seconds(9)));
  EXPECT_TRUE(http_.requests()[1].url.ends_with(std::string("&client_id=") + kClient)) << http_.requests()[1].url;
}

TEST_F(ManagedIdentity, HostOfTheMetadataServiceCanBeSet) {
  environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:2579/"}};
  ASSERT_TRUE(MustMake(Managed())->Fetch(kScope, seconds(9)));
  EXPECT_TRUE(http_.requests()[0].url.starts_with("http://127.0.0.1:2579/metadata/identity/oauth2/token?")) << http_.requests()[0].url;
  environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "imds"}};
  const auto source = Make(Managed());
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message, "AZURE_POD_IDENTITY_AUTHORITY_HOST is no URL");
}

TEST_F(ManagedIdentity, AsksTheServiceThatThePlatformNames) {
  environment_ = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41042/msi/token"}, {"IDENTITY_HEADER", "853b9a84"}};
  answer_ = [](const http::Request&) {
    return support::JsonResponse(200, R"({"access_token":"t0k3n","expires_on":"1795438800","resource":"x","token_type":"Bearer"})");
  };
  const auto token = MustMake(Managed())->Fetch(kScope, seconds(9));
  ASSERT_TRUE(token) << token.error().ToString();
  EXPECT_EQ(token->expires, clock_.Now() + std::chrono::hours(1));
  const http::Request request = http_.requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "http://127.0.0.1:41042/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com");
  EXPECT_EQ(request.headers, (http::Headers{{"X-IDENTITY-HEADER", "853b9a84"}, {"Accept", "application/json"}}));
  EXPECT_FALSE(request.use_proxy);
}

TEST_F(ManagedIdentity, TriesAgainWhileTheServiceIsBusy) {
  for (const int status : {404, 410, 429, 500, 503}) {
    waits_.clear();
    int tries = 0;
    answer_ = [&](const http::Request&) { return ++tries < 5 ? support::JsonResponse(status, "{}") : TokenResponse(); };
    const auto token = MustMake(Managed())->Fetch(kScope, seconds(60));
    EXPECT_TRUE(token) << status;
    EXPECT_EQ(tries, 5) << status;
    EXPECT_EQ(waits_, (std::vector<milliseconds>{seconds(2), seconds(6), seconds(14), seconds(30)})) << status;
  }
}

TEST_F(ManagedIdentity, GivesUpAfterFiveTries) {
  answer_ = [](const http::Request&) { return support::JsonResponse(503, "{}"); };
  const base::Error error = MustFail(*MustMake(Managed()), seconds(1000));
  EXPECT_EQ(http_.requests().size(), 5U);
  EXPECT_EQ(error.code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(error.message, "system-assigned managed identity: HTTP 503 from 169.254.169.254, without a reason that can be read");
}

TEST_F(ManagedIdentity, TriesShareTheDeadlineAndNoneWouldComeTooLate) {
  answer_ = [](const http::Request&) { return support::JsonResponse(429, "{}"); };
  MustFail(*MustMake(Managed()), seconds(20));
  EXPECT_EQ(waits_, (std::vector<milliseconds>{seconds(2), seconds(6)})) << "14 s more would be 22 s";
  ASSERT_EQ(http_.requests().size(), 3U);
  EXPECT_EQ(http_.requests()[0].deadline, seconds(20));
  EXPECT_EQ(http_.requests()[1].deadline, seconds(18));
  EXPECT_EQ(http_.requests()[2].deadline, seconds(12));
}

TEST_F(ManagedIdentity, WaitsAsLongAsTheServiceAsks) {
  int tries = 0;
  answer_ = [&](const http::Request&) { return ++tries == 1 ? support::JsonResponse(429, "{}", {{"Retry-After", "9"}}) : TokenResponse(); };
  ASSERT_TRUE(MustMake(Managed())->Fetch(kScope, seconds(60)));
  EXPECT_EQ(waits_, std::vector<milliseconds>{seconds(9)});
}

TEST_F(ManagedIdentity, StopsWaitingWhenTheProgramEnds) {
  answer_ = [](const http::Request&) { return support::JsonResponse(410, "{}"); };
  stopping_ = true;
  MustFail(*MustMake(Managed()), seconds(60));
  EXPECT_EQ(http_.requests().size(), 1U);
}

TEST_F(ManagedIdentity, RefusalIsFinal) {
  answer_ = [](const http::Request&) {
    return support::JsonResponse(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  };
  const base::Error error = MustFail(*MustMake(Managed()), seconds(60));
  EXPECT_EQ(http_.requests().size(), 1U);
  EXPECT_EQ(error.code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.message, "system-assigned managed identity: invalid_request: Identity not found (HTTP 400 from 169.254.169.254)");
  EXPECT_NE(error.remedy.find("az vmss identity assign"), std::string::npos) << error.remedy;
}

TEST_F(ManagedIdentity, NobodyAnswersIsSaidOnce) {
  answer_ = [](const http::Request&) {
    return base::Fail(base::ErrorCode::kUnavailable, "connecting to 169.254.169.254 port 80: timed out");
  };
  const base::Error error = MustFail(*MustMake(Managed()), seconds(60));
  EXPECT_EQ(http_.requests().size(), 1U);
  EXPECT_EQ(error.message, "system-assigned managed identity: connecting to 169.254.169.254 port 80: timed out");
  EXPECT_NE(error.remedy.find("Azure's machines"), std::string::npos) << error.remedy;
}

// What auto chooses, by the first request that it sends and its description.
TEST_F(Automatic, TakesTheFirstThatIsComplete) {
  const auto made = MakeCertificate();
  folder_.Write("token", kJwt);
  folder_.Write("certificate.pem", made.certificate_pem + made.key_pem);
  environment_ = {{"AZURE_TENANT_ID", kTenant},
                  {"AZURE_CLIENT_ID", kClient},
                  {"AZURE_FEDERATED_TOKEN_FILE", folder_ / "token"},
                  {"IDENTITY_ENDPOINT", "http://127.0.0.1:41042/msi/token"},
                  {"IDENTITY_HEADER", "853b9a84"},
                  {"AZURE_CLIENT_SECRET", "s3cret"},
                  {"AZURE_CLIENT_CERTIFICATE_PATH", folder_ / "certificate.pem"}};
  EXPECT_TRUE(MustMake()->Describe().starts_with("workload identity "));
  environment_.erase("AZURE_FEDERATED_TOKEN_FILE");
  const auto managed = MustMake();
  EXPECT_EQ(managed->Describe(), std::string("managed identity ") + kClient);
  ASSERT_TRUE(managed->Fetch(kScope, seconds(1)));
  EXPECT_TRUE(http_.requests()[0].url.starts_with("http://127.0.0.1:41042/")) << http_.requests()[0].url;
  environment_.erase("IDENTITY_HEADER");
  EXPECT_TRUE(MustMake()->Describe().starts_with("client secret "));
  environment_["AZURE_CLIENT_SECRET"] = "";
  EXPECT_TRUE(MustMake()->Describe().starts_with("client certificate "));
  environment_.erase("AZURE_TENANT_ID");
  const auto imds = MustMake();
  EXPECT_EQ(imds->Describe(), std::string("managed identity ") + kClient);
  ASSERT_TRUE(imds->Fetch(kScope, seconds(1)));
  EXPECT_TRUE(http_.requests()[1].url.starts_with("http://169.254.169.254/")) << http_.requests()[1].url;
}

TEST_F(Automatic, OptionsCountAsTheEnvironmentDoes) {
  for (CredentialOptions options : {Secret(), Federated()}) {
    options.kind = CredentialKind::kAuto;
    ASSERT_TRUE(MustMake(options)->Fetch(kScope, seconds(1)));
  }
  EXPECT_EQ(http_.requests()[0].body, std::string(kSecretForm) + "p~a%2Bb%2Fc%3D");
  EXPECT_EQ(http_.requests()[1].body, std::string(kAssertionForm) + kJwt);
}

TEST_F(Automatic, WithoutAnythingTellsWhatWouldHaveBeenTaken) {
  answer_ = [](const http::Request&) { return base::Fail(base::ErrorCode::kUnavailable, "connecting: timed out"); };
  environment_ = {{"AZURE_TENANT_ID", kTenant}};
  const base::Error error = MustFail(*MustMake());
  EXPECT_TRUE(
      error.remedy.ends_with("no other credential is complete: workload identity has no client id and no federated token file, "
                             "client secret has no client id and no client secret, "
                             "client certificate has no client id and no client certificate file"))
      << error.remedy;
}

TEST_F(Credential, WhatIsMissingIsNamedWithWhereItIsSet) {
  CredentialOptions options;
  options.kind = CredentialKind::kWorkloadIdentity;
  auto source = Make(options);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message, "workload identity has no tenant id and no client id and no federated token file");
  EXPECT_EQ(source.error().remedy,
            "set tenantId or AZURE_TENANT_ID, and clientId or AZURE_CLIENT_ID, and federatedTokenFile or AZURE_FEDERATED_TOKEN_FILE; "
            "AKS sets all of them in pods labelled azure.workload.identity/use: \"true\"");
  environment_ = {{"AZURE_TENANT_ID", kTenant}};
  options.client_id = kClient;
  options.kind = CredentialKind::kClientSecret;
  source = Make(options);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().ToString(), "client secret has no client secret; set clientSecretFile or AZURE_CLIENT_SECRET");
  options.kind = CredentialKind::kClientCertificate;
  source = Make(options);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().ToString(),
            "client certificate has no client certificate file; set clientCertificateFile or AZURE_CLIENT_CERTIFICATE_PATH");
}

TEST_F(Credential, IdsThatWouldChangeTheUrlAreRefused) {
  for (const char* id : {"../common", "a/b", "a?b", "a b", "a#b", "%2e", ".", "-", "a\r\nb", "\xc3\xa9"}) {
    CredentialOptions options = Secret();
    options.tenant_id = id;
    auto source = Make(options);
    ASSERT_FALSE(source) << id;
    EXPECT_NE(source.error().message.find(" is no tenant id"), std::string::npos) << source.error().message;
    options = Secret();
    options.client_id = id;
    EXPECT_FALSE(Make(options)) << id;
    options = Managed();
    options.client_id = id;
    EXPECT_FALSE(Make(options)) << id;
  }
  CredentialOptions options = Secret();
  options.tenant_id = "contoso.onmicrosoft.com";
  EXPECT_TRUE(Make(options));
}

TEST_F(Credential, EnvironmentOfAnotherCloudIsAMistake) {
  environment_ = {{"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"}};
  const auto source = Make(Federated());
  ASSERT_FALSE(source);
  EXPECT_EQ(
      source.error().ToString(),
      "AZURE_AUTHORITY_HOST is that of AzureUSGovernment, and the configured cloud is AzureCloud; configure the cloud AzureUSGovernment");
  for (const char* same : {"https://login.microsoftonline.com/", "https://Login.microsoftonline.com", "https://login.windows.net", ""}) {
    environment_ = {{"AZURE_AUTHORITY_HOST", same}};
    EXPECT_TRUE(Make(Federated())) << same;
  }
}

TEST_F(Entra, RefusalTellsCodeCorrelationIdAndWhatToDo) {
  answer_ = [](const http::Request&) {
    return support::JsonResponse(
        400, R"({"error":"invalid_request","error_description":"AADSTS700213: No matching federated identity record found for presented )"
             R"(assertion subject 'system:serviceaccount:acr:acr-admission'. Trace ID: b0f6 Correlation ID: 4a42 Timestamp: 2026-11-23",)"
             R"("error_codes":[700213],"correlation_id":"4a42e576-85bc-46ae-b7e3-b52cb8958917"})");
  };
  const base::Error error = MustFail(*MustMake(Federated()));
  EXPECT_EQ(error.code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.message,
            "workload identity 0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b of tenant 72f988bf-86f1-41af-91ab-2d7cd011db47: AADSTS700213: No "
            "matching federated identity record found for presented assertion subject 'system:serviceaccount:acr:acr-admission'. (HTTP "
            "400 from login.microsoftonline.com, correlation id 4a42e576-85bc-46ae-b7e3-b52cb8958917)");
  EXPECT_NE(error.remedy.find("az identity federated-credential create"), std::string::npos) << error.remedy;
}

TEST_F(Entra, RemedyBelongsToTheCode) {
  const std::vector<std::pair<std::string, std::string>> codes = {{"AADSTS70021", "federated credential"},
                                                                  {"AADSTS700016", "client id"},
                                                                  {"AADSTS7000215", "its value, not its id"},
                                                                  {"AADSTS7000222", "new secret"},
                                                                  {"AADSTS700024", "clock"},
                                                                  {"AADSTS700027", "register the certificate"},
                                                                  {"AADSTS90002", "tenant id"},
                                                                  {"AADSTS53003", "Conditional Access"},
                                                                  {"AADSTS123456", "error?code=123456"}};
  for (const auto& [code, remedy] : codes) {
    answer_ = [text = code](const http::Request&) {
      return support::JsonResponse(401, R"({"error":"invalid_client","error_description":")" + text + R"(: no"})");
    };
    const base::Error error = MustFail(*MustMake(Secret()));
    EXPECT_NE(error.message.find(code + ": no"), std::string::npos) << error.message;
    EXPECT_NE(error.remedy.find(remedy), std::string::npos) << code << ": " << error.remedy;
  }
  answer_ = [](const http::Request&) {
    return support::JsonResponse(401, R"({"error":"invalid_client","error_description":"AADSTS1 && curl evil: no"})");
  };
  EXPECT_EQ(MustFail(*MustMake(Secret())).remedy, "");
}

TEST_F(Entra, AnswersThatAreNotItsOwnAreSaidToBe) {
  for (const int status : {302, 307, 403, 404, 502}) {
    answer_ = [status](const http::Request&) {
      return http::Response{status, {{"Location", "https://evil.example/token"}}, "<html>Bad gateway</html>"};
    };
    const base::Error error = MustFail(*MustMake(Secret()));
    EXPECT_NE(error.message.find("HTTP " + std::to_string(status) + " from login.microsoftonline.com, without a reason that can be read"),
              std::string::npos)
        << error.message;
  }
  EXPECT_EQ(http_.requests().size(), 5U) << "no redirect is followed, nothing is tried twice";
}

TEST_F(Entra, NothingIsSentWithinARetryAfter) {
  answer_ = [](const http::Request&) {
    return support::JsonResponse(429, R"({"error":"throttled","error_description":"AADSTS90033: slow down"})", {{"Retry-After", "60"}});
  };
  const auto source = MustMake(Secret());
  const base::Error first = MustFail(*source);
  EXPECT_EQ(first.code, base::ErrorCode::kUnavailable);
  clock_.Advance(milliseconds(59'999));
  EXPECT_EQ(MustFail(*source).message, first.message);
  EXPECT_EQ(http_.requests().size(), 1U);
  clock_.Advance(milliseconds(1));
  answer_ = [](const http::Request&) { return TokenResponse(); };
  EXPECT_TRUE(source->Fetch(kScope, seconds(1)));
  EXPECT_EQ(http_.requests().size(), 2U);
}

TEST_F(Entra, LifetimeCountsFromWhenTheTokenWasAskedFor) {
  answer_ = [this](const http::Request&) {
    clock_.Advance(seconds(8));
    return TokenResponse();
  };
  const base::Time asked = clock_.Now();
  const auto token = MustMake(Secret())->Fetch(kScope, seconds(30));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->expires, asked + seconds(3599));
}

// An endpoint, or what stands between, that answers with all that it was sent, whole and encoded.
TEST_F(Credential, NoErrorHoldsASecretWhateverTheEndpointAnswers) {
  const auto made = MakeCertificate();
  environment_ = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41042/msi/token"}, {"IDENTITY_HEADER", "h3ad3r"}};
  const std::vector<CredentialOptions> kinds = {Secret(), Federated(), Certificate(made.certificate_pem + made.key_pem), Managed()};
  for (const CredentialOptions& options : kinds) {
    const auto source = MustMake(options);
    for (const int status : {200, 302, 400, 401, 429, 500}) {
      for (const char* shape : {"error", "text", "half a token"}) {
        std::vector<std::string> secrets = {"p~a+b/c=", "p~a%2Bb%2Fc%3D", kJwt, "h3ad3r", "t0k3n", "PRIVATE KEY"};
        answer_ = [&](const http::Request& request) {
          const std::size_t assertion = request.body.find("client_assertion=");
          if (assertion != std::string::npos) {
            secrets.push_back(request.body.substr(assertion + std::string_view("client_assertion=").size()));
          }
          const std::string plain = options.kind == CredentialKind::kClientSecret ? " p~a+b/c= " : " ";
          const std::string all = request.body + plain + HeaderOf(request, "X-IDENTITY-HEADER");
          const nlohmann::json error = {{"error", all}, {"error_description", "AADSTS1: " + all}, {"correlation_id", all}};
          return http::Response{status,
                                {},
                                shape == std::string_view("error")  ? error.dump()
                                : shape == std::string_view("text") ? all
                                                                    : R"({"access_token":"t0k3n)"};
        };
        const base::Error error = MustFail(*source, seconds(1));
        for (const std::string& secret : secrets) {
          EXPECT_EQ(error.ToString().find(secret), std::string::npos) << secret << " in " << error.ToString();
        }
      }
    }
  }
}

}  // namespace
}  // namespace azure
