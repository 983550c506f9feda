#include "cli/audit_service.h"

#include <condition_variable>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_audit_log.h"
#include "tests/support/fake_clock.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::FakeAuditLog;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using webhook::AuditAnswer;
using webhook::AuditRequest;
using webhook::Authorization;

constexpr seconds kPatience{30};

// A door that a test opens.
class Door {
 public:
  void Pass() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (!open_) {
      changed_.Wait(mutex_);
    }
  }
  void Open() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  // Until so many have come to it.
  bool Holds(std::size_t count) EXCLUDES(mutex_) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    base::MutexLock lock(mutex_);
    while (waiting_ < count) {
      if (!changed_.WaitUntil(mutex_, until)) {
        return false;
      }
    }
    return true;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  bool open_ GUARDED_BY(mutex_) = false;
  std::size_t waiting_ GUARDED_BY(mutex_) = 0;
};

// A reader of a log that others share.
class Borrowed final : public audit::Reader {
 public:
  Borrowed(audit::Reader& of, base::Mutex& mutex) : of_(of), mutex_(mutex) {}
  base::Result<audit::Page> Read(const audit::Query& query) override {
    base::MutexLock lock(mutex_);
    return of_.Read(query);
  }
  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override {
    base::MutexLock lock(mutex_);
    return of_.Summarise(filter);
  }
  base::Result<std::string> End() override {
    base::MutexLock lock(mutex_);
    return of_.End();
  }

 private:
  audit::Reader& of_;
  base::Mutex& mutex_;
};

class AuditServiceTest : public testing::Test {
 protected:
  AuditServiceTest() { log_.Add({.uid = "1", .namespace_name = "shop"}); }

  std::unique_ptr<AuditService> Make(bool with_cluster = false) {
    AuditService::Sources sources;
    sources.replica = [this](const base::Clock&) -> base::Result<std::unique_ptr<audit::Reader>> {
      base::MutexLock lock(mutex_);
      ++opened_;
      if (no_database_) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "audit.db: there is no such file", "start serve");
      }
      return std::make_unique<Borrowed>(log_, mutex_);
    };
    if (with_cluster) {
      sources.cluster = [this](const base::Clock&) -> base::Result<std::unique_ptr<audit::Reader>> {
        return std::make_unique<Borrowed>(cluster_, mutex_);
      };
    }
    return std::make_unique<AuditService>(
        std::move(sources),
        [this](std::string_view token, std::string_view, std::string_view) {
          if (held_) {
            door_.Pass();
          }
          base::MutexLock lock(mutex_);
          ++authorized_;
          return Authorization{kind_, std::string(token), "no route to the API server"};
        },
        clock_,
        [this](base::LogLevel, std::string_view line) {
          base::MutexLock lock(mutex_);
          lines_.emplace_back(line);
        });
  }

  // The token is the user's name.
  static AuditRequest Request(const std::string& token = "jane", const std::string& peer = "10.0.0.1",
                              const std::string& target = "/audit/v1/decisions") {
    return {.target = target, .token = token, .peer = peer};
  }

  static std::future<AuditAnswer> Begin(AuditService& service, AuditRequest request) {
    auto promise = std::make_shared<std::promise<AuditAnswer>>();
    auto future = promise->get_future();
    service.Ask(std::move(request), [promise](AuditAnswer answer) { promise->set_value(std::move(answer)); });
    return future;
  }
  static AuditAnswer Ask(AuditService& service, AuditRequest request = Request()) {
    auto answer = Begin(service, std::move(request));
    if (answer.wait_for(kPatience) != std::future_status::ready) {
      throw std::runtime_error("no answer");
    }
    return answer.get();
  }

  support::FakeClock clock_;
  base::Mutex mutex_;
  FakeAuditLog log_;
  FakeAuditLog cluster_;
  Door door_;
  bool held_ = false;
  Authorization::Kind kind_ = Authorization::Kind::kAllowed;
  bool no_database_ = false;
  std::size_t opened_ = 0;
  std::size_t authorized_ = 0;
  std::vector<std::string> lines_;
};

