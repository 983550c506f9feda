#include "azure/child_schedule.h"

#include <map>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace azure {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using Instant = ChildSchedule::Instant;
using Answer = ArmResult<policy::ChildList>;

const std::string kOne = "00000000-0000-0000-0000-000000000001";
const std::string kTwo = "00000000-0000-0000-0000-000000000002";

std::string IdOf(const std::string& name, const std::string& subscription = kOne) {
  return "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
}

ChildSchedule::Registries RegistriesOf(const std::vector<std::string>& names, const std::string& subscription = kOne) {
  ChildSchedule::Registries registries;
  for (const std::string& name : names) {
    const std::string id = IdOf(name, subscription);
    registries["/subscriptions/" + subscription + "/resourcegroups/rg/providers/microsoft.containerregistry/registries/" + name] = {
        name + ".azurecr.io", id};
  }
  return registries;
}

Answer ErrorOf(ArmError::Kind kind, int status, milliseconds retry_after = milliseconds(0)) {
  ArmError error;
  error.kind = kind;
  error.status = status;
  error.message = "What happened.";
  error.retry_after = retry_after;
  return tl::unexpected(error);
}

// A schedule, its clocks, and who answers what it asks.
class ChildScheduleWorld {
 public:
  ChildScheduleWorld() = default;
  explicit ChildScheduleWorld(const std::set<std::string>& kinds, const std::vector<std::string>& registries = {}) {
    schedule.Need(kinds, now);
    schedule.Set(kOne, RegistriesOf(registries), now);
  }

  // Everything that is due until then is asked, and answered at once. Returns "KIND of HOST" in the order in which it was asked.
  std::vector<std::string> RunFor(std::chrono::milliseconds time) {
    std::vector<std::string> asked;
    const Instant end = now + time;
    while (now < end) {
      const std::optional<ChildTask> task = schedule.Take(now);
      if (!task) {
        Advance(std::max(std::chrono::ceil<milliseconds>(std::min(schedule.NextDue(), end) - now), milliseconds(1)));
        continue;
      }
      asked.push_back(task->kind + " of " + task->login_server);
      times.push_back(now);
      const policy::Observations learned = schedule.OnRead(*task, answer(*task), wall, now);
      for (const policy::ObservedChildren& children : learned.children) {
        for (const auto& [kind, list] : children.lists) {
          told[kind + " of " + children.login_server].push_back(list);
        }
      }
    }
    return asked;
  }

  void Advance(milliseconds by) {
    now += by;
    wall += by;
  }

  std::function<Answer(const ChildTask&)> answer = [this](const ChildTask&) { return policy::ChildList{wall, "[]", {}}; };
  Instant now{hours(1)};
  base::Time wall = base::ParseTime("2026-11-23T12:00:00Z").value();
  ChildSchedule schedule{1};
  std::vector<Instant> times;
  std::map<std::string, std::vector<policy::ChildList>> told;
};

TEST(ChildSchedule, NothingIsAskedWhileNothingIsNeeded) {
  ChildScheduleWorld world;
  world.schedule.Set(kOne, RegistriesOf({"contoso"}), world.now);
  EXPECT_EQ(world.schedule.NextDue(), Instant::max());
  EXPECT_THAT(world.RunFor(hours(1)), IsEmpty());
}

TEST(ChildSchedule, EveryKindOfEveryRegistryIsReadAtOnceAndThenEveryTenMinutes) {
  ChildScheduleWorld world({"scopeMaps", "tokens"}, {"contoso", "fabrikam"});
  EXPECT_THAT(world.RunFor(seconds(5)), ElementsAre("scopeMaps of contoso.azurecr.io", "tokens of contoso.azurecr.io",
                                                    "scopeMaps of fabrikam.azurecr.io", "tokens of fabrikam.azurecr.io"));
  EXPECT_THAT(world.RunFor(minutes(8)), IsEmpty());
  EXPECT_THAT(world.RunFor(minutes(4)), SizeIs(4));
  const auto day = world.RunFor(hours(24));
  EXPECT_THAT(day, SizeIs(AllOf(Ge(4u * 6 * 23), Le(4u * 6 * 25))));
  EXPECT_EQ(world.told["tokens of contoso.azurecr.io"].back().resources, "[]");
  EXPECT_EQ(world.told["tokens of contoso.azurecr.io"].back().problem, "");
}

TEST(ChildSchedule, ANewRegistryIsReadSoonThoughMuchIsOverdue) {
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) {
    names.push_back("registry" + std::to_string(i));
  }
  ChildScheduleWorld world({"tokens"}, names);
  world.RunFor(minutes(15));  // each once
  world.Advance(minutes(30));
  names.push_back("zava");
  world.schedule.Set(kOne, RegistriesOf(names), world.now);
  EXPECT_THAT(world.RunFor(milliseconds(500)).front(), "tokens of zava.azurecr.io");
}

