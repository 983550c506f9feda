#include "azure/schedule.h"

#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace azure {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Instant = Schedule::Instant;
using Kind = Task::Kind;

const std::string kOne = "00000000-0000-0000-0000-000000000001";
const std::string kTwo = "00000000-0000-0000-0000-000000000002";

std::string IdOf(const std::string& name, const std::string& subscription = kOne) {
  return "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
}

policy::Registry RegistryOf(const std::string& name, base::Time observed, const std::string& subscription = kOne) {
  return {name + ".azurecr.io", name, IdOf(name, subscription), observed, "{}"};
}

ArmError ErrorOf(ArmError::Kind kind, int status, const std::string& code, milliseconds retry_after = milliseconds(0)) {
  ArmError error;
  error.kind = kind;
  error.status = status;
  error.code = code;
  error.message = "What happened.";
  error.retry_after = retry_after;
  return error;
}
ArmError Unreachable() { return ErrorOf(ArmError::Kind::kUnavailable, 0, ""); }
ArmError Forbidden() { return ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"); }
ArmError NotFound(const std::string& code) { return ErrorOf(ArmError::Kind::kNotFound, 404, code); }

using ListAnswer = ArmResult<std::vector<policy::Registry>>;
using GetAnswer = ArmResult<policy::Registry>;

// A schedule and the two clocks that it is told.
class ScheduleWorld {
 public:
  explicit ScheduleWorld(Scope scope = {}, ScheduleOptions options = {}) : schedule(std::move(scope), options, 1, now) {}

  void Advance(milliseconds by) {
    now += by;
    wall += by;
  }

  std::optional<Task> Take() { return schedule.Take(now); }
  // The next task, and the time until it is due.
  Task TakeNext() {
    if (schedule.NextDue() > now) {
      const auto wait = std::chrono::ceil<milliseconds>(schedule.NextDue() - now);
      waits.push_back(wait);
      Advance(wait);
    } else {
      waits.push_back(milliseconds(0));
    }
    auto task = Take();
    EXPECT_TRUE(task);
    return task.value_or(Task{});
  }

  void Discover(const std::vector<std::string>& subscriptions) {
    const Task task = TakeNext();
    ASSERT_EQ(task.kind, Kind::kDiscover);
    std::vector<Discovered> found;
    for (const std::string& subscription : subscriptions) {
      found.push_back({IdOf("any", subscription), subscription, "any.azurecr.io"});
    }
    schedule.OnDiscovered(found, now);
  }

  // The list that is due next is answered; what is known of it is `known`.
  policy::Observations List(ListAnswer answer, const std::vector<KnownRegistry>& known = {}) {
    const Task task = TakeNext();
    EXPECT_EQ(task.kind, Kind::kList);
    return schedule.OnListed(task.subscription, std::move(answer), known, wall, now);
  }
  policy::Observations Settle(GetAnswer answer) {
    const Task task = TakeNext();
    EXPECT_EQ(task.kind, Kind::kSettle);
    return schedule.OnSettled(task, std::move(answer), wall, now);
  }
  KnownRegistry Known(const std::string& name, const std::string& subscription = kOne) const {
    return {name + ".azurecr.io", IdOf(name, subscription), wall - seconds(60)};
  }

  Instant now{hours(1)};
  base::Time wall = base::ParseTime("2026-11-23T12:00:00Z").value();
  std::vector<milliseconds> waits;
  Schedule schedule;
};

std::vector<std::string> Names(const std::vector<policy::Registry>& registries) {
  std::vector<std::string> names;
  for (const policy::Registry& registry : registries) {
    names.push_back(registry.name);
  }
  return names;
}

TEST(Schedule, DiscoversThenListsWhatWasDiscovered) {
  ScheduleWorld world;
  EXPECT_FALSE(world.schedule.IsComplete());
  world.Discover({kOne, kTwo});
  const auto first = world.Take();
  const auto second = world.Take();
  ASSERT_TRUE(first && second);
  EXPECT_THAT((std::vector{first->subscription, second->subscription}), UnorderedElementsAre(kOne, kTwo));
  EXPECT_FALSE(world.Take()) << "a task that runs is not given out again";
  EXPECT_EQ(world.schedule.OnListed(kOne, {}, {}, world.wall, world.now).present.size(), 0u);
  EXPECT_FALSE(world.schedule.IsComplete());
  world.schedule.OnListed(kTwo, {}, {}, world.wall, world.now);
  EXPECT_TRUE(world.schedule.IsComplete());
}

TEST(Schedule, NamedSubscriptionsNeedNoDiscovery) {
  ScheduleWorld world({{kOne}, {}});
  EXPECT_EQ(world.TakeNext().kind, Kind::kList);
  EXPECT_FALSE(world.Take());
}

TEST(Schedule, NamedSubscriptionsAndManagementGroupsAreBothRead) {
  ScheduleWorld world({{kOne}, {"platform"}});
  world.Discover({kTwo});
  EXPECT_EQ(world.TakeNext().kind, Kind::kList);
  EXPECT_EQ(world.TakeNext().kind, Kind::kList);
}

TEST(Schedule, ListsEverySubscriptionOncePerRefreshWithJitter) {
  ScheduleWorld world({{kOne}, {}});
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Names(world.List(ListAnswer({RegistryOf("contoso", world.wall)})).present), ElementsAre("contoso"));
  }
  milliseconds least = hours(1);
  milliseconds most{0};
  for (std::size_t i = 1; i < world.waits.size(); ++i) {
    least = std::min(least, world.waits[i]);
    most = std::max(most, world.waits[i]);
  }
  EXPECT_GE(least, seconds(54));
  EXPECT_LE(most, seconds(66));
  EXPECT_LT(least, most);
}

