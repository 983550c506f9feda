// What reads Azure, against the fake Azure over real sockets and TLS.
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/network_client.h"
#include "tests/azure/fake_azure_session.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using support::AzureService;
using support::EveryCallAbout;
using support::EveryCallOf;
using support::WireFault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Kind = ArmError::Kind;

// Long enough to say nothing about the machine: tests that end by it are broken.
constexpr milliseconds kAmple = minutes(2);
// Time enough to get into the phase whose end is awaited.
constexpr milliseconds kShort = milliseconds(500);

constexpr const char* kSubscription = "00000001-0000-4000-8000-000000000000";

class FakeAzureServer : public ::testing::Test {
 protected:
  FakeAzureServer() {
    folder_.Write("ca.crt", server_.ca_pem());
    folder_.Write("secret", application_.client_secret);
    folder_.Write("token", application_.federated_token);
    id_ = world_.AddRegistry(kSubscription, "platform", "alpha");
    client_ = Connect("ca.crt");
  }

  std::unique_ptr<http::NetworkClient> Connect(const std::string& ca) {
    http::NetworkClientOptions options;
    options.version = "1.2.3";
    options.tls.ca_file = folder_ / ca;
    options.tls.system = http::SystemTrust::kNotUsed;
    auto client = http::NetworkClient::Create(options, clock_);
    EXPECT_TRUE(client) << (client ? "" : client.error().ToString());
    return *std::move(client);
  }

  CredentialOptions Application(CredentialKind kind) const {
    CredentialOptions options;
    options.kind = kind;
    options.tenant_id = application_.tenant_id;
    options.client_id = application_.client_id;
    return options;
  }
  CredentialOptions Secret() const {
    CredentialOptions options = Application(CredentialKind::kClientSecret);
    options.client_secret_file = folder_ / "secret";
    return options;
  }

  // A new one with its key, into "certificate.pem".
  support::TestCertificate WriteCertificate() const {
    support::CertificateOptions options;
    options.key = support::KeyKind::kRsa2048;
    support::TestCertificate made = support::MakeSelfSigned(options);
    folder_.Write("certificate.pem", made.certificate_pem + made.key_pem);
    return made;
  }
  void RegisterCertificate() {
    application_.certificate_pem = WriteCertificate().certificate_pem;
    world_.PutApplication(application_);
  }

  std::unique_ptr<Session> LogIn(const CredentialOptions& options) {
    const auto environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    };
    const auto wait = [this](milliseconds duration) {
      waits_.push_back(duration);
      clock_.Advance(duration);
      return true;
    };
    auto source = MakeTokenSource(options, environment, cloud_, *client_, clock_, wait);
    EXPECT_TRUE(source) << (source ? "" : source.error().ToString());
    return std::make_unique<Session>(*std::move(source), cloud_, *client_, clock_);
  }

  // The first login server that the session lists, or why there is none.
  std::string FirstOf(Session& session) {
    const auto registries = session.reader->List(kSubscription, kAmple);
    if (!registries) {
      return heard_.Note(registries.error().ToString());
    }
    return registries->empty() ? "none" : registries->front().login_server;
  }
  std::string FirstBy(const CredentialOptions& options) { return FirstOf(*LogIn(options)); }

  ArmError ErrorOf(Session& session, milliseconds deadline = kAmple) {
    const auto registries = session.reader->List(kSubscription, deadline);
    EXPECT_FALSE(registries);
    if (!registries) {
      heard_.Note(registries.error().ToString());
    }
    return registries ? ArmError{} : registries.error();
  }

  support::TempFolder folder_;
  support::FakeClock clock_;
  support::AzureWorld world_{clock_};
  support::FakeAzureServer server_{world_};
  support::AzureApplication application_ = support::TestApplication();
  std::string id_;
  const Cloud cloud_ = CheckCloud({"FakeCloud", server_.Origin(), server_.Origin(), {"azurecr.io"}}).value();
  std::map<std::string, std::string> environment_;
  std::vector<milliseconds> waits_;
  std::unique_ptr<http::NetworkClient> client_;
  Heard heard_;
};

constexpr const char* kAlpha = "alpha.azurecr.io";

// ---- every kind of credential, from its proof to a registry

TEST_F(FakeAzureServer, ClientSecretReads) { EXPECT_EQ(FirstBy(Secret()), kAlpha); }