TEST(ChildSchedule, ANeedAppearsAndGoes) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  EXPECT_THAT(world.RunFor(seconds(5)), SizeIs(1));
  world.schedule.Need({"tokens", "webhooks"}, world.now);
  EXPECT_THAT(world.RunFor(seconds(5)), ElementsAre("webhooks of contoso.azurecr.io"));
  world.schedule.Need({"webhooks"}, world.now);
  EXPECT_THAT(world.RunFor(minutes(12)), ElementsAre("webhooks of contoso.azurecr.io"));
  world.schedule.Need({}, world.now);
  EXPECT_THAT(world.RunFor(hours(1)), IsEmpty());
  EXPECT_EQ(world.schedule.NextDue(), Instant::max());
  world.schedule.Need({"tokens"}, world.now);
  world.schedule.Set(kOne, RegistriesOf({"contoso"}), world.now);
  EXPECT_THAT(world.RunFor(seconds(5)), ElementsAre("tokens of contoso.azurecr.io"));
}

TEST(ChildSchedule, ARegistryThatIsMissedIsNotAskedAboutAnyMore) {
  ChildScheduleWorld world({"tokens"}, {"contoso", "fabrikam"});
  world.RunFor(seconds(5));
  world.schedule.Set(kOne, RegistriesOf({"fabrikam"}), world.now);
  EXPECT_THAT(world.RunFor(minutes(12)), Each("tokens of fabrikam.azurecr.io"));
  world.schedule.Forget(kOne);
  EXPECT_THAT(world.RunFor(hours(1)), IsEmpty());
}

TEST(ChildSchedule, ARegistryMadeAnewUnderAnotherLoginServerIsANewOne) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  world.RunFor(seconds(5));
  ChildSchedule::Registries registries = RegistriesOf({"contoso"});
  registries.begin()->second.login_server = "contoso-a1b2.azurecr.io";
  world.schedule.Set(kOne, registries, world.now);
  EXPECT_THAT(world.RunFor(seconds(5)), ElementsAre("tokens of contoso-a1b2.azurecr.io"));
}

TEST(ChildSchedule, AnAnswerThatComesWhenNobodyWaitsForItIsNothing) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  const auto task = world.schedule.Take(world.now);
  ASSERT_TRUE(task);
  EXPECT_FALSE(world.schedule.Take(world.now + hours(1))) << "it runs";
  world.schedule.Need({}, world.now);
  EXPECT_TRUE(world.schedule.OnRead(*task, world.answer(*task), world.wall, world.now).empty());
  world.schedule.Need({"tokens"}, world.now);
  world.schedule.Set(kOne, RegistriesOf({"contoso"}), world.now);
  EXPECT_TRUE(world.schedule.OnRead(*task, world.answer(*task), world.wall, world.now).empty()) << "it is to be asked again";
  EXPECT_THAT(world.RunFor(seconds(5)), SizeIs(1));
}

TEST(ChildSchedule, TenThousandRegistriesStayWithinThePace) {
  ChildScheduleWorld world({"tokens"});
  for (int s = 0; s < 4; ++s) {
    const std::string subscription = "00000000-0000-0000-0000-00000000000" + std::to_string(s);
    std::vector<std::string> names;
    for (int i = 0; i < 2500; ++i) {
      names.push_back("registry" + std::to_string(s) + "x" + std::to_string(i));
    }
    world.schedule.Set(subscription, RegistriesOf(names, subscription), world.now);
  }
  const auto asked = world.RunFor(minutes(17));
  EXPECT_THAT(std::set<std::string>(asked.begin(), asked.end()), SizeIs(10'000)) << "each was read";
  for (std::size_t i = 1; i < world.times.size(); ++i) {
    ASSERT_GE(world.times[i] - world.times[i - 1], kChildrenSpacing);
  }
}

TEST(ChildSchedule, OneSubscriptionIsAskedFiveTimesASecond) {
  ChildScheduleWorld world({"tokens", "webhooks"});
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("registry" + std::to_string(i));
  }
  world.schedule.Set(kOne, RegistriesOf(names), world.now);
  EXPECT_THAT(world.RunFor(seconds(100)), SizeIs(500));
}

TEST(ChildSchedule, AFailureIsToldAndTriedAgainEverMoreSeldom) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  world.answer = [](const ChildTask&) { return ErrorOf(ArmError::Kind::kForbidden, 403); };
  EXPECT_THAT(world.RunFor(hours(1)), SizeIs(AllOf(Ge(12u), Le(25u))));
  EXPECT_EQ(world.schedule.failing(), 1u);
  EXPECT_THAT(world.schedule.problem().value_or(""), AllOf(HasSubstr("tokens of"), HasSubstr("contoso"), HasSubstr("403")));
  const policy::ChildList& list = world.told["tokens of contoso.azurecr.io"].back();
  EXPECT_EQ(list.resources, "");
  EXPECT_THAT(list.problem, HasSubstr("Azure answered 403"));
  EXPECT_NE(list.observed, base::Time{});
  world.answer = [&](const ChildTask&) { return policy::ChildList{world.wall, "[]", {}}; };
  EXPECT_THAT(world.RunFor(minutes(6)), SizeIs(1));
  EXPECT_EQ(world.schedule.failing(), 0u);
  EXPECT_EQ(world.schedule.problem(), std::nullopt);
}