TEST(Schedule, DiscoveryHasItsOwnSlowerInterval) {
  ScheduleWorld world;
  world.Discover({});
  world.Discover({});
  EXPECT_GE(world.waits.back(), seconds(540));
  EXPECT_LE(world.waits.back(), seconds(660));
}

TEST(Schedule, WhatDiscoveryLeavesOutIsListedAllTheSame) {
  ScheduleWorld world;
  world.Discover({kOne});
  world.List(ListAnswer({RegistryOf("contoso", world.wall)}));
  world.Advance(hours(1));
  world.Discover({});
  EXPECT_EQ(world.TakeNext().subscription, kOne);
}

TEST(Schedule, AnEmptySubscriptionThatDiscoveryDoesNotShowIsForgotten) {
  ScheduleWorld world;
  world.schedule.Learn(kOne, world.now);
  world.Discover({});
  world.List(ListAnswer());
  EXPECT_FALSE(world.schedule.Knows(kOne));
  EXPECT_EQ(world.TakeNext().kind, Kind::kDiscover);
}

TEST(Schedule, FailuresBackOffAndEndWithASuccess) {
  ScheduleWorld world({{kOne}, {}});
  for (int i = 0; i < 12; ++i) {
    EXPECT_TRUE(world.List(tl::unexpected(Unreachable())).empty());
  }
  ASSERT_THAT(world.waits, SizeIs(12));
  EXPECT_EQ(world.waits[0], milliseconds(0));
  for (std::size_t i = 1; i < world.waits.size(); ++i) {
    const milliseconds back_off = std::min(kFirstRetry * (1 << (i - 1)), kLastRetry);
    EXPECT_GE(world.waits[i], back_off * 9 / 10) << i;
    EXPECT_LE(world.waits[i], back_off * 11 / 10 + milliseconds(1)) << i;
  }
  EXPECT_EQ(world.schedule.status().failing, 1u);
  world.List(ListAnswer());
  EXPECT_EQ(world.schedule.status().failing, 0u);
  world.List(tl::unexpected(Unreachable()));
  world.TakeNext();
  EXPECT_LE(world.waits.back(), kFirstRetry * 11 / 10 + milliseconds(1));
}

