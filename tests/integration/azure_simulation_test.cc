// Hours of random faults and changes, from many fixed seeds, with one rule that must never be broken: nothing is taken for
// compliant that Azure did not report to be so within the age that is stated for it.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/live_world.h"
#include "tests/support/registry_bodies.h"

namespace support {
namespace {

using policy::DecisionKind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;

constexpr int kSeeds = 20;
constexpr int kRegistries = 12;
constexpr int kSubscriptions = 3;
constexpr int kSteps = 60;

// What is true of a registry, and since when.
struct Truth {
  base::Time since{};
  bool exists = false;
  bool compliant = false;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed), throttles_(seed % 2 == 0), world_(OptionsOf(seed)) {
    world_.on_merge = [this] { CheckFacts(); };
    for (int i = 0; i < kRegistries; ++i) {
      Put(i, Chance(2));
    }
    world_.Start();
  }

  void Run() {
    for (int i = 0; i < kSteps && !::testing::Test::HasFailure(); ++i) {
      Disturb();
      world_.RunFor(milliseconds(Below(120'000)));
      for (int decisions = Below(4); decisions > 0; --decisions) {
        Decide(Below(kRegistries));
      }
    }
    EXPECT_THAT(world_.azure.violations(), IsEmpty()) << "nothing is sent within a Retry-After";
  }

  // Everything mended, all is known as it is soon.
  void Recover() {
    MendAll();
    world_.RunFor(minutes(35));  // Resource Graph shows what was changed 20 minutes ago, and is asked every 10
    for (int i = 0; i < kRegistries; ++i) {
      const Truth truth = history_[i].back();
      const policy::RegistryFacts* const facts = world_.Find(Name(i));
      ASSERT_EQ(facts != nullptr, truth.exists) << Name(i);
      if (truth.exists) {
        EXPECT_EQ(IsCompliant(*facts), truth.compliant) << Name(i);
        EXPECT_LE(world_.AgeOf(Name(i)), seconds(75)) << Name(i);
      }
      EXPECT_EQ(world_.Decide(Image(i)), truth.exists && truth.compliant ? DecisionKind::kAllowed : DecisionKind::kDenied) << Name(i);
    }
    EXPECT_EQ(world_.inventory->status().problem.value_or(""), "");
  }

 private:
  static LiveWorld::Options OptionsOf(std::uint64_t seed) {
    LiveWorld::Options options;
    options.seed = seed;
    options.policy =
        "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
        "requirements: [{definition: public-network-access-disabled, effect: Deny}]\n"
        "staleVerdict: {after: 1h, effect: Deny}\n";
    options.azure.list_page = 1 + seed % 4;
    options.azure.graph_page = 2 + seed % 5;
    options.azure.retry_after_as_date = seed % 4 == 0;
    options.azure.token.expires_in = seconds(600 + 100 * (seed % 10));
    return options;
  }

  int Below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }
  bool Chance(int one_in) { return Below(one_in) == 0; }

  static std::string Name(int i) { return "registry" + std::to_string(i); }
  static std::string Image(int i) { return Name(i) + ".azurecr.io/shop/cart:1.4"; }
  static bool IsCompliant(const policy::RegistryFacts& facts) { return facts.verdict.at(0).result == policy::FindingResult::kCompliant; }

  void Put(int i, bool compliant) {
    ids_[i] = world_.azure.AddRegistry(TestSubscription(Below(kSubscriptions)), "group" + std::to_string(Below(3)), Name(i),
                                       compliant ? nlohmann::json::object() : WithOpenNetwork());
    history_[i].push_back({world_.clock.Now(), true, compliant});
  }
  void Delete(int i) {
    if (history_[i].back().exists) {
      world_.azure.DeleteRegistry(ids_[i]);
      history_[i].push_back({world_.clock.Now(), false, false});
    }
  }

  // Whether it was there and compliant at any time from `begin` until now.
  bool WasCompliantSince(int i, base::Time begin) const {
    const std::vector<Truth>& history = history_.at(i);
    for (std::size_t k = 0; k < history.size(); ++k) {
      const bool ends_before = k + 1 < history.size() && history[k + 1].since < begin;
      if (!ends_before && history[k].exists && history[k].compliant) {
        return true;
      }
    }
    return false;
  }

  void CheckFacts() {
    for (int i = 0; i < kRegistries; ++i) {
      const policy::RegistryFacts* const facts = world_.Find(Name(i));
      if (facts == nullptr) {
        continue;
      }
      EXPECT_LE(facts->registry.observed, world_.clock.Now());
      if (IsCompliant(*facts)) {
        EXPECT_TRUE(WasCompliantSince(i, facts->registry.observed))
            << Name(i) << " is said to have been compliant " << base::FormatAge(world_.AgeOf(Name(i))) << " ago";
      }
    }
  }

  void Decide(int i) {
    const DecisionKind kind = world_.Decide(Image(i));
    if (kind == DecisionKind::kAllowed) {
      ASSERT_NE(world_.Find(Name(i)), nullptr);
      EXPECT_LE(world_.AgeOf(Name(i)), hours(1)) << "the policy accepts no older facts";
      EXPECT_TRUE(WasCompliantSince(i, world_.Find(Name(i))->registry.observed)) << Name(i);
    }
  }

  void Disturb() {
    const int registry = Below(kRegistries);
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:  // somebody opens or closes it
        Delete(registry);
        Put(registry, Chance(2));
        break;
      case 3:
        Delete(registry);
        break;
      case 4:
        world_.azure.Fail(AzureServiceAt(Below(3)), Chance(2) ? 503 : 500);
        break;
      case 5:
        if (!throttles_) {
          break;
        }
        world_.azure.Fail(EveryCallOf(AzureServiceAt(Below(3))),
                          {.status = 429, .retry_after = seconds(1 + Below(600)), .retry_after_as_date = Chance(2)}, 1 + Below(20));
        break;
      case 6:
        world_.azure.Fail(EveryCallAbout(TestSubscription(Below(kSubscriptions))), {.status = 503, .body = "<html>no JSON</html>"});
        break;
      case 7:
        world_.client.faults().Add(Every(), FaultAt(throttles_ ? 0 : Below(3)), 1 + Below(20));
        break;
      case 8:
        world_.client.SetLatency(milliseconds(Below(4000)));
        break;
      case 9:
        world_.azure.RevokeTokens();
        break;
      case 10: {
        const int subscription = Below(kSubscriptions);
        world_.azure.DenySubscription(TestSubscription(subscription));
        denied_subscriptions_.push_back(TestSubscription(subscription));
        break;
      }
      case 11:
        if (history_[registry].back().exists) {
          world_.azure.DenyRegistry(ids_[registry]);
          denied_registries_.push_back(ids_[registry]);
        }
        break;
      case 12: {
        AzureSettings settings = world_.azure.settings();
        settings.graph_lag = minutes(Below(20));
        world_.azure.SetSettings(settings);
        break;
      }
      case 13:  // the process ends, and begins with what was saved, or with nothing
        if (!throttles_) {
          world_.Start(Chance(3) ? policy::Facts() : *world_.facts);
        }
        break;
      default:
        MendAll();
        break;
    }
  }

  static AzureService AzureServiceAt(int i) {
    return i == 0 ? AzureService::kLogin : i == 1 ? AzureService::kResourceManager : AzureService::kResourceGraph;
  }
  static TransportFault FaultAt(int i) {
    return i == 0 ? TransportFault::kUnreachable : i == 1 ? TransportFault::kDropped : TransportFault::kDeadline;
  }

  void MendAll() {
    world_.azure.MendAll();
    world_.client.faults().Clear();
    world_.client.SetLatency(milliseconds(0));
    for (const std::string& subscription : std::exchange(denied_subscriptions_, {})) {
      world_.azure.DenySubscription(subscription, false);
    }
    for (const std::string& id : std::exchange(denied_registries_, {})) {
      world_.azure.DenyRegistry(id, false);
    }
    AzureSettings settings = world_.azure.settings();
    settings.graph_lag = milliseconds(0);
    world_.azure.SetSettings(settings);
  }

  std::mt19937_64 random_;
  // Either Azure throttles, or the process ends and answers are lost: who was not told cannot keep to a Retry-After.
  const bool throttles_;
  std::map<int, std::vector<Truth>> history_;
  std::map<int, std::string> ids_;
  std::vector<std::string> denied_subscriptions_;
  std::vector<std::string> denied_registries_;
  LiveWorld world_;
};

TEST(AzureSimulation, NothingIsTakenForCompliantThatAzureDidNotReportWithinItsAge) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed);
    simulation.Run();
    simulation.Recover();
  }
}

}  // namespace
}  // namespace support
