#include "azure/token_cache.h"

#include <future>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace azure {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kScope = "https://management.azure.com/.default";
constexpr milliseconds kAmple = minutes(10);  // never waited for: whoever waits is released

// Tells a test when somebody came, and keeps them until the test lets them go.
class Gate {
 public:
  void Pass() {
    base::MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!open_) {
      changed_.Wait(mutex_);
    }
  }
  void AwaitArrival() {
    base::MutexLock lock(mutex_);
    while (arrived_ == 0) {
      changed_.Wait(mutex_);
    }
  }
  void Open() {
    base::MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  int arrived_ GUARDED_BY(mutex_) = 0;
  bool open_ GUARDED_BY(mutex_) = false;
};

// What the source is told to do next, and how often it was asked.
struct Script {
  std::function<base::Result<Token>(const std::string& scope, milliseconds deadline)> fetch;
  std::atomic<int> fetches{0};
};

class ScriptedSource final : public TokenSource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  base::Result<Token> Fetch(const std::string& scope, milliseconds deadline) override {
    ++script_.fetches;
    return script_.fetch(scope, deadline);
  }
  std::string Describe() const override { return "scripted identity"; }

 private:
  Script& script_;
};

class TokenCaching : public ::testing::Test {
 protected:
  // "token 1", "token 2", …: an hour long, due after half of it.
  Token Next() { return {"token " + std::to_string(script_.fetches), clock_.Now() + hours(1), clock_.Now() + minutes(30)}; }

  std::string Get(milliseconds deadline = kAmple) {
    const auto token = cache_.Get(kScope, deadline);
    return token ? token->value : "error: " + token.error().message;
  }

  void FailWith(const std::string& message) {
    script_.fetch = [message](const std::string&, milliseconds) { return base::Fail(base::ErrorCode::kUnavailable, message); };
  }
  void Succeed() {
    script_.fetch = [this](const std::string&, milliseconds) { return Next(); };
  }

  support::FakeClock clock_;
  Script script_{[this](const std::string&, milliseconds) { return Next(); }};
  TokenCache cache_{std::make_unique<ScriptedSource>(script_), clock_};
};

TEST_F(TokenCaching, KeepsATokenUntilItIsDue) {
  EXPECT_EQ(Get(), "token 1");
  clock_.Advance(minutes(30) - seconds(1));
  EXPECT_EQ(Get(), "token 1");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(), "token 2");
  EXPECT_EQ(Get(), "token 2");
  EXPECT_EQ(script_.fetches, 2);
}

TEST_F(TokenCaching, GivesTheSourceTheScopeAndTheTime) {
  milliseconds given{0};
  script_.fetch = [&](const std::string& scope, milliseconds deadline) {
    EXPECT_EQ(scope, kScope);
    given = deadline;
    return Next();
  };
  Get(kAmple);
  EXPECT_GT(given, milliseconds(0));
  EXPECT_LE(given, kAmple);
}

TEST_F(TokenCaching, ScopesHaveTheirOwnTokens) {
  EXPECT_EQ(Get(), "token 1");
  const auto other = cache_.Get("https://graph.microsoft.com/.default", kAmple);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->value, "token 2");
  EXPECT_EQ(Get(), "token 1");
}

TEST_F(TokenCaching, OneCallerRefreshesAndTheOthersUseWhatTheyHave) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Advance(minutes(31));
  Gate gate;
  script_.fetch = [&](const std::string&, milliseconds) {
    gate.Pass();
    return Next();
  };
  auto refreshing = std::async(std::launch::async, [this] { return Get(); });
  gate.AwaitArrival();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Get(), "token 1");
  }
  gate.Open();
  EXPECT_EQ(refreshing.get(), "token 2");
  EXPECT_EQ(Get(), "token 2");
  EXPECT_EQ(script_.fetches, 2);
}