TEST(Schedule, WaitsAsLongAsAzureAsks) {
  ScheduleWorld world({{kOne}, {}});
  world.List(tl::unexpected(ErrorOf(ArmError::Kind::kThrottled, 429, "TooManyRequests", seconds(90))));
  world.TakeNext();
  EXPECT_GE(world.waits.back(), seconds(90));
}

TEST(Schedule, WhatWasHeldBackIsNoFailure) {
  ScheduleWorld world({{kOne}, {}});
  for (int i = 0; i < 20; ++i) {
    world.List(tl::unexpected(ErrorOf(ArmError::Kind::kThrottled, 0, "", milliseconds(40))));
  }
  EXPECT_EQ(world.waits.back(), milliseconds(40));
}

TEST(Schedule, OneFailingSubscriptionLeavesTheOthersFresh) {
  ScheduleWorld world({{kOne, kTwo}, {}});
  world.List(tl::unexpected(Forbidden()));
  EXPECT_THAT(Names(world.List(ListAnswer({RegistryOf("fabrikam", world.wall, kTwo)})).present), ElementsAre("fabrikam"));
  EXPECT_TRUE(world.schedule.IsComplete()) << "what is refused for good was answered";
  const Schedule::Status status = world.schedule.status();
  EXPECT_EQ(status.failing, 1u);
  EXPECT_THAT(status.problem.value_or(""), HasSubstr("subscription " + kOne + ": Azure answered 403 AuthorizationFailed"));
}

TEST(Schedule, IsNotCompleteWhileASubscriptionCouldNotBeAsked) {
  ScheduleWorld world({{kOne}, {}});
  world.List(tl::unexpected(Unreachable()));
  EXPECT_FALSE(world.schedule.IsComplete());
}

TEST(Schedule, ARegistryMissingFromItsListIsGoneWhenItsGetSaysSo) {
  ScheduleWorld world({{kOne}, {}});
  const policy::Observations listed =
      world.List(ListAnswer({RegistryOf("contoso", world.wall)}), {world.Known("contoso"), world.Known("fabrikam")});
  EXPECT_THAT(listed.gone, IsEmpty()) << "absence is a suspicion";
  const policy::Observations settled = world.Settle(tl::unexpected(NotFound("ResourceNotFound")));
  ASSERT_THAT(settled.gone, SizeIs(1));
  EXPECT_EQ(settled.gone[0].login_server, "fabrikam.azurecr.io");
  EXPECT_EQ(settled.gone[0].resource_id, IdOf("fabrikam"));
  EXPECT_EQ(settled.gone[0].asked, world.wall);
  EXPECT_EQ(world.schedule.status().suspected, 0u);
}

TEST(Schedule, ARegistryMissingFromItsListThatIsThereIsKept) {
  ScheduleWorld world({{kOne}, {}});
  world.List(ListAnswer(), {world.Known("contoso")});
  EXPECT_THAT(Names(world.Settle(RegistryOf("contoso", world.wall)).present), ElementsAre("contoso"));
  EXPECT_EQ(world.schedule.status().suspected, 0u);
}

TEST(Schedule, ARegistryThatMayNotBeReadAnyMoreIsKeptWithAnAlarm) {
  ScheduleWorld world({{kOne}, {}});
  world.List(ListAnswer(), {world.Known("contoso")});
  EXPECT_TRUE(world.Settle(tl::unexpected(Forbidden())).empty());
  const Schedule::Status status = world.schedule.status();
  EXPECT_EQ(status.forbidden, 1u);
  EXPECT_THAT(status.problem.value_or(""), HasSubstr("contoso.azurecr.io"));
}

// contoso was deleted and made anew with a domain name label: the same resource, and anybody may take contoso.azurecr.io now.
policy::Registry MadeAnew(base::Time observed) {
  policy::Registry registry = RegistryOf("contoso", observed);
  registry.login_server = "contoso-a1b2c3.azurecr.io";
  return registry;
}