TEST_F(AuditServiceTest, AnswersFromTheReplicasLogWhereThereIsNoOther) {
  const auto service = Make();
  for (const char* target : {"/audit/v1/decisions", "/audit/v1/decisions?scope=replica"}) {
    const AuditAnswer answer = Ask(*service, Request("jane", "10.0.0.1", target));
    EXPECT_EQ(answer.status, 200u);
    EXPECT_THAT(answer.body, HasSubstr("\"uid\":\"1\""));
  }
}

TEST_F(AuditServiceTest, AsksTheClusterUnlessItIsToldNotTo) {
  cluster_.Add({.uid = "of-another", .namespace_name = "shop"});
  const auto service = Make(/*with_cluster=*/true);
  EXPECT_THAT(Ask(*service).body, HasSubstr("of-another"));
  EXPECT_THAT(Ask(*service, Request("jane", "10.0.0.1", "/audit/v1/decisions?scope=replica")).body, Not(HasSubstr("of-another")));
}

// Replicas that are asked at the same time would otherwise wait for each other until all give up.
TEST_F(AuditServiceTest, WhoAsksTheOthersLeavesRoomForWhatTheOthersAsk) {
  class Held final : public audit::Reader {
   public:
    explicit Held(Door& door) : door_(door) {}
    base::Result<audit::Page> Read(const audit::Query&) override {
      door_.Pass();
      return audit::Page();
    }
    base::Result<audit::Summary> Summarise(const audit::Filter&) override { return audit::Summary(); }
    base::Result<std::string> End() override { return std::string(); }

   private:
    Door& door_;
  };
  Door others;
  AuditService::Sources sources;
  sources.replica = [this](const base::Clock&) -> base::Result<std::unique_ptr<audit::Reader>> {
    return std::make_unique<Borrowed>(log_, mutex_);
  };
  sources.cluster = [&](const base::Clock&) -> base::Result<std::unique_ptr<audit::Reader>> { return std::make_unique<Held>(others); };
  AuditService service(
      std::move(sources),
      [](std::string_view token, std::string_view, std::string_view) {
        return Authorization{Authorization::Kind::kAllowed, std::string(token), ""};
      },
      clock_, [](base::LogLevel, std::string_view) {});
  std::vector<std::future<AuditAnswer>> answers;
  for (std::size_t i = 0; i < kFleetQueries + 3; ++i) {
    answers.push_back(Begin(service, Request()));
  }
  ASSERT_TRUE(others.Holds(kFleetQueries));
  // A word that looks like it, in another place, is none.
  answers.push_back(Begin(service, Request("jane", "10.0.0.1", "/audit/v1/decisions?user=scope=replica")));
  EXPECT_THAT(Ask(service, Request("jane", "10.0.0.1", "/audit/v1/decisions?scope=replica")).body, HasSubstr("\"uid\":\"1\""));
  others.Open();
  for (auto& answer : answers) {
    EXPECT_EQ(answer.get().status, 200U);
  }
}

TEST_F(AuditServiceTest, DurationsCountFromTheClocksTime) {
  const auto service = Make();
  Ask(*service, Request("jane", "10.0.0.1", "/audit/v1/decisions?since=1h"));
  base::MutexLock lock(mutex_);
  EXPECT_EQ(log_.last().filter.since, clock_.Now() - std::chrono::hours(1));
}

TEST_F(AuditServiceTest, AReaderIsKeptUntilItFails) {
  const auto service = Make();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Ask(*service).status, 200u);
  }
  {
    base::MutexLock lock(mutex_);
    EXPECT_LE(opened_, kQueryThreads);
    EXPECT_GE(opened_, 1u);
    opened_ = 0;
    log_.Fail(base::Error{base::ErrorCode::kInvalidArgument, "cursor: is of another log", ""});
  }
  EXPECT_EQ(Ask(*service).status, 400u);
  {
    base::MutexLock lock(mutex_);
    log_.Fail(base::Error{base::ErrorCode::kUnavailable, "database disk image is malformed", ""});
  }
  for (int i = 0; i < 10; ++i) {
    const AuditAnswer answer = Ask(*service);
    EXPECT_EQ(answer.status, 503u);
    EXPECT_THAT(answer.body, HasSubstr("malformed"));
  }
  base::MutexLock lock(mutex_);
  EXPECT_GE(opened_, 10 - kQueryThreads) << "whoever has failed looks anew";
}

