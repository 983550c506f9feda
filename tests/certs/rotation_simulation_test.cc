// Replicas that die, are cut off, run into each other, and find their Secret and caBundle tampered with: whatever happens, what a
// replica serves is trusted, and what was broken heals.
#include <chrono>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/certs/cluster.h"

namespace certs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A rotation in ten minutes.
PlanSettings Fast(const std::string& replica) {
  PlanSettings settings = support::SmallSettings(replica);
  settings.validity = minutes(6);
  settings.authority_validity = minutes(9);
  settings.before = minutes(1);
  settings.after = minutes(2);
  return settings;
}

// One replica dies at each of its writes in turn, before or after that was carried out, on the way through everything that is ever
// written: installation, renewals, a whole rotation, a lost Secret.
class Deaths : public ::testing::TestWithParam<std::tuple<bool, int>> {};

TEST_P(Deaths, AtAnyWriteLeaveSomethingThatTheOthersGoOnFrom) {
  const bool carried_out = std::get<0>(GetParam());
  const int others = std::get<1>(GetParam());
  int deaths = 0;
  for (bool died = true; died; ++deaths) {
    SCOPED_TRACE("dies at write " + std::to_string(deaths + 1));
    died = false;
    Cluster cluster;
    int writes = 0;
    const auto die = [&](const std::string& call) {
      if ((call == "Swap" || call == "Write") && ++writes == deaths + 1) {
        died = true;
        throw support::Died();
      }
    };
    cluster.Start(Fast("mortal"), {},
                  [&](support::WorldReplica& mortal) { (carried_out ? mortal.access.after : mortal.access.before) = die; });
    for (int i = 0; i < others; ++i) {
      cluster.Start(Fast("other-" + std::to_string(i)));
    }
    for (int minute = 0; minute < 14 && !HasFailure(); ++minute) {
      if (minute == 10) {
        cluster.world.SetSecret(std::nullopt);
      }
      cluster.Run(minutes(1));
      if (cluster.size() == static_cast<std::size_t>(others)) {
        cluster.Start(Fast("successor"));  // by the ReplicaSet
      }
    }
    cluster.Run(minutes(1));
    cluster.ExpectHealthy();
    EXPECT_TRUE(cluster.was_ready);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(deaths, 10) << "nothing was tried";
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, Deaths, ::testing::Combine(::testing::Bool(), ::testing::Values(0, 1)));

class Random : public ::testing::TestWithParam<unsigned> {};

TEST_P(Random, EventsNeverMakeAReplicaServeWhatIsNotTrusted) {
  std::mt19937 random(GetParam());
  const auto chance = [&random](int percent) { return static_cast<int>(random() % 100) < percent; };
  Cluster cluster;
  int names = 0;
  bool mortal = true;
  Data backup;
  const auto start = [&] {
    const std::string name = "replica-" + std::to_string(names++);
    PlanSettings settings = Fast(name);
    settings.authority_validity = minutes(15);  // enough for a rotation that is disturbed
    cluster.Start(settings, seconds(static_cast<int>(random() % 10'000) - 5'000), [&](support::WorldReplica& replica) {
      const auto amid = [&](const std::string&) {
        if (mortal && random() % 500 == 0 && cluster.size() > 2) {
          throw support::Died();
        }
        if (random() % 20 == 0 && cluster.size() > 0) {
          cluster.PollAmid(random() % cluster.size());
        }
      };
      replica.access.before = amid;
      replica.access.after = amid;
    });
  };
  const auto reconnect = [&] {
    for (std::size_t i = 0; i < cluster.size(); ++i) {
      cluster[i].access.away = false;
    }
  };
  start();
  start();
  start();
  for (int i = 0; i < 80 && !HasFailure(); ++i) {
    reconnect();
    while (cluster.size() < 3) {
      start();
    }
    if (chance(20)) {
      cluster.Kill(cluster.NameOf(random() % cluster.size()));
    }
    if (i % 2 == 0 && chance(40) && cluster.size() > 2) {  // for less than any overlap
      cluster[random() % cluster.size()].access.away = true;
    }
    if (chance(10)) {
      cluster.world.SetSecret(chance(50) ? std::nullopt : std::make_optional(Data()));
    } else if (chance(10) && cluster.world.secret && !cluster.world.secret->data.empty()) {
      Data data = cluster.world.secret->data;
      std::next(data.begin(), random() % data.size())->second = chance(50) ? "garbage" : "";
      cluster.world.SetSecret(data);
    }
    if (cluster.world.secret && chance(20)) {
      backup = cluster.world.secret->data;
    } else if (chance(5) && !backup.empty()) {
      cluster.world.Happened("a backup is put back");
      cluster.world.SetSecret(backup);
    }
    if (chance(5)) {
      cluster.world.SetBundles({chance(50) ? "" : "garbage", ""});
      cluster.Broke();
    } else if (chance(3)) {
      cluster.world.DeleteConfiguration();
    } else if (!cluster.world.configuration) {
      cluster.world.SetBundles({"", ""});
      cluster.Broke();
    }
    cluster.Run(seconds(5 + random() % 50));
  }
  mortal = false;
  reconnect();
  if (!cluster.world.configuration) {
    cluster.world.SetBundles({"", ""});
    cluster.Broke();
  }
  cluster.Run(minutes(12));
  cluster.ExpectHealthy();
  EXPECT_LE(cluster.Stored().replicas.size(), 10U) << "the dead are forgotten";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Random, ::testing::Range(0U, 8U));

}  // namespace
}  // namespace certs