TEST(Schedule, TheOldLoginServerOfARegistryThatWasMadeAnewIsGone) {
  ScheduleWorld world({{kOne}, {}});
  const policy::Observations learned = world.List({{MadeAnew(world.wall)}}, {world.Known("contoso")});
  ASSERT_THAT(learned.gone, SizeIs(1));
  EXPECT_EQ(learned.gone[0].login_server, "contoso.azurecr.io");
  EXPECT_EQ(learned.gone[0].resource_id, IdOf("contoso"));
  EXPECT_EQ(learned.gone[0].asked, world.wall);
  EXPECT_THAT(learned.present, SizeIs(1));
  EXPECT_EQ(world.schedule.status().suspected, 0u);
}

TEST(Schedule, AMissingRegistryThatWasMadeAnewHasLostItsOldLoginServer) {
  ScheduleWorld world({{kOne}, {}});
  world.List(ListAnswer(), {world.Known("contoso")});
  const policy::Observations learned = world.Settle(MadeAnew(world.wall));
  ASSERT_THAT(learned.gone, SizeIs(1));
  EXPECT_EQ(learned.gone[0].login_server, "contoso.azurecr.io");
  EXPECT_THAT(learned.present, SizeIs(1));
}

TEST(Schedule, ThousandsUnderSuspicionAreSettledSlowly) {
  ScheduleWorld world({{kOne}, {}});
  std::vector<KnownRegistry> known;
  for (int i = 0; i < 300; ++i) {
    known.push_back(world.Known("registry" + std::to_string(i)));
  }
  world.List(ListAnswer(), known);
  int settled = 0;
  const Instant end = world.now + seconds(20);
  while (world.schedule.NextDue() < end) {
    const Task task = world.TakeNext();
    ASSERT_EQ(task.kind, Kind::kSettle);
    world.schedule.OnSettled(task, tl::unexpected(Forbidden()), world.wall, world.now);
    ++settled;
  }
  EXPECT_LE(settled, 201);
  EXPECT_GE(settled, 190);
}

TEST(Schedule, AListComesBeforeSuspicions) {
  ScheduleWorld world({{kOne, kTwo}, {}});
  world.List(ListAnswer(), {world.Known("contoso")});
  EXPECT_EQ(world.TakeNext().kind, Kind::kList);
  EXPECT_EQ(world.TakeNext().kind, Kind::kSettle);
}

TEST(Schedule, ASuspicionEndsWhenTheListHasTheRegistryAgain) {
  ScheduleWorld world({{kOne}, {}});
  world.List(ListAnswer(), {world.Known("contoso")});
  world.Settle(tl::unexpected(Forbidden()));
  while (world.schedule.status().suspected != 0) {
    const Task task = world.TakeNext();
    if (task.kind == Kind::kList) {
      world.schedule.OnListed(kOne, ListAnswer({RegistryOf("contoso", world.wall)}), {world.Known("contoso")}, world.wall, world.now);
    } else {
      world.schedule.OnSettled(task, tl::unexpected(Forbidden()), world.wall, world.now);
    }
  }
  EXPECT_EQ(world.schedule.status().problem, std::nullopt);
}

TEST(Schedule, WhatWasObservedAfterTheListWasAskedIsUnderNoSuspicion) {
  ScheduleWorld world({{kOne}, {}});
  KnownRegistry confirmed = world.Known("contoso");
  confirmed.observed = world.wall;
  world.List(ListAnswer(), {confirmed});
  EXPECT_EQ(world.schedule.status().suspected, 0u);
}

TEST(Schedule, AnObservationFromTheFutureSavesNobodyFromSuspicion) {
  ScheduleWorld world({{kOne}, {}});
  KnownRegistry known = world.Known("contoso");
  known.observed = world.wall + hours(1);  // by a clock that has been set back since
  world.List(ListAnswer(), {known});
  EXPECT_EQ(world.schedule.status().suspected, 1u);
}

