#include "cli/audit_forwarding.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/postgresql_schema.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/postgres_server.h"

namespace cli {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// What is logged, for tests that wait for it.
class LogLines {
 public:
  base::Log Log() {
    return [this](base::LogLevel, std::string_view line) {
      const std::lock_guard lock(mutex_);
      text_ += std::string(line) + "\n";
      changed_.notify_all();
    };
  }
  std::string WaitFor(const std::string& words) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return text_.find(words) != std::string::npos; });
    return text_;
  }
  std::string All() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

class AuditForwardingTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = support::OpenStore({.database = support::ScratchDatabase(), .waits_for = audit::Forwarder::kConsumer}, clock_);
  }
  void Migrate(const audit::postgresql::Server& server) const {
    auto connection = support::Connect(server);
    const base::Event never;
    ASSERT_TRUE(audit::postgresql::Migrate(connection, {}, {std::chrono::steady_clock::now() + 60s, &never}));
  }
  void Commit(const std::string& uid) const {
    const audit::Record record = support::SampleRecord{.uid = uid, .time = clock_.Now()}.Make();
    ASSERT_TRUE(store_->Commit({&record, 1}));
  }
  std::unique_ptr<AuditForwarding> Make(const audit::postgresql::Server& server, std::chrono::milliseconds finish_time = 60s) {
    return std::make_unique<AuditForwarding>(*store_, server, support::ResolveLoopback, clock_, lines_.Log(), finish_time);
  }

  support::FakeClock clock_{base::SystemClock().Now()};
  std::unique_ptr<audit::Store> store_;
  LogLines lines_;
};

TEST_F(AuditForwardingTest, TakesUpByItselfWhatWaitedForTheSchema) {
  support::PostgresServer& postgres = support::SharedPostgres();
  const audit::postgresql::Server server = postgres.OverSocket(postgres.CreateDatabase());
  Commit("a");
  const auto forwarding = Make(server);
  forwarding->Start();
  lines_.WaitFor("audit: records wait for PostgreSQL: PostgreSQL at " + server.host);
  EXPECT_THAT(forwarding->status().problem.value_or(""), HasSubstr("acr-admission audit migrate"));
  EXPECT_GE(forwarding->status().failures, 1u);
  EXPECT_FALSE(forwarding->status().last_success);

  Migrate(server);
  lines_.WaitFor("over: audit: records wait for PostgreSQL");
  Commit("b");
  forwarding->Finish();
  forwarding->Stop();

  EXPECT_EQ(forwarding->status().rows, 2u);
  EXPECT_FALSE(forwarding->status().problem);
  EXPECT_EQ(forwarding->status().last_success, clock_.Now());
  EXPECT_EQ(support::Sql(server, "SELECT count(*) FROM acr_admission.decision").front(), "2");
}

TEST_F(AuditForwardingTest, AStopSendsWhatWasCommittedToTheLast) {
  support::PostgresServer& postgres = support::SharedPostgres();
  const audit::postgresql::Server server = postgres.OverSocket(postgres.CreateDatabase());
  Migrate(server);
  for (int round = 0; round < 5; ++round) {
    const auto forwarding = Make(server);
    forwarding->Start();
    Commit(std::to_string(round));
    forwarding->Finish();
    forwarding->Stop();
  }
  EXPECT_EQ(support::Sql(server, "SELECT count(*) FROM acr_admission.decision").front(), "5");
  EXPECT_EQ(lines_.All(), "");
}

TEST_F(AuditForwardingTest, AServerThatIsStuckHoldsUpNoStop) {
  support::PostgresServer own(support::PostgresServer::Disk::kNotSynced);
  const audit::postgresql::Server server = own.OverSocket(own.CreateDatabase());
  Migrate(server);
  Commit("a");
  const auto forwarding = Make(server, 50ms);
  own.Pause();
  forwarding->Start();
  forwarding->Finish();
  forwarding->Stop();
  EXPECT_EQ(forwarding->status().failures, 0u);  // its own deadlines would have counted
  own.Resume();
  EXPECT_THAT(lines_.All(), HasSubstr("1 records are not in PostgreSQL yet; they wait in audit.database"));

  const auto next = Make(server);
  next->Start();
  next->Finish();
  next->Stop();
  EXPECT_EQ(support::Sql(server, "SELECT count(*) FROM acr_admission.decision").front(), "1");
}

}  // namespace
}  // namespace cli