TEST_F(TokenCaching, WithoutATokenAllShareOneExchange) {
  Gate gate;
  script_.fetch = [&](const std::string&, milliseconds) {
    gate.Pass();
    return Next();
  };
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [this] { return Get(); }));
  }
  gate.AwaitArrival();
  gate.Open();
  for (auto& caller : callers) {
    EXPECT_EQ(caller.get(), "token 1");
  }
  EXPECT_EQ(script_.fetches, 1);
}

TEST_F(TokenCaching, AllShareOneFailureToo) {
  Gate gate;
  script_.fetch = [&](const std::string&, milliseconds) {
    gate.Pass();
    return base::Fail(base::ErrorCode::kUnavailable, "no route");
  };
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [this] { return Get(); }));
  }
  gate.AwaitArrival();
  gate.Open();
  for (auto& caller : callers) {
    EXPECT_EQ(caller.get(), "error: no route");
  }
  EXPECT_EQ(script_.fetches, 1);
}

TEST_F(TokenCaching, NobodyWaitsBeyondTheirOwnDeadline) {
  Gate gate;
  script_.fetch = [&](const std::string&, milliseconds) {
    gate.Pass();
    return Next();
  };
  auto fetching = std::async(std::launch::async, [this] { return Get(); });
  gate.AwaitArrival();
  EXPECT_EQ(Get(milliseconds(1)), "error: scripted identity: no token within the time of the call");
  EXPECT_EQ(Get(milliseconds(0)), "error: scripted identity: no token within the time of the call");
  gate.Open();
  EXPECT_EQ(fetching.get(), "token 1");
  EXPECT_EQ(Get(milliseconds(0)), "token 1");
  EXPECT_EQ(script_.fetches, 1);
}

TEST_F(TokenCaching, WhoIsInHasteRefreshesOnlyWhenItMust) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Advance(minutes(31));
  EXPECT_EQ(Get(seconds(1)), "token 1");
  clock_.Advance(minutes(29));
  EXPECT_EQ(Get(seconds(1)), "token 2");
}

TEST_F(TokenCaching, ATokenIsGoodForAMinuteMore) {
  ASSERT_EQ(Get(), "token 1");
  FailWith("no route");
  clock_.Advance(minutes(59));
  EXPECT_EQ(Get(), "token 1");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(), "error: no route");
}

TEST_F(TokenCaching, ATokenThatIsAlmostOverIsAFailure) {
  script_.fetch = [this](const std::string&, milliseconds) { return Token{"short", clock_.Now() + seconds(59), clock_.Now()}; };
  EXPECT_EQ(Get(), "error: scripted identity: a token came that is good for less than a minute");
  EXPECT_EQ(Get(), "error: scripted identity: a token came that is good for less than a minute");
  EXPECT_EQ(script_.fetches, 1) << "and backs off as from any other";
}

TEST_F(TokenCaching, FailedRefreshLeavesTheOldTokenAndBacksOff) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Advance(minutes(31));
  FailWith("no route");
  EXPECT_EQ(Get(), "token 1");
  EXPECT_EQ(Get(), "token 1");
  EXPECT_EQ(script_.fetches, 2);
  Succeed();
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(), "token 3");
}

TEST_F(TokenCaching, BackOffDoublesUpToAMinuteAndEndsWithSuccess) {
  FailWith("no route");
  int fetches = 0;
  for (const seconds pause : {seconds(1), seconds(2), seconds(4), seconds(8), seconds(16), seconds(32), seconds(60), seconds(60)}) {
    EXPECT_EQ(Get(), "error: no route");
    ASSERT_EQ(script_.fetches, ++fetches);
    clock_.Advance(pause - milliseconds(1));
    EXPECT_EQ(Get(), "error: no route");
    ASSERT_EQ(script_.fetches, fetches) << pause.count();
    clock_.Advance(milliseconds(1));
  }
  Succeed();
  ASSERT_EQ(Get(), "token 9");
  FailWith("no route again");
  clock_.Advance(hours(2));
  EXPECT_EQ(Get(), "error: no route again");
  clock_.Advance(seconds(1));
  Succeed();
  EXPECT_EQ(Get(), "token 11") << "the first back-off again";
}