TEST_F(FakeAzureServer, WorkloadIdentityReadsWithTheTokenOfTheMoment) {
  CredentialOptions options = Application(CredentialKind::kWorkloadIdentity);
  options.federated_token_file = folder_ / "token";
  const auto session = LogIn(options);
  EXPECT_EQ(FirstOf(*session), kAlpha);
  application_.federated_token = "eyJhbGciOiJSUzI1NiJ9." + std::string(support::kSecretMarker) + ".renewed";
  world_.PutApplication(application_);
  clock_.Advance(minutes(61));
  EXPECT_THAT(FirstOf(*session), HasSubstr("AADSTS700213")) << "the file still holds the old one";
  folder_.Write("token", application_.federated_token + "\n");
  clock_.Advance(minutes(1));
  EXPECT_EQ(FirstOf(*session), kAlpha);
}

TEST_F(FakeAzureServer, ClientCertificateReads) {
  RegisterCertificate();
  CredentialOptions options = Application(CredentialKind::kClientCertificate);
  options.client_certificate_file = folder_ / "certificate.pem";
  const auto session = LogIn(options);
  EXPECT_EQ(FirstOf(*session), kAlpha);
  const std::string assertion = world_.LastAssertion();
  EXPECT_FALSE(assertion.empty());
  RegisterCertificate();  // another
  clock_.Advance(minutes(61));
  EXPECT_EQ(FirstOf(*session), kAlpha);
  WriteCertificate();  // one that is not registered
  clock_.Advance(minutes(61));
  EXPECT_THAT(FirstOf(*session), HasSubstr("AADSTS700027"));
  EXPECT_EQ(heard_.all().find(assertion), std::string::npos);
}

TEST_F(FakeAzureServer, ManagedIdentityReadsWhenTheMetadataServiceIsBack) {
  environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server_.MetadataOrigin()}};
  const auto metadata = EveryCallOf(AzureService::kInstanceMetadata);
  world_.Fail(metadata, {.status = 404}, 1);
  world_.Fail(metadata, {.status = 410}, 1);
  world_.Fail(metadata, {.status = 429, .retry_after = seconds(20)}, 1);
  world_.Fail(metadata, {.status = 500}, 1);
  CredentialOptions options;
  options.kind = CredentialKind::kManagedIdentity;
  EXPECT_EQ(FirstBy(options), kAlpha);
  EXPECT_THAT(waits_, ElementsAre(seconds(2), seconds(6), seconds(20), seconds(30)));
  EXPECT_EQ(world_.Count(AzureService::kInstanceMetadata), 5U);
  EXPECT_THAT(world_.violations(), SizeIs(0));
}

TEST_F(FakeAzureServer, ManagedIdentityThatIsNotAssignedIsRefused) {
  environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server_.MetadataOrigin()}};
  CredentialOptions options;
  options.kind = CredentialKind::kManagedIdentity;
  options.client_id = "11111111-0000-0000-0000-000000000000";
  EXPECT_THAT(FirstBy(options), HasSubstr("Identity not found"));
  options.client_id = application_.client_id;
  EXPECT_EQ(FirstBy(options), kAlpha);
}

TEST_F(FakeAzureServer, IdentityEndpointReads) {
  environment_ = {{"IDENTITY_ENDPOINT", server_.IdentityEndpoint()}, {"IDENTITY_HEADER", world_.IdentityHeader()}};
  CredentialOptions options;
  options.kind = CredentialKind::kManagedIdentity;
  EXPECT_EQ(FirstBy(options), kAlpha);
  EXPECT_EQ(world_.Count(AzureService::kIdentityEndpoint), 1U);
  environment_["IDENTITY_HEADER"] = std::string(support::kSecretMarker) + "-wrong";
  EXPECT_THAT(FirstBy(options), HasSubstr("X-IDENTITY-HEADER header is missing or wrong"));
}