TEST_F(AuditServiceTest, ALogThatCannotBeOpenedIsTheServersFault) {
  no_database_ = true;
  const auto service = Make();
  const AuditAnswer answer = Ask(*service);
  EXPECT_EQ(answer.status, 503u);
  EXPECT_GT(answer.retry_after, 0u);
  EXPECT_THAT(answer.body, HasSubstr("there is no such file; start serve"));
  {
    base::MutexLock lock(mutex_);
    no_database_ = false;
  }
  EXPECT_EQ(Ask(*service).status, 200u);
}

TEST_F(AuditServiceTest, WhoWaitsBeyondTheQueueIsTurnedAway) {
  held_ = true;
  const auto service = Make();
  std::vector<std::future<AuditAnswer>> answers;
  for (std::size_t i = 0; i < kQueryThreads; ++i) {
    answers.push_back(Begin(*service, Request()));
  }
  ASSERT_TRUE(door_.Holds(kQueryThreads));
  for (std::size_t i = 0; i < kMaxWaitingQueries; ++i) {
    answers.push_back(Begin(*service, Request()));
  }
  const AuditAnswer beyond = Ask(*service);
  EXPECT_EQ(beyond.status, 503u);
  EXPECT_GT(beyond.retry_after, 0u);
  door_.Open();
  for (auto& answer : answers) {
    EXPECT_EQ(answer.get().status, 200u);
  }
}

TEST_F(AuditServiceTest, WhomNobodyWaitsForIsNotAskedAbout) {
  held_ = true;
  const auto service = Make();
  std::vector<std::future<AuditAnswer>> answers;
  for (std::size_t i = 0; i < kQueryThreads; ++i) {
    answers.push_back(Begin(*service, Request()));
  }
  ASSERT_TRUE(door_.Holds(kQueryThreads));
  AuditRequest late = Request();
  late.deadline = clock_.Monotonic() + seconds(10);
  auto dropped = Begin(*service, late);
  clock_.Advance(seconds(10));
  door_.Open();
  for (auto& answer : answers) {
    EXPECT_EQ(answer.get().status, 200u);
  }
  EXPECT_EQ(Ask(*service).status, 200u);
  service->Stop();
  EXPECT_THROW(dropped.get(), std::future_error) << "its promise is gone, and was never kept";
  base::MutexLock lock(mutex_);
  EXPECT_EQ(authorized_, kQueryThreads + 1);
}

TEST_F(AuditServiceTest, AnAddressHasItsRate) {
  kind_ = Authorization::Kind::kUnauthenticated;
  const auto service = Make();
  for (int i = 0; i < kPeerBurst; ++i) {
    EXPECT_EQ(Ask(*service, Request("t" + std::to_string(i))).status, 401u);
  }
  const AuditAnswer refused = Ask(*service, Request("one more"));
  EXPECT_EQ(refused.status, 429u);
  EXPECT_GT(refused.retry_after, 0u);
  EXPECT_EQ(Ask(*service, Request("one more", "10.0.0.2")).status, 401u);
  clock_.Advance(kPeerRefill);
  EXPECT_EQ(Ask(*service, Request("one more")).status, 401u);
  EXPECT_EQ(Ask(*service, Request("one more")).status, 429u);
}

TEST_F(AuditServiceTest, AUserHasItsRateWhateverTheAddress) {
  const auto service = Make();
  int i = 0;
  for (; i < kUserBurst; ++i) {
    EXPECT_EQ(Ask(*service, Request("jane", "10.0.0." + std::to_string(i))).status, 200u);
  }
  EXPECT_EQ(Ask(*service, Request("jane", "10.0.1.1")).status, 429u);
  EXPECT_EQ(Ask(*service, Request("joe", "10.0.1.1")).status, 200u);
  clock_.Advance(kUserRefill);
  EXPECT_EQ(Ask(*service, Request("jane", "10.0.1.1")).status, 200u);
}

