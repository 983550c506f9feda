#include "cli/verdict_changes.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"

namespace cli {
namespace {

using policy::FindingResult;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

policy::Facts Contosos(int count, FindingResult result, base::Time observed) {
  policy::Facts facts;
  for (int i = 0; i < count; ++i) {
    auto registry = std::make_shared<policy::RegistryFacts>();
    registry->registry.login_server = "contoso" + std::to_string(i) + ".azurecr.io";
    registry->registry.resource_id = "/subscriptions/s/registries/contoso" + std::to_string(i);
    registry->registry.observed = observed;
    policy::Finding& finding = registry->verdict.emplace_back();
    finding.requirement = "private-link";
    finding.rule = "sha256:1";
    finding.result = result;
    if (result == FindingResult::kCompliant) {
      finding.last_compliant = observed;
    }
    facts.Add(std::move(registry));
  }
  return facts;
}

class VerdictChangesTest : public testing::Test {
 protected:
  VerdictChanges Make(policy::Facts remembered = {}) {
    return {std::move(remembered),     "prod-weu", "replica-1", [this](std::span<const audit::Record> records) { Take(records); }, clock_,
            [this] { return writes_; }};
  }

  void Take(std::span<const audit::Record> records) {
    batches_.push_back(records.size());
    for (const audit::Record& record : records) {
      records_.push_back(nlohmann::json::parse(record.json));
    }
  }

  // Each is of a new generation.
  std::shared_ptr<const state::State> State(policy::Facts facts) {
    auto state = std::make_shared<state::State>();
    state->generation = ++generation_;
    auto policy = std::make_shared<policy::Policy>();
    policy->digest = "sha256:" + std::to_string(generation_);
    policy->requirements.emplace_back();
    policy->requirements.back().name = "private-link";
    policy->requirements.back().definition = std::make_shared<const policy::Definition>();
    state->policy = std::move(policy);
    state->facts = std::move(facts);
    return state;
  }
  std::shared_ptr<const state::State> Compliant(int count = 1) { return State(Contosos(count, FindingResult::kCompliant, clock_.Now())); }
  std::shared_ptr<const state::State> NonCompliant(int count = 1) {
    return State(Contosos(count, FindingResult::kNonCompliant, clock_.Now()));
  }

  // "Compliant NonCompliant"
  std::vector<std::string> Results() const {
    std::vector<std::string> results;
    for (const auto& record : records_) {
      results.push_back(record["before"]["result"].get<std::string>() + " " + record["after"]["result"].get<std::string>());
    }
    return results;
  }