TEST_F(FakeAzureServer, AutomaticTakesItsKindsInTheirOrder) {
  RegisterCertificate();
  environment_ = {{"AZURE_TENANT_ID", application_.tenant_id},
                  {"AZURE_CLIENT_ID", application_.client_id},
                  {"AZURE_FEDERATED_TOKEN_FILE", folder_ / "token"},
                  {"IDENTITY_ENDPOINT", server_.IdentityEndpoint()},
                  {"IDENTITY_HEADER", world_.IdentityHeader()},
                  {"AZURE_CLIENT_SECRET", application_.client_secret},
                  {"AZURE_CLIENT_CERTIFICATE_PATH", folder_ / "certificate.pem"},
                  {"AZURE_POD_IDENTITY_AUTHORITY_HOST", server_.MetadataOrigin()}};
  const auto taken = [this] {
    const auto session = LogIn({});
    EXPECT_EQ(FirstOf(*session), kAlpha);
    return session->arm.Identity().substr(0, session->arm.Identity().find(" " + application_.client_id));
  };
  EXPECT_EQ(taken(), "workload identity");
  environment_.erase("AZURE_FEDERATED_TOKEN_FILE");
  EXPECT_EQ(taken(), "managed identity");
  EXPECT_EQ(world_.Count(AzureService::kIdentityEndpoint), 1U);
  environment_.erase("IDENTITY_ENDPOINT");
  EXPECT_EQ(taken(), "client secret");
  environment_.erase("AZURE_CLIENT_SECRET");
  EXPECT_EQ(taken(), "client certificate");
  environment_.erase("AZURE_CLIENT_CERTIFICATE_PATH");
  EXPECT_EQ(taken(), "managed identity");
  EXPECT_EQ(world_.Count(AzureService::kInstanceMetadata), 1U);
  EXPECT_EQ(world_.Count(AzureService::kLogin), 3U);
}

TEST_F(FakeAzureServer, WrongProofIsRefusedWithoutShowingIt) {
  folder_.Write("secret", application_.client_secret + "-of-yesterday");
  EXPECT_THAT(FirstBy(Secret()), HasSubstr("AADSTS7000215"));
}

// ---- the wire

TEST_F(FakeAzureServer, DiscoversAndReads) {
  const auto session = LogIn(Secret());
  const auto found = session->reader->Discover({}, kAmple);
  ASSERT_TRUE(found) << found.error().ToString();
  ASSERT_THAT(*found, SizeIs(1));
  const auto registry = session->reader->Get(found->front().resource_id, kAmple);
  ASSERT_TRUE(registry) << registry.error().ToString();
  EXPECT_EQ(registry->login_server, kAlpha);
  EXPECT_EQ(server_.connections(), 1) << "kept from the token to the registry";
}

TEST_F(FakeAzureServer, LongListComesInPages) {
  support::AzureSettings settings = world_.settings();
  settings.list_page = 10;
  world_.SetSettings(settings);
  for (int i = 0; i < 34; ++i) {
    world_.AddRegistry(kSubscription, "platform", "registry" + std::to_string(i));
  }
  const auto registries = LogIn(Secret())->reader->List(kSubscription, kAmple);
  ASSERT_TRUE(registries) << registries.error().ToString();
  EXPECT_THAT(*registries, SizeIs(35));
  EXPECT_EQ(world_.Count(kSubscription), 4U);
}

TEST_F(FakeAzureServer, StandsParallelReaders) {
  constexpr int kReaders = 8;
  constexpr int kReads = 20;
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  std::atomic<int> read = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      for (int j = 0; j < kReads; ++j) {
        read += session->reader->Get(id_, kAmple) ? 1 : 0;
      }
    });
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(read, kReaders * kReads);
  EXPECT_LE(server_.connections(), kReaders + 1) << "connections are kept";
}

TEST_F(FakeAzureServer, HoldsRequestsBackUntilTheyAreLetGo) {
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  const auto gate = server_.Hold(EveryCallAbout(kSubscription));
  std::thread reader([&] { EXPECT_TRUE(session->reader->Get(id_, kAmple)); });
  gate->WaitUntilHeld();
  EXPECT_EQ(world_.Count(kSubscription), 1U) << "Azure has not seen it";
  gate->Open();
  reader.join();
  EXPECT_EQ(world_.Count(kSubscription), 2U);
}

TEST_F(FakeAzureServer, HeldRequestEndsByItsDeadlineAndTheServerWithIt) {
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  server_.Hold(EveryCallAbout(kSubscription));
  EXPECT_EQ(ErrorOf(*session, kShort).kind, Kind::kUnavailable);
}

TEST_F(FakeAzureServer, DripEndsByTheDeadline) {
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  server_.faults().Add(EveryCallAbout(kSubscription), WireFault::kDrip, 1);
  const ArmError error = ErrorOf(*session, kShort);
  EXPECT_EQ(error.kind, Kind::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("reading the answer"));
  EXPECT_EQ(FirstOf(*session), kAlpha);
}