TEST_F(TokenCaching, WhoRanOutOfTimeDoesNotHoldUpTheOthers) {
  script_.fetch = [this](const std::string&, milliseconds deadline) {
    clock_.Advance(deadline);
    return base::Fail(base::ErrorCode::kUnavailable, "timed out");
  };
  EXPECT_EQ(Get(seconds(1)), "error: timed out");
  Succeed();
  EXPECT_EQ(Get(), "token 2");
}

TEST_F(TokenCaching, RefusedTokenIsReplaced) {
  ASSERT_EQ(Get(), "token 1");
  cache_.Invalidate(kScope, "token 0");
  EXPECT_EQ(Get(), "token 1") << "that one is gone already";
  cache_.Invalidate("https://graph.microsoft.com/.default", "token 1");
  EXPECT_EQ(Get(), "token 1") << "another scope's";
  cache_.Invalidate(kScope, "token 1");
  EXPECT_EQ(Get(), "token 2");
  cache_.Invalidate(kScope, "token 1");
  EXPECT_EQ(Get(), "token 2");
}

TEST_F(TokenCaching, RefusalsThatNoNewTokenMendsAreNoFlood) {
  ASSERT_EQ(Get(), "token 1");
  cache_.Invalidate(kScope, "token 1");
  ASSERT_EQ(Get(), "token 2");
  clock_.Advance(seconds(29));
  cache_.Invalidate(kScope, "token 2");
  EXPECT_EQ(Get(), "token 2");
  clock_.Advance(seconds(1));
  cache_.Invalidate(kScope, "token 2");
  EXPECT_EQ(Get(), "token 3");
}

TEST_F(TokenCaching, ClockThatIsSetBackDoesNotLengthenALife) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Step(-hours(5));
  EXPECT_EQ(Get(), "token 1");
  clock_.Advance(minutes(30));
  EXPECT_EQ(Get(), "token 2");
  FailWith("no route");
  clock_.Step(-hours(5));
  clock_.Advance(minutes(59) + seconds(1));
  EXPECT_EQ(Get(), "error: no route");
}

TEST_F(TokenCaching, ClockThatIsSetForwardCostsOneExchange) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Step(hours(5));
  EXPECT_EQ(Get(), "token 2");
  EXPECT_EQ(Get(), "token 2");
  clock_.Advance(minutes(29));
  EXPECT_EQ(Get(), "token 2");
}

// The clock that never steps stands still meanwhile.
TEST_F(TokenCaching, MachineThatWasSuspendedUsesNoTokenThatIsOver) {
  ASSERT_EQ(Get(), "token 1");
  clock_.Step(minutes(31));
  EXPECT_EQ(Get(), "token 2") << "due";
  FailWith("no route");
  clock_.Step(minutes(59));
  EXPECT_EQ(Get(), "token 2");
  clock_.Step(seconds(1));
  clock_.Advance(seconds(1));
  EXPECT_EQ(Get(), "error: no route");
}

TEST_F(TokenCaching, DescribesItsSource) { EXPECT_EQ(cache_.Describe(), "scripted identity"); }

TEST_F(TokenCaching, ManyCallersThroughManyExpiriesSeeValidTokens) {
  constexpr int kCallers = 4;
  constexpr int kRounds = 300;
  std::vector<std::thread> callers;
  std::atomic<int> invalid{0};
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const base::Time before = clock_.Now();
        const auto token = cache_.Get(kScope, kAmple);
        invalid += token && token->expires >= before + minutes(1) ? 0 : 1;
        clock_.Advance(minutes(1));
        if (round % 50 == 0 && token) {
          cache_.Invalidate(kScope, token->value);
        }
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(invalid, 0);
}

}  // namespace
}  // namespace azure