  support::FakeClock clock_;
  bool writes_ = true;
  std::uint64_t generation_ = 0;
  std::vector<std::size_t> batches_;
  std::vector<nlohmann::json> records_;
};

TEST_F(VerdictChangesTest, AreRecordedOfEveryStateThatWasPublished) {
  VerdictChanges changes = Make();
  changes.Observe(Compliant());
  clock_.Advance(1min);
  changes.Observe(NonCompliant());
  clock_.Advance(1min);
  changes.Observe(Compliant());  // before Run came to look
  EXPECT_THAT(records_, IsEmpty());
  changes.Run();
  EXPECT_THAT(Results(), ElementsAre("Compliant NonCompliant", "NonCompliant Compliant"));
  EXPECT_EQ(records_[0]["time"], "2026-11-23T12:01:00.000000Z");
  EXPECT_EQ(records_[0]["registry"], "contoso0.azurecr.io");
  EXPECT_EQ(records_[0]["before"]["observed"], "2026-11-23T12:00:00Z");
  EXPECT_EQ(records_[0]["after"]["observed"], "2026-11-23T12:01:00Z");
  EXPECT_EQ(records_[0]["policy"], "sha256:2") << "by which it is judged now";
  EXPECT_EQ(records_[0]["cluster"], "prod-weu");
  EXPECT_EQ(records_[0]["replica"], "replica-1");
  EXPECT_EQ(records_[1]["time"], "2026-11-23T12:02:00.000000Z");
  changes.Run();
  EXPECT_THAT(records_, SizeIs(2)) << "once each";
}

TEST_F(VerdictChangesTest, AreNoneOfAStateThatIsThereStill) {
  VerdictChanges changes = Make();
  changes.Observe(Compliant());
  const auto turned = NonCompliant();
  changes.Observe(turned);
  changes.Observe(turned);
  changes.Run();
  EXPECT_THAT(records_, SizeIs(1));
}

TEST_F(VerdictChangesTest, AreNoneAtAFirstStart) {
  VerdictChanges changes = Make();
  changes.Observe(NonCompliant());
  changes.Run();
  EXPECT_THAT(records_, IsEmpty());
}

TEST_F(VerdictChangesTest, WhileNothingRanAreTold) {
  const auto start = [this](FindingResult saved, std::shared_ptr<const state::State> first) {
    records_.clear();
    VerdictChanges changes = Make(Contosos(1, saved, clock_.Now() - 1h));
    changes.Observe(std::move(first));
    changes.Run();
    return Results();
  };
  EXPECT_THAT(start(FindingResult::kCompliant, NonCompliant()), ElementsAre("Compliant NonCompliant"));
  EXPECT_THAT(start(FindingResult::kCompliant, Compliant()), IsEmpty());
  EXPECT_THAT(start(FindingResult::kNonCompliant, NonCompliant()), IsEmpty());
  EXPECT_THAT(start(FindingResult::kNonCompliant, Compliant()), ElementsAre("NonCompliant Compliant"));
  EXPECT_THAT(start(FindingResult::kCompliant, State({})), ElementsAre("Compliant Unknown"));
}

TEST_F(VerdictChangesTest, AreComparedWithTheStateBeforeAndNotWithTheSavedInventoryAgain) {
  VerdictChanges changes = Make(Contosos(1, FindingResult::kCompliant, clock_.Now() - 1h));
  changes.Observe(NonCompliant());
  clock_.Advance(1s);
  changes.Observe(NonCompliant());
  changes.Run();
  EXPECT_THAT(records_, SizeIs(1));
}

TEST_F(VerdictChangesTest, AreCommittedFewAtATime) {
  VerdictChanges changes = Make();
  changes.Observe(Compliant(150));
  changes.Observe(NonCompliant(150));
  changes.Run();
  EXPECT_THAT(batches_, ElementsAre(64, 64, 22));
  EXPECT_THAT(records_, SizeIs(150));
}

// Ten thousand registries that turn at once are not kept in memory until somebody comes for them, and none is lost.
TEST_F(VerdictChangesTest, ThatAreTooManyToWaitAreHandedOverAtOnce) {
  constexpr int kMany = 20'000;
  VerdictChanges changes = Make();
  changes.Observe(Compliant(kMany));
  changes.Observe(NonCompliant(kMany));
  std::size_t bytes = 0;
  for (const auto& record : records_) {
    bytes += record.dump().size();
  }
  EXPECT_GE(bytes, VerdictChanges::kMaxWaitingBytes - 1024);
  EXPECT_LT(records_.size(), static_cast<std::size_t>(kMany));
  changes.Run();
  EXPECT_THAT(records_, SizeIs(kMany));
}

TEST_F(VerdictChangesTest, OfAReplicaThatDoesNotWriteAreForgottenWhenAnotherHasHadTheTime) {
  VerdictChanges changes = Make();
  writes_ = false;
  changes.Observe(Compliant());
  changes.Observe(NonCompliant());
  changes.Run();
  clock_.Advance(VerdictChanges::kHandOver);
  changes.Run();
  writes_ = true;
  changes.Run();
  EXPECT_THAT(records_, IsEmpty());

  changes.Observe(Compliant());
  changes.Run();
  EXPECT_THAT(Results(), ElementsAre("NonCompliant Compliant")) << "it knows what was before";
}

TEST_F(VerdictChangesTest, AreWrittenByWhoComesToWriteSoonAfter) {
  VerdictChanges changes = Make();
  writes_ = false;
  changes.Observe(Compliant());
  changes.Observe(NonCompliant());
  changes.Run();
  clock_.Advance(VerdictChanges::kHandOver - 1s);
  changes.Run();
  writes_ = true;
  changes.Run();
  EXPECT_THAT(records_, SizeIs(1));
}

TEST_F(VerdictChangesTest, OfAReplicaThatDoesNotWriteAreBounded) {
  constexpr int kMany = 20'000;
  VerdictChanges changes = Make();
  writes_ = false;
  changes.Observe(Compliant(kMany));
  changes.Observe(NonCompliant(kMany));
  EXPECT_THAT(records_, IsEmpty());
  writes_ = true;
  changes.Run();
  EXPECT_LT(records_.size(), static_cast<std::size_t>(kMany));
  EXPECT_GT(records_.size(), static_cast<std::size_t>(kMany) / 4);
}

}  // namespace
}  // namespace cli