TEST(Schedule, ASubscriptionThatIsGoneTakesItsRegistriesAlongOneByOne) {
  ScheduleWorld world({{kOne}, {}});
  world.List(ListAnswer({RegistryOf("contoso", world.wall)}));
  world.List(tl::unexpected(NotFound("SubscriptionNotFound")), {world.Known("contoso")});
  EXPECT_THAT(world.Settle(tl::unexpected(NotFound("SubscriptionNotFound"))).gone, SizeIs(1));
}

TEST(Schedule, ASubscriptionNeverReadIsNotGoneWhenItIsNotFound) {
  // As it is with credentials of another tenant.
  ScheduleWorld world({{kOne}, {}});
  world.List(tl::unexpected(NotFound("SubscriptionNotFound")), {world.Known("contoso")});
  EXPECT_THAT(world.Settle(tl::unexpected(NotFound("SubscriptionNotFound"))).gone, IsEmpty());
  EXPECT_EQ(world.schedule.status().forbidden, 1u);
}

TEST(Schedule, AnotherIdentitysSubscriptionIsNoAlarm) {
  ScheduleOptions options;
  options.has_company = true;
  ScheduleWorld world({}, options);
  world.schedule.Learn(kTwo, world.now);
  world.Discover({kOne});
  for (int i = 0; i < 2; ++i) {
    const Task task = world.TakeNext();
    world.schedule.OnListed(task.subscription, task.subscription == kOne ? ListAnswer() : ListAnswer(tl::unexpected(Forbidden())), {},
                            world.wall, world.now);
  }
  EXPECT_FALSE(world.schedule.Knows(kTwo));
  EXPECT_EQ(world.schedule.status().problem, std::nullopt);
  EXPECT_TRUE(world.schedule.IsComplete());
}

TEST(Schedule, WhatWasSuspectedOfAnotherIdentitysSubscriptionIsForgottenWithIt) {
  ScheduleOptions options;
  options.has_company = true;
  ScheduleWorld world({}, options);
  world.schedule.Learn(kTwo, world.now);
  const auto discover = world.Take();
  const auto list = world.Take();  // by another thread, whose answer comes first
  ASSERT_TRUE(discover && list);
  world.schedule.OnListed(kTwo, tl::unexpected(NotFound("SubscriptionNotFound")), {world.Known("contoso", kTwo)}, world.wall, world.now);
  world.schedule.OnDiscovered(std::vector<Discovered>(), world.now);
  world.Settle(tl::unexpected(NotFound("SubscriptionNotFound")));
  world.Advance(seconds(5));  // both are due again, and a list comes first
  world.List(tl::unexpected(NotFound("SubscriptionNotFound")), {world.Known("contoso", kTwo)});
  EXPECT_FALSE(world.schedule.Knows(kTwo));
  EXPECT_EQ(world.schedule.status().suspected, 0u);
  EXPECT_EQ(world.schedule.status().problem, std::nullopt);
}

TEST(Schedule, TheOnlyIdentityRaisesAnAlarmForASavedSubscriptionThatItMayNotRead) {
  ScheduleWorld world;
  world.schedule.Learn(kTwo, world.now);
  world.Discover({kOne});
  for (int i = 0; i < 2; ++i) {
    const Task task = world.TakeNext();
    world.schedule.OnListed(task.subscription, task.subscription == kOne ? ListAnswer() : ListAnswer(tl::unexpected(Forbidden())), {},
                            world.wall, world.now);
  }
  EXPECT_TRUE(world.schedule.Knows(kTwo));
  EXPECT_EQ(world.schedule.status().failing, 1u);
}

TEST(Schedule, AFailedDiscoveryIsAProblemAndIsTriedAgain) {
  ScheduleWorld world;
  world.TakeNext();
  world.schedule.OnDiscovered(tl::unexpected(Unreachable()), world.now);
  EXPECT_THAT(world.schedule.status().problem.value_or(""), HasSubstr("discovery of subscriptions: What happened."));
  world.Discover({});
  EXPECT_LE(world.waits.back(), kFirstRetry * 11 / 10 + milliseconds(1));
  EXPECT_EQ(world.schedule.status().problem, std::nullopt);
}

}  // namespace
}  // namespace azure