TEST_F(AuditServiceTest, ARequestCountsOnceHoweverManyPermissionsItNeeds) {
  kind_ = Authorization::Kind::kForbidden;  // everywhere: then the record's own namespace is asked about
  const auto service = Make();
  for (int i = 0; i < kUserBurst; ++i) {
    EXPECT_EQ(Ask(*service, Request("jane", "10.0.0.1", "/audit/v1/decisions/1")).status, 404u) << i;
  }
  base::MutexLock lock(mutex_);
  EXPECT_EQ(authorized_, 2u * kUserBurst);
}

TEST_F(AuditServiceTest, WhoeverComesManyAreForgottenAndNotKept) {
  kind_ = Authorization::Kind::kUnauthenticated;
  const auto service = Make();
  for (int i = 0; i < kPeerBurst; ++i) {
    Ask(*service);
  }
  ASSERT_EQ(Ask(*service).status, 429u);
  for (std::size_t i = 0; i < kMaxCallers; ++i) {
    Ask(*service, Request("t", "peer" + std::to_string(i)));
  }
  EXPECT_EQ(Ask(*service).status, 401u);
}

TEST_F(AuditServiceTest, AnApiServerThatIsAwayIsOneLineAMinute) {
  kind_ = Authorization::Kind::kUnknown;
  const auto service = Make();
  for (int i = 0; i < 5; ++i) {
    const AuditAnswer answer = Ask(*service, Request("secret-token"));
    EXPECT_EQ(answer.status, 503u);
    EXPECT_THAT(answer.body, Not(HasSubstr("no route")));
  }
  {
    base::MutexLock lock(mutex_);
    EXPECT_THAT(lines_, SizeIs(1));
    EXPECT_THAT(lines_, Each(AllOf(HasSubstr("no route to the API server"), Not(HasSubstr("secret-token")))));
  }
  clock_.Advance(std::chrono::minutes(1));
  Ask(*service);
  base::MutexLock lock(mutex_);
  EXPECT_THAT(lines_, SizeIs(2));
}

TEST_F(AuditServiceTest, AStopEndsWhatARunningQueryIsGiven) {
  // A reader that goes on until its deadline, by the clock that it was given, is over.
  Door reading;
  AuditService::Sources sources;
  class Endless final : public audit::Reader {
   public:
    Endless(const base::Clock& clock, Door& reading) : clock_(clock), reading_(reading) {}
    base::Result<audit::Page> Read(const audit::Query&) override {
      const auto deadline = clock_.Monotonic() + kQueryDeadline;
      reading_.Pass();
      while (clock_.Monotonic() < deadline) {
        std::this_thread::yield();
      }
      return base::Fail(base::ErrorCode::kUnavailable, "took too long");
    }
    base::Result<audit::Summary> Summarise(const audit::Filter&) override { return audit::Summary(); }
    base::Result<std::string> End() override { return std::string(); }

   private:
    const base::Clock& clock_;
    Door& reading_;
  };
  sources.replica = [&](const base::Clock& clock) -> base::Result<std::unique_ptr<audit::Reader>> {
    return std::make_unique<Endless>(clock, reading);
  };
  AuditService service(
      std::move(sources),
      [](std::string_view, std::string_view, std::string_view) { return Authorization{Authorization::Kind::kAllowed, "jane", ""}; }, clock_,
      [](base::LogLevel, std::string_view) {});
  auto running = Begin(service, Request());
  ASSERT_TRUE(reading.Holds(1));
  reading.Open();
  service.Stop();  // the fake clock stands still: it is the stop that ends the query
  EXPECT_EQ(running.get().status, 503u);
  EXPECT_EQ(Ask(service).status, 503u) << "who comes later is turned away";
  service.Stop();
}

}  // namespace
}  // namespace cli
