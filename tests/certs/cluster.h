// Replicas of one release in simulated time, with what must always hold checked after every Poll: whatever a replica that is ready
// serves, an API server whose view of caBundle is up to 10 s old takes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/identity_world.h"

namespace certs {

inline constexpr std::chrono::seconds kHealing{15};

class Cluster {
 public:
  explicit Cluster(std::size_t replicas = 0) {
    for (std::size_t i = 0; i < replicas; ++i) {
      Start("replica-" + std::to_string(i));
    }
  }

  using Prepare = std::function<void(support::WorldReplica& replica)>;

  void Start(const std::string& name, std::chrono::seconds skew = {}) { Start(support::SmallSettings(name), skew); }
  // The first one polls at once, those that start later some seconds after it; and then every ten seconds.
  void Start(PlanSettings settings, std::chrono::seconds skew = {}, const Prepare& prepare = {}) {
    auto member = std::make_shared<Member>();
    member->name = settings.replica;
    member->replica = std::make_unique<support::WorldReplica>(world, std::move(settings), skew);
    member->due = world.now() + std::chrono::seconds(members_.size() * 3);
    if (prepare) {
      prepare(*member->replica);
    }
    members_.push_back(std::move(member));
    if (members_.size() == 1) {
      PollNow(members_.back());
    }
  }
  void Kill(const std::string& name) {
    std::erase_if(members_, [&](const auto& member) {
      member->dead |= member->name == name;
      return member->dead;
    });
  }

  support::WorldReplica& operator[](std::size_t i) { return *members_[i]->replica; }
  std::size_t size() const { return members_.size(); }
  std::string NameOf(std::size_t i) const { return members_[i]->name; }

  void Run(std::chrono::seconds time) {
    for (const base::Time end = world.now() + time; world.now() < end && !::testing::Test::HasFatalFailure();) {
      world.Advance(std::chrono::seconds(1));
      const std::vector<std::shared_ptr<Member>> now = members_;  // some may die
      for (const auto& member : now) {
        if (member->due <= world.now() && !member->polling && !member->dead) {
          PollNow(member);
          Check();
        }
      }
    }
  }

  // A Poll amid another's calls, unless it is that one's own.
  void PollAmid(std::size_t i) {
    if (const std::shared_ptr<Member> member = members_[i]; !member->polling) {
      PollNow(member);
    }
  }

  // Somebody broke something: nothing is checked until the time for healing is over, and until nobody can see the broken state.
  void Broke(std::chrono::seconds healing = kHealing) { unchecked_until_ = world.now() + healing + kPropagation; }

  void Check() {
    if (world.now() < unchecked_until_) {
      return;
    }
    for (const auto& member : members_) {
      const std::string refusal = member->replica->Refusal(kPropagation);
      ASSERT_EQ(refusal, "") << member->name << " at " << base::FormatTimeSeconds(world.now()) << "\n" << world.History();
      if (member->replica->serving()) {
        was_ready |= member->replica->identity->status().not_ready.empty();
      }
    }
  }

  // All agree, and all is well.
  void ExpectHealthy() {
    unchecked_until_ = {};
    Check();
    for (const auto& member : members_) {
      const ManagedIdentity::Status status = member->replica->identity->status();
      EXPECT_EQ(status.not_ready, "") << member->name;
      EXPECT_EQ(status.problem, std::nullopt) << member->name;
      ASSERT_NE(member->replica->serving(), nullptr) << member->name;
      EXPECT_EQ(member->replica->serving()->fingerprint, Stored().leaf.identity->fingerprint) << member->name;
    }
  }

  IdentitySecret Stored() const {
    auto read = world.secret ? ReadIdentitySecret(world.secret->data) : std::nullopt;
    EXPECT_TRUE(read && *read) << (read ? "empty" : read.error().message);
    return read && *read ? **std::move(read) : IdentitySecret();
  }

  std::uint64_t Repairs(std::string_view what) {
    std::uint64_t sum = 0;
    for (const auto& member : members_) {
      const auto repairs = member->replica->identity->status().repairs;
      const auto found = repairs.find(what);
      sum += found == repairs.end() ? 0 : found->second;
    }
    return sum;
  }

  support::IdentityWorld world;
  bool was_ready = false;  // the check has had something to check

 private:
  struct Member {
    std::string name;
    std::unique_ptr<support::WorldReplica> replica;
    base::Time due{};
    bool polling = false;
    bool dead = false;
  };

  void PollNow(std::shared_ptr<Member> member) {  // it may die of it
    member->polling = true;
    member->due = world.now() + kPollInterval;
    try {
      member->replica->Poll();
    } catch (const support::Died&) {
      Kill(member->name);
    }
    member->polling = false;
  }

  std::vector<std::shared_ptr<Member>> members_;
  base::Time unchecked_until_{};
};

}  // namespace certs