TEST_F(FakeAzureServer, BrokenAnswersAreNone) {
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  for (const WireFault fault : {WireFault::kDropBefore, WireFault::kDropInHead, WireFault::kDropInBody, WireFault::kHalfBody}) {
    const int id = server_.faults().Add(EveryCallAbout(kSubscription), fault);
    EXPECT_EQ(ErrorOf(*session).kind, Kind::kUnavailable) << static_cast<int>(fault);
    server_.faults().Remove(id);
    EXPECT_EQ(FirstOf(*session), kAlpha) << static_cast<int>(fault);
  }
}

TEST_F(FakeAzureServer, BrokenTokensAreNone) {
  for (const WireFault fault : {WireFault::kDropBefore, WireFault::kDropInHead, WireFault::kDropInBody, WireFault::kHalfBody}) {
    const auto session = LogIn(Secret());
    const int id = server_.faults().Add(EveryCallOf(AzureService::kLogin), fault);
    EXPECT_THAT(ErrorOf(*session).message, HasSubstr("no token")) << static_cast<int>(fault);
    server_.faults().Remove(id);
    clock_.Advance(seconds(1));  // the back-off
    EXPECT_EQ(FirstOf(*session), kAlpha) << static_cast<int>(fault);
  }
}

TEST_F(FakeAzureServer, FailingServicesAndStrangersInTheWayAreUnavailable) {
  const auto session = LogIn(Secret());
  ASSERT_EQ(FirstOf(*session), kAlpha);
  const std::vector<support::AzureFailure> failures = {{.status = 500},
                                                       {.status = 503, .retry_after = seconds(1)},
                                                       {.status = 200, .body = R"({"value":[{"id":)"},
                                                       {.status = 200, .body = "<html>Sign in to the network</html>"}};
  for (const support::AzureFailure& failure : failures) {
    world_.Fail(EveryCallAbout(kSubscription), failure, 1);
    EXPECT_EQ(ErrorOf(*session).kind, Kind::kUnavailable) << failure.status;
    clock_.Advance(seconds(1));
    EXPECT_EQ(FirstOf(*session), kAlpha);
  }
  EXPECT_THAT(world_.violations(), SizeIs(0));
}

TEST_F(FakeAzureServer, RedirectIsNeverFollowed) {
  const support::FakeAzureServer elsewhere(world_);
  const http::Headers location = {{"Location", elsewhere.Origin() + "/subscriptions"}};
  const auto session = LogIn(Secret());
  const int login = world_.Fail(EveryCallOf(AzureService::kLogin), {.status = 307, .body = "", .headers = location});
  EXPECT_THAT(ErrorOf(*session).message, HasSubstr("HTTP 307"));
  world_.Mend(login);
  clock_.Advance(seconds(1));
  world_.Fail(EveryCallAbout(kSubscription), {.status = 302, .body = "", .headers = location}, 1);
  EXPECT_EQ(ErrorOf(*session).kind, Kind::kUnavailable);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST_F(FakeAzureServer, ThrottledCallsAreNotSent) {
  const auto session = LogIn(Secret());
  for (const bool as_date : {false, true}) {
    world_.Fail(EveryCallAbout(kSubscription), {.status = 429, .retry_after = seconds(30), .retry_after_as_date = as_date}, 1);
    EXPECT_EQ(ErrorOf(*session).status, 429);
    const std::uint64_t sent = world_.Count();
    clock_.Advance(seconds(29));
    EXPECT_EQ(ErrorOf(*session).status, 0);
    EXPECT_EQ(world_.Count(), sent);
    clock_.Advance(seconds(1));
    EXPECT_EQ(FirstOf(*session), kAlpha);
  }
  EXPECT_THAT(world_.violations(), SizeIs(0));
}

TEST_F(FakeAzureServer, NobodyIsToldASecretWhoseCertificateIsUnknown) {
  folder_.Write("other.crt", support::MakeCa("another CA").certificate_pem);
  client_ = Connect("other.crt");
  EXPECT_THAT(FirstBy(Secret()), HasSubstr("TLS"));
  EXPECT_EQ(world_.Count(), 0U);
}

}  // namespace
}  // namespace azure
