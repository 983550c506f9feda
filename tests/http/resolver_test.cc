#include "http/resolver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace http {
namespace {

using std::chrono::milliseconds;
using Addresses = std::vector<std::string>;

// Look-ups that wait until they are let go, and the promise that they were. Shared: their threads may outlive everything.
struct HeldLookups {
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> calls = 0;
};

Lookup Hold(const std::shared_ptr<HeldLookups>& held) {
  return [held](const std::string&) -> base::Result<Addresses> {
    ++held->calls;
    held->open.wait();
    return Addresses{"192.0.2.1"};
  };
}

class ResolverTest : public testing::Test {
 protected:
  base::Until In(milliseconds time) const { return {std::chrono::steady_clock::now() + time, &stop_}; }

  base::Event stop_;
};

TEST_F(ResolverTest, AddressesAreNotLookedUp) {
  Resolver resolver([](const std::string& host) -> base::Result<Addresses> {
    ADD_FAILURE() << host;
    return Addresses{};
  });
  EXPECT_EQ(resolver.Resolve("127.0.0.1", In(milliseconds(60'000))).value(), Addresses{"127.0.0.1"});
  EXPECT_EQ(resolver.Resolve("2001:db8::1", In(milliseconds(60'000))).value(), Addresses{"2001:db8::1"});
}

TEST_F(ResolverTest, SystemKnowsLocalhost) {
  Resolver resolver(LookUpSystem);
  const auto addresses = resolver.Resolve("localhost", In(milliseconds(60'000)));
  ASSERT_TRUE(addresses) << addresses.error().message;
  for (const std::string& address : *addresses) {
    EXPECT_TRUE(address == "127.0.0.1" || address == "::1") << address;
  }
}

TEST_F(ResolverTest, DeadlineEndsTheWaitAndTheLateAnswerFindsNobody) {
  const auto held = std::make_shared<HeldLookups>();
  {
    Resolver resolver(Hold(held));
    const auto addresses = resolver.Resolve("slow.example", In(milliseconds(1)));
    ASSERT_FALSE(addresses);
    EXPECT_EQ(addresses.error().code, base::ErrorCode::kUnavailable);
    EXPECT_EQ(addresses.error().message, "resolving the name slow.example: timed out");
  }
  held->gate.set_value();
}

TEST_F(ResolverTest, StopEndsTheWait) {
  const auto held = std::make_shared<HeldLookups>();
  Resolver resolver(Hold(held));
  std::thread stopper([&] { stop_.Set(); });
  const auto addresses = resolver.Resolve("slow.example", In(milliseconds(60'000)));
  stopper.join();
  held->gate.set_value();
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().message, "resolving the name slow.example: stopped");
}

TEST_F(ResolverTest, WaitersForOneNameShareOneLookup) {
  const auto held = std::make_shared<HeldLookups>();
  Resolver resolver(Hold(held));
  ASSERT_FALSE(resolver.Resolve("slow.example", In(milliseconds(1))));  // its look-up goes on
  std::vector<std::future<base::Result<Addresses>>> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(std::async(std::launch::async, [&] { return resolver.Resolve("slow.example", In(milliseconds(60'000))); }));
  }
  ASSERT_FALSE(resolver.Resolve("slow.example", In(milliseconds(1))));
  while (held->calls == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(held->calls, 1);
  held->gate.set_value();
  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.get().value(), Addresses{"192.0.2.1"});
  }
}

TEST_F(ResolverTest, AnswersAreNotKept) {
  std::atomic<int> calls = 0;
  Resolver resolver([&](const std::string&) -> base::Result<Addresses> { return Addresses{"192.0.2." + std::to_string(++calls)}; });
  EXPECT_EQ(resolver.Resolve("host.example", In(milliseconds(60'000))).value(), Addresses{"192.0.2.1"});
  EXPECT_EQ(resolver.Resolve("host.example", In(milliseconds(60'000))).value(), Addresses{"192.0.2.2"});
}

TEST_F(ResolverTest, LookupsAtATimeAreBounded) {
  const auto held = std::make_shared<HeldLookups>();
  Resolver resolver(Hold(held));
  for (std::size_t i = 0; i < kMaxLookups; ++i) {
    ASSERT_FALSE(resolver.Resolve("host" + std::to_string(i), In(milliseconds(1))));
  }
  const auto addresses = resolver.Resolve("one-more", In(milliseconds(60'000)));
  held->gate.set_value();
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().message, "resolving the name one-more: too many look-ups are waiting for an answer");
}

TEST_F(ResolverTest, FailureNamesTheHost) {
  Resolver failing([](const std::string&) -> base::Result<Addresses> { return base::Fail(base::ErrorCode::kUnavailable, "no such name"); });
  EXPECT_EQ(failing.Resolve("gone.example", In(milliseconds(60'000))).error().message, "resolving the name gone.example: no such name");
  Resolver empty([](const std::string&) -> base::Result<Addresses> { return Addresses{}; });
  EXPECT_EQ(empty.Resolve("gone.example", In(milliseconds(60'000))).error().message, "resolving the name gone.example: it has no address");
}

}  // namespace
}  // namespace http
