// Replicas as the program puts them together, over TLS on loopback addresses, asked as one.
#include "cli/fleet.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/database_reader.h"
#include "certs/identity.h"
#include "cli/audit_service.h"
#include "cli/fleet_source.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/cli/run.h"
#include "tests/support/loopback_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"
#include "webhook/server.h"

namespace cli {
namespace {

using audit::Incomplete;
using std::chrono::seconds;
using support::SampleRecord;
using support::TestCertificate;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kServerName = "acr-admission.acr.svc";
constexpr const char* kService = "acr-admission-replicas.acr.svc";

// Long enough to say nothing about the machine, where nothing ends by it.
constexpr seconds kAmple{60};

TestCertificate LeafOf(const TestCertificate& ca, const std::string& name) {
  support::CertificateOptions options;
  options.dns = {name};
  return support::MakeLeaf(ca, options);
}

// One that serves its own log to whoever shows the token "replica".
class ServingReplica {
 public:
  ServingReplica(const std::string& folder, const std::string& address, std::uint16_t port, const TestCertificate& certificate) {
    std::filesystem::create_directories(folder);
    const std::string database = folder + "/audit.db";
    store_ = support::OpenStore({.database = database}, clock_);
    identities_.Publish(certs::ParseIdentity(certificate.certificate_pem, certificate.key_pem).value());
    AuditService::Sources sources;
    sources.replica = [database](const base::Clock& clock) { return audit::OpenDatabaseReader(database, kAmple, clock); };
    service_ = std::make_unique<AuditService>(
        std::move(sources),
        [](std::string_view token, std::string_view verb, std::string_view) {
          using Kind = webhook::Authorization::Kind;
          return webhook::Authorization{token == "replica" && verb == "list" ? Kind::kAllowed : Kind::kUnauthenticated, "replica", ""};
        },
        clock_, [](base::LogLevel, std::string_view) {});
    webhook::ServerOptions options;
    options.address = address + ":" + std::to_string(port);
    options.health_address = "127.0.0.1:0";
    options.drain_delay = std::chrono::milliseconds(0);
    options.limits.tick = std::chrono::milliseconds(5);
    webhook::ServerInputs inputs{states_, identities_, clock_, metrics_, nullptr, nullptr, nullptr, nullptr, nullptr};
    inputs.log = [](base::LogLevel, std::string_view) {};
    inputs.audit_api = [this](webhook::AuditRequest request, std::function<void(webhook::AuditAnswer)> done) {
      service_->Ask(std::move(request), std::move(done));
    };
    auto server = webhook::Server::Start(options, std::move(inputs));
    EXPECT_TRUE(server) << server.error().ToString();
    server_ = server ? *std::move(server) : nullptr;
  }
  ~ServingReplica() { service_->Stop(); }

  void Commit(const std::string& uid, const std::string& minute) {
    const SampleRecord sample{.uid = uid, .time = support::At(("2026-11-23T12:" + minute + ":00Z").c_str())};
    ASSERT_TRUE(store_->Commit(std::vector<audit::Record>{sample.Make()}));
  }
  std::uint16_t port() const { return server_->port(); }

 private:
  base::SystemClock clock_;
  base::Snapshot<state::State> states_;
  base::Snapshot<certs::Identity> identities_;
  webhook::Metrics metrics_{"test"};
  std::unique_ptr<audit::Store> store_;
  std::unique_ptr<AuditService> service_;
  std::unique_ptr<webhook::Server> server_;
};

class FleetTest : public testing::Test {
 protected:
  FleetTest() : token_(TokenOf("replica"), clock_) {}

  static kube::Config TokenOf(const std::string& token) {
    kube::Config config;
    config.token = token;
    return config;
  }

  std::unique_ptr<ServingReplica> Start(const std::string& address, std::uint16_t port, const std::string& name = kServerName) {
    addresses_.push_back(address);
    return std::make_unique<ServingReplica>(folder_ / address, address, port, LeafOf(ca_, name));
  }

