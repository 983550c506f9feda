#include "azure/confirmations.h"

#include <set>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using Instant = Confirmations::Instant;
using Work = Confirmations::Work;
using Host = Confirmations::Host;

std::string IdOf(const std::string& login_server) { return "/id/of/" + login_server; }
Host Known(const std::string& login_server) { return {login_server, IdOf(login_server)}; }
Host Unknown(const std::string& login_server) { return {login_server, ""}; }
Discovered Found(const std::string& login_server) { return {IdOf(login_server), "s", login_server}; }

class ConfirmationsWorld {
 public:
  // Who asked is told by number.
  int Ask(const std::vector<Host>& hosts, milliseconds patience = seconds(1)) {
    const int number = asked_++;
    confirmations.Ask(hosts, now + patience, [this, number] { done.insert(number); }, now);
    return number;
  }
  void CallDone() {
    for (const auto& each : confirmations.TakeDone()) {
      each();
    }
  }
  bool IsDone(int number) {
    CallDone();
    return done.contains(number);
  }
  std::optional<Work> Take() { return confirmations.Take(now); }

  Instant now{std::chrono::hours(1)};
  Confirmations confirmations{now};
  std::multiset<int> done;

 private:
  int asked_ = 0;
};

TEST(Confirmations, AKnownRegistryIsAskedAboutOnceForAllWhoWait) {
  ConfirmationsWorld world;
  for (int i = 0; i < 10'000; ++i) {
    world.Ask({Known("contoso.azurecr.io")});
  }
  const auto work = world.Take();
  ASSERT_TRUE(work);
  EXPECT_EQ(work->kind, Work::Kind::kGet);
  EXPECT_EQ(work->resource_id, IdOf("contoso.azurecr.io"));
  EXPECT_FALSE(world.Take());
  const int late = world.Ask({Known("contoso.azurecr.io")});  // while it runs
  EXPECT_FALSE(world.IsDone(late));
  world.confirmations.OnGot(*work);
  world.CallDone();
  EXPECT_THAT(world.done, SizeIs(10'001));
}

TEST(Confirmations, ARegistryIsNotAskedAboutAgainWithinTheInterval) {
  ConfirmationsWorld world;
  world.Ask({Known("contoso.azurecr.io")});
  world.confirmations.OnGot(*world.Take());
  world.now += kConfirmInterval - milliseconds(1);
  EXPECT_TRUE(world.IsDone(world.Ask({Known("contoso.azurecr.io")})));
  EXPECT_FALSE(world.Take());
  world.now += milliseconds(1);
  EXPECT_FALSE(world.IsDone(world.Ask({Known("contoso.azurecr.io")})));
  EXPECT_TRUE(world.Take());
}

TEST(Confirmations, WhoAsksAboutSeveralWaitsForAllOfThem) {
  ConfirmationsWorld world;
  const int both = world.Ask({Known("a.azurecr.io"), Known("b.azurecr.io")});
  const int one = world.Ask({Known("b.azurecr.io")});
  const auto first = world.Take();
  world.now += kConfirmSpacing;
  const auto second = world.Take();
  world.confirmations.OnGot(*second);
  EXPECT_TRUE(world.IsDone(one));
  EXPECT_FALSE(world.IsDone(both));
  world.confirmations.OnGot(*first);
  EXPECT_TRUE(world.IsDone(both));
  EXPECT_THAT(world.done, SizeIs(2)) << "each is told once";
}

TEST(Confirmations, ManyRegistriesStayWithinTheRateOfAReplica) {
  ConfirmationsWorld world;
  std::vector<Instant> sent;
  for (int step = 0; step < 1000; ++step) {  // ten seconds, a thousand other registries a second
    for (int i = 0; i < 10; ++i) {
      world.Ask({Known("registry" + std::to_string(step * 10 + i) + ".azurecr.io")});
    }
    while (const auto work = world.Take()) {
      sent.push_back(world.now);
      world.confirmations.OnGot(*work);
    }
    world.now += milliseconds(10);
  }
  EXPECT_GE(sent.size(), 200u);
  for (std::size_t i = 20; i < sent.size(); ++i) {
    EXPECT_GE(sent[i] - sent[i - 20], seconds(1)) << "20 in any second";
  }
  EXPECT_LE(world.confirmations.waiting(), kMaxHosts);
  EXPECT_GT(world.confirmations.counters().limited, 0u);
}

TEST(Confirmations, WhatNobodyWaitsForAnyMoreIsNotAskedAbout) {
  ConfirmationsWorld world;
  const int asked = world.Ask({Known("contoso.azurecr.io")}, milliseconds(500));
  world.now += milliseconds(500);
  EXPECT_FALSE(world.Take());
  EXPECT_TRUE(world.IsDone(asked));
  EXPECT_EQ(world.confirmations.waiting(), 0u);
}

TEST(Confirmations, OneAdmissionAsksAboutFewHosts) {
  ConfirmationsWorld world;
  std::vector<Host> hosts;
  for (int i = 0; i < 10'000; ++i) {
    hosts.push_back(Unknown("host" + std::to_string(i) + ".azurecr.io"));
  }
  const int asked = world.Ask(hosts);
  EXPECT_EQ(world.confirmations.waiting(), kMaxHostsPerAdmission);
  const auto look_up = world.Take();
  ASSERT_TRUE(look_up);
  world.confirmations.OnLookedUp(*look_up, {}, {}, world.now);
  EXPECT_TRUE(world.IsDone(asked));
}

TEST(Confirmations, UnknownHostsShareOneLookUpThenAreReadById) {
  ConfirmationsWorld world;
  const int a = world.Ask({Unknown("a.azurecr.io")});
  const int b = world.Ask({Unknown("b.azurecr.io")});
  const auto look_up = world.Take();
  ASSERT_TRUE(look_up);
  EXPECT_EQ(look_up->kind, Work::Kind::kLookUp);
  EXPECT_THAT(look_up->login_servers, ElementsAre("a.azurecr.io", "b.azurecr.io"));
  world.confirmations.OnLookedUp(*look_up, {Found("b.azurecr.io")}, {}, world.now);
  EXPECT_TRUE(world.IsDone(a));
  EXPECT_FALSE(world.IsDone(b));
  const auto get = world.Take();
  ASSERT_TRUE(get);
  EXPECT_EQ(get->resource_id, IdOf("b.azurecr.io"));
  world.confirmations.OnGot(*get);
  EXPECT_TRUE(world.IsDone(b));
}

TEST(Confirmations, AbsenceIsBelievedForAWhile) {
  ConfirmationsWorld world;
  world.Ask({Unknown("nobody.azurecr.io")});
  world.confirmations.OnLookedUp(*world.Take(), {}, {}, world.now);
  world.now += kAbsentFor - milliseconds(1);
  EXPECT_TRUE(world.IsDone(world.Ask({Unknown("nobody.azurecr.io")})));
  EXPECT_EQ(world.confirmations.counters().absent, 1u);
  world.now += milliseconds(1);
  EXPECT_FALSE(world.IsDone(world.Ask({Unknown("nobody.azurecr.io")})));
}

TEST(Confirmations, AFailedLookUpSaysNothingOfAbsence) {
  ConfirmationsWorld world;
  const int asked = world.Ask({Unknown("contoso.azurecr.io")});
  ArmError failure;
  failure.kind = ArmError::Kind::kThrottled;
  failure.retry_after = seconds(7);
  world.confirmations.OnLookedUp(*world.Take(), {}, failure, world.now);
  EXPECT_TRUE(world.IsDone(asked));
  EXPECT_FALSE(world.IsDone(world.Ask({Unknown("contoso.azurecr.io")}, std::chrono::minutes(1))));
  EXPECT_EQ(world.confirmations.NextDue(), world.now + seconds(7));
  EXPECT_FALSE(world.Take()) << "within a Retry-After nothing is asked";
  world.now += seconds(7);
  EXPECT_TRUE(world.Take());
}

TEST(Confirmations, WhatOneIdentityFoundCountsWhileAnotherFails) {
  ConfirmationsWorld world;
  world.Ask({Unknown("a.azurecr.io"), Unknown("b.azurecr.io")});
  world.confirmations.OnLookedUp(*world.Take(), {Found("a.azurecr.io")}, ArmError(), world.now);
  EXPECT_TRUE(world.Take()) << "a is read";
  world.Ask({Unknown("b.azurecr.io")});
  EXPECT_EQ(world.confirmations.counters().absent, 0u);
}

TEST(Confirmations, ADistinctUnknownHostADenialStaysWithinTheLookUps) {
  ConfirmationsWorld world;
  int look_ups = 0;
  int done_at_once = 0;
  for (int i = 0; i < 10'000; ++i) {  // one second
    const int number = world.Ask({Unknown("host" + std::to_string(i) + ".azurecr.io")});
    done_at_once += world.IsDone(number) ? 1 : 0;
    while (const auto work = world.Take()) {
      ++look_ups;
      EXPECT_EQ(work->kind, Work::Kind::kLookUp);
      EXPECT_LE(work->login_servers.size(), RegistryReader::kMaxLookUp);
      world.confirmations.OnLookedUp(*work, {}, {}, world.now);
    }
    world.now += std::chrono::microseconds(100);
  }
  EXPECT_EQ(look_ups, 1) << "one in two seconds";
  EXPECT_LE(world.confirmations.waiting(), kMaxHosts);
  EXPECT_GE(done_at_once, 8'900);
}

TEST(Confirmations, AHostAskedAboutTooLateForItsAdmissionIsThereForTheNextTry) {
  ConfirmationsWorld world;
  world.Ask({Unknown("first.azurecr.io")});
  world.confirmations.OnLookedUp(*world.Take(), {}, {}, world.now);
  world.Ask({Unknown("contoso.azurecr.io")});  // the next look-up is two seconds away
  world.now += kLookUpInterval;
  const auto look_up = world.Take();
  ASSERT_TRUE(look_up);
  world.confirmations.OnLookedUp(*look_up, {Found("contoso.azurecr.io")}, {}, world.now);
  EXPECT_TRUE(world.Take()) << "though nobody waits any more";
}

TEST(Confirmations, TellsWhenSomethingIsDue) {
  ConfirmationsWorld world;
  EXPECT_EQ(world.confirmations.NextDue(), Instant::max());
  for (int i = 0; i < 2; ++i) {
    world.Ask({Known("registry" + std::to_string(i) + ".azurecr.io")});
  }
  EXPECT_TRUE(world.Take());
  EXPECT_FALSE(world.Take());
  const Instant due = world.confirmations.NextDue();
  EXPECT_GT(due, world.now);
  world.now = due;
  EXPECT_TRUE(world.Take()) << "the last one, when the rate allows it";
}

}  // namespace
}  // namespace azure