TEST(ChildSchedule, ARegistryOfWhichOneKindFailsIsCountedOnce) {
  ChildScheduleWorld world({"scopeMaps", "tokens", "webhooks"}, {"contoso", "fabrikam"});
  world.answer = [&](const ChildTask& task) {
    return task.kind == "webhooks" || task.login_server == "fabrikam.azurecr.io" ? Answer(policy::ChildList{world.wall, "[]", {}})
                                                                                 : ErrorOf(ArmError::Kind::kForbidden, 403);
  };
  world.RunFor(minutes(1));
  EXPECT_EQ(world.schedule.failing(), 1u);
  world.schedule.Need({"tokens", "webhooks"}, world.now);
  EXPECT_EQ(world.schedule.failing(), 1u);
  world.schedule.Need({"webhooks"}, world.now);
  EXPECT_EQ(world.schedule.failing(), 0u) << "what is not needed does not fail";
}

TEST(ChildSchedule, WhatIsGoneIsNoTroubleBeforeItsListHasSpoken) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  world.answer = [](const ChildTask&) { return ErrorOf(ArmError::Kind::kNotFound, 404); };
  EXPECT_THAT(world.RunFor(seconds(75)), SizeIs(Ge(4u)));
  EXPECT_THAT(world.told, IsEmpty());
  EXPECT_EQ(world.schedule.failing(), 0u);
  world.RunFor(minutes(10));
  EXPECT_EQ(world.schedule.failing(), 1u) << "its list says that it is there";
}

TEST(ChildSchedule, AnOutageIsNotAskedAboutAtFullPace) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("registry" + std::to_string(i));
  }
  ChildScheduleWorld world({"tokens"}, names);
  world.answer = [](const ChildTask&) { return ErrorOf(ArmError::Kind::kUnavailable, 503); };
  EXPECT_THAT(world.RunFor(hours(1)), SizeIs(Le(30u)));
  world.answer = [&](const ChildTask&) { return policy::ChildList{world.wall, "[]", {}}; };
  world.RunFor(minutes(10));
  EXPECT_THAT(world.told, SizeIs(1000)) << "once it is over, they are read at their pace";
}

TEST(ChildSchedule, WhereNothingCanBeReadANewRegistryIsTriedAtOnce) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  world.answer = [](const ChildTask&) { return ErrorOf(ArmError::Kind::kForbidden, 403); };
  world.RunFor(hours(1));
  world.schedule.Set(kOne, RegistriesOf({"contoso", "fabrikam"}), world.now);
  EXPECT_EQ(world.RunFor(seconds(1)).front(), "tokens of fabrikam.azurecr.io");
}

TEST(ChildSchedule, ASubscriptionThatIsThrottledIsLeftAloneAndNoOther) {
  ChildScheduleWorld world({"tokens"}, {"contoso", "fabrikam"});
  world.schedule.Set(kTwo, RegistriesOf({"adatum"}, kTwo), world.now);
  world.answer = [&](const ChildTask& task) {
    return task.subscription == kOne ? ErrorOf(ArmError::Kind::kThrottled, 429, minutes(2))
                                     : Answer(policy::ChildList{world.wall, "[]", {}});
  };
  EXPECT_THAT(world.RunFor(seconds(115)), ElementsAre("tokens of contoso.azurecr.io", "tokens of adatum.azurecr.io"));
  EXPECT_THAT(world.RunFor(seconds(10)), ElementsAre("tokens of fabrikam.azurecr.io"));
}

TEST(ChildSchedule, WhatWasHeldBackIsNoFailure) {
  ChildScheduleWorld world({"tokens"}, {"contoso"});
  int held_back = 50;
  world.answer = [&](const ChildTask&) {
    return held_back-- > 0 ? ErrorOf(ArmError::Kind::kThrottled, 0, seconds(1)) : Answer(policy::ChildList{world.wall, "[]", {}});
  };
  EXPECT_THAT(world.RunFor(seconds(55)), SizeIs(51)) << "as soon as the limits allow";
  EXPECT_THAT(world.told["tokens of contoso.azurecr.io"], SizeIs(1));
  EXPECT_EQ(world.schedule.failing(), 0u);
}

}  // namespace
}  // namespace azure