  std::unique_ptr<Fleet> Make(std::uint16_t port, std::chrono::milliseconds deadline = kAmple) {
    ReplicasConfig config{kService, port, kServerName, ""};
    Fleet::World world{token_, [this]() -> base::Result<std::string> { return ca_.certificate_pem; }, clock_};
    // By copy: a look-up that nobody waits for any more may outlive the test.
    world.lookup = [addresses = addresses_](const std::string& host) -> base::Result<std::vector<std::string>> {
      EXPECT_EQ(host, kService);
      return addresses;
    };
    world.deadline = deadline;
    return std::make_unique<Fleet>(config, std::move(world));
  }

  static std::vector<std::string> UidsOf(const audit::Page& page) {
    std::vector<std::string> uids;
    for (const audit::Row& row : page.rows) {
      uids.push_back(nlohmann::json::parse(row.record).at("uid"));
    }
    return uids;
  }

  const support::TempFolder folder_;
  const base::SystemClock clock_;
  const TestCertificate ca_ = support::MakeCa("replicas");
  kube::BearerToken token_;
  std::vector<std::string> addresses_;
};

TEST_F(FleetTest, ReadsThreeReplicasOfWhichOneDiesBetweenPages) {
  auto a = Start("127.0.0.1", 0);
  auto b = Start("127.0.0.2", a->port());
  auto c = Start("127.0.0.3", a->port());
  a->Commit("a1", "01");
  b->Commit("b2", "02");
  c->Commit("c3", "03");
  a->Commit("a4", "04");
  b->Commit("b5", "05");
  c->Commit("c6", "06");
  const auto fleet = Make(a->port());
  const auto reader = fleet->OpenReader({}, clock_);
  auto first = reader->Read({.limit = 2});
  ASSERT_TRUE(first) << first.error().ToString();
  EXPECT_THAT(UidsOf(*first), ElementsAre("c6", "b5"));
  EXPECT_THAT(first->incomplete, IsEmpty());

  b.reset();
  const auto second = reader->Read({.cursor = first->next});
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_THAT(UidsOf(*second), ElementsAre("a4", "c3", "a1"));
  EXPECT_THAT(second->incomplete,
              ElementsAre(AllOf(Field(&Incomplete::replica, "127.0.0.2"), Field(&Incomplete::reason, HasSubstr("connect")))));

  const auto summary = reader->Summarise({});
  ASSERT_TRUE(summary) << summary.error().ToString();
  EXPECT_EQ(summary->hours.at(0).counts.denied, 4);
  EXPECT_THAT(summary->incomplete, ElementsAre(Field(&Incomplete::replica, "127.0.0.2")));
}

TEST_F(FleetTest, FollowsAllReplicas) {
  auto a = Start("127.0.0.1", 0);
  auto b = Start("127.0.0.2", a->port());
  a->Commit("old", "01");
  const auto fleet = Make(a->port());
  const auto reader = fleet->OpenReader({}, clock_);
  const auto end = reader->End();
  ASSERT_TRUE(end) << end.error().ToString();
  b->Commit("b1", "02");
  a->Commit("a1", "03");
  const auto page = reader->Read({.order = audit::Order::kOldestFirst, .cursor = *end});
  ASSERT_TRUE(page) << page.error().ToString();
  EXPECT_THAT(UidsOf(*page), ElementsAre("b1", "a1"));
}

TEST_F(FleetTest, NamesWhoIsNotBelievedAndWhoIsSilentAndShowsTheOthers) {
  const support::LoopbackServer silent([](support::Peer& peer, int) { peer.WaitForClose(); });
  addresses_.emplace_back("127.0.0.1");
  auto other = Start("127.0.0.2", silent.port(), "other.acr.svc");
  auto good = Start("127.0.0.3", silent.port());
  other->Commit("hidden", "01");
  good->Commit("shown", "02");
  const auto fleet = Make(silent.port(), seconds(5));
  const auto page = fleet->OpenReader({}, clock_)->Read({});
  ASSERT_TRUE(page) << page.error().ToString();
  EXPECT_THAT(UidsOf(*page), ElementsAre("shown"));
  EXPECT_THAT(page->incomplete,
              UnorderedElementsAre(Field(&Incomplete::replica, "127.0.0.1"),
                                   AllOf(Field(&Incomplete::replica, "127.0.0.2"), Field(&Incomplete::reason, HasSubstr("certificate")))));
}

TEST_F(FleetTest, ATokenThatIsNobodysIsRefused) {
  auto a = Start("127.0.0.1", 0);
  kube::BearerToken nobody(TokenOf("nobody"), clock_);
  Fleet fleet({kService, a->port(), kServerName, ""},
              {nobody, [this]() -> base::Result<std::string> { return ca_.certificate_pem; }, clock_,
               [](const std::string&) -> base::Result<std::vector<std::string>> { return std::vector<std::string>{"127.0.0.1"}; }, nullptr,
               kAmple});
  const auto page = fleet.OpenReader({}, clock_)->Read({});
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message, HasSubstr("status 401"));
}

TEST_F(FleetTest, StopsWhoWaits) {
  std::unique_ptr<Fleet> fleet;
  const support::LoopbackServer silent([&](support::Peer& peer, int) {
    fleet->Stop();
    peer.WaitForClose();
  });
  addresses_.emplace_back("127.0.0.1");
  fleet = Make(silent.port());
  const auto page = fleet->OpenReader({}, clock_)->Read({});
  ASSERT_FALSE(page);
  EXPECT_FALSE(fleet->OpenReader({}, clock_)->Read({}));
}

// ---- what the configuration comes to

class FleetTrustTest : public FleetTest {
 protected:
  // Whom a fleet with this file and these authorities believes.
  base::Result<http::TlsSettings> TrustOf(const std::string& ca, std::function<base::Result<std::string>()> authorities) {
    std::optional<http::TlsSettings> seen;
    Fleet::World world{token_, std::move(authorities), clock_};
    world.lookup = [](const std::string&) -> base::Result<std::vector<std::string>> { return std::vector<std::string>{"127.0.0.1"}; };
    world.make = [&](const std::string&, const http::TlsSettings& trust) -> base::Result<std::unique_ptr<AddressClient>> {
      seen = trust;
      return base::Fail(base::ErrorCode::kUnavailable, "not now");
    };
    Fleet fleet({kService, 8443, kServerName, ca}, std::move(world));
    const auto page = fleet.OpenReader({}, clock_)->Read({});
    EXPECT_FALSE(page);
    return seen ? base::Result<http::TlsSettings>(*seen) : tl::unexpected(page.error());
  }
};

TEST_F(FleetTrustTest, IsTheFileOrTheReplicasOwnAuthorityOrTheSystems) {
  EXPECT_EQ(TrustOf("", nullptr)->system, http::SystemTrust::kUsed);
  const auto file = TrustOf("ca.crt", nullptr);
  EXPECT_EQ(file->ca_file, "ca.crt");
  EXPECT_EQ(file->system, http::SystemTrust::kNotUsed);
  const auto own = TrustOf("", []() -> base::Result<std::string> { return "pem"; });
  EXPECT_EQ(own->ca_pem, "pem");
  EXPECT_EQ(own->system, http::SystemTrust::kNotUsed);
}

TEST_F(FleetTrustTest, NobodyIsAskedWhileTheAuthorityIsNotKnown) {
  const auto trust = TrustOf("", []() -> base::Result<std::string> { return base::Fail(base::ErrorCode::kUnavailable, "not known yet"); });
  ASSERT_FALSE(trust);
  EXPECT_THAT(trust.error().message, HasSubstr("not known yet"));
}

TEST_F(FleetTest, ANameThatIsNotFoundSaysWhereItIsFrom) {
  Fleet::World world{token_, nullptr, clock_};
  world.lookup = [](const std::string&) -> base::Result<std::vector<std::string>> {
    return base::Fail(base::ErrorCode::kUnavailable, "Name or service not known");
  };
  Fleet fleet({kService, 8443, kServerName, ""}, std::move(world));
  const auto page = fleet.OpenReader({}, clock_)->Read({});
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message,
              AllOf(HasSubstr("audit.replicas.service"), HasSubstr(kService), HasSubstr("Name or service not known")));
  EXPECT_THAT(page.error().remedy, HasSubstr("headless Service"));
}

TEST_F(FleetTest, OutsideOfAPodACommandSaysWhereToRunIt) {
  Config config;
  config.kubernetes.emplace();
  config.audit.replicas = ReplicasConfig{kService, 8443, kServerName, ""};
  const auto source = OpenFleetSource(config, NoVariable);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("audit.replicas: kubernetes: "));
  EXPECT_THAT(source.error().remedy, HasSubstr("--database"));
}

}  // namespace
}  // namespace cli
