#include "audit/verdict_record.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "audit/hourly.h"
#include "audit/verify.h"
#include "base/file.h"
#include "policy/decision.h"
#include "tests/audit/sample_changes.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using nlohmann::ordered_json;
using support::At;
using support::ChangeAt;
using support::Find;
using support::OpenStore;
using support::SampleChange;
using support::SampleRecord;
using support::ScratchDatabase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

TEST(VerdictRecord, HasEveryKeyInTheDocumentedOrder) {
  const Record record = SampleChange().Make();
  const auto golden = base::ReadFile(ACR_TEST_DATA "/audit_verdict_record.json", 1 << 20);
  ASSERT_TRUE(golden);
  EXPECT_EQ(ordered_json::parse(record.json).dump(2) + "\n", *golden);
  EXPECT_EQ(record.json.find('\n'), std::string::npos);
  EXPECT_EQ(record.time, At("2026-11-24T09:00:00.123456Z"));
  EXPECT_EQ(DecisionOf(record), "VerdictChanged");
  EXPECT_EQ(record.registries, " contoso.azurecr.io ");
  EXPECT_EQ(record.namespace_name, "");
  EXPECT_EQ(record.user, "");
  EXPECT_FALSE(record.dry_run);
  EXPECT_THAT(record.uid, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(VerdictRecord, SaysWhyWhereItIsNotKnownAndWhatAzurePolicySaid) {
  SampleChange sample;
  const auto states = std::make_shared<const policy::ComplianceStates>(policy::ComplianceStates{At("2026-11-24T08:57:00Z"), {}});
  sample.before.states = sample.after.states = states;
  sample.from.source = sample.to.source = policy::FindingSource::kAzurePolicy;
  sample.from.azure = policy::ComplianceOpinion{policy::ComplianceState::kCompliant, {}};
  sample.to.result = policy::FindingResult::kUnknown;
  sample.to.evidence.clear();
  sample.to.reason = "Azure Policy has no state of it";
  const ordered_json record = ordered_json::parse(sample.Make().json);
  EXPECT_EQ(
      record["before"].dump(),
      R"({"result":"Compliant","observed":"2026-11-24T08:58:30Z","evidence":[],"azurePolicy":{"state":"Compliant","read":"2026-11-24T08:57:00Z"}})");
  EXPECT_EQ(record["after"].dump(),
            R"({"result":"Unknown","observed":"2026-11-24T08:59:31Z","evidence":[],"reason":"Azure Policy has no state of it"})");
}

TEST(VerdictRecord, OfARegistryThatIsGoneHasNoObservationBehindIt) {
  SampleChange sample;
  sample.gone = true;
  sample.from = sample.to = {};
  sample.from.requirement = sample.to.requirement = policy::kUnknownRegistry;
  sample.from.result = policy::FindingResult::kCompliant;
  sample.to.reason = "the registry is gone";
  sample.context.cluster = "";
  const ordered_json record = ordered_json::parse(sample.Make().json);
  EXPECT_EQ(record["requirement"], "unknownRegistry");
  EXPECT_EQ(record["definitionId"], nullptr);
  EXPECT_EQ(record["after"].dump(), R"({"result":"Unknown","observed":null,"evidence":[],"reason":"the registry is gone"})");
  EXPECT_EQ(record["cluster"], nullptr);
  EXPECT_FALSE(record.contains("rule"));
}

TEST(VerdictRecord, OfTheSameChangeHasTheSameUidWhoeverSeesIt) {
  const std::string uid = SampleChange().Make().uid;
  const auto uid_of = [](auto change) {
    SampleChange sample;
    change(sample);
    return sample.Make().uid;
  };
  EXPECT_EQ(uid_of([](SampleChange& s) { s.context = {At("2026-11-25T00:00:00Z"), "other", "other"}; }), uid);
  EXPECT_EQ(uid_of([](SampleChange& s) { s.policy.digest = "sha256:11"; }), uid);
  EXPECT_EQ(uid_of([](SampleChange& s) { s.to.effect = policy::Effect::kWarn; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.after.registry.observed += std::chrono::microseconds(1); }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.before.registry.observed -= std::chrono::microseconds(1); }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.before.registry.resource_id += "2"; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.before.registry.login_server = "fabrikam.azurecr.io"; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.to.requirement = "private-link"; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.to.rule = "sha256:2"; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.to.result = policy::FindingResult::kUnknown; }), uid);
  EXPECT_NE(uid_of([](SampleChange& s) { s.gone = true; }), uid);
}

TEST(VerdictRecord, IsBoundedWhateverStandsInIt) {
  SampleChange sample;
  const std::string worst(20'000, '\x01');
  sample.before.registry.login_server = sample.before.registry.resource_id = worst;
  sample.to.requirement = sample.to.definition_id = worst;
  sample.from.reason = sample.to.reason = worst;
  sample.from.evidence.assign(100, {worst, worst, worst, true});
  sample.to.evidence = sample.from.evidence;
  sample.policy.digest = worst;
  sample.context.cluster = sample.context.replica = worst;
  const Record record = sample.Make();
  EXPECT_LE(record.json.size(), kMaxRecordBytes);
  const ordered_json parsed = ordered_json::parse(record.json);
  EXPECT_EQ(parsed["before"]["evidenceOmitted"], true);
  EXPECT_EQ(parsed["after"]["evidenceOmitted"], true);
  EXPECT_THAT(record.registries, SizeIs(testing::Le(260)));
}

TEST(IsVerdictChange, KnowsItsOwnAndNothingElse) {
  const Record change = SampleChange().Make();
  EXPECT_TRUE(IsVerdictChange(change.json));
  EXPECT_FALSE(IsVerdictChange(SampleRecord().Make().json));
  EXPECT_FALSE(IsVerdictChange(""));
  EXPECT_FALSE(IsVerdictChange(change.json.substr(0, 80)));
  // Whoever may write evidence or a uid cannot make one of a denial.
  SampleRecord denial;
  denial.uid = R"(aaaaaaaa-aaaa-8aaa-aaaa-aaaaaaaaaaaa","decision":"VerdictChanged",")";
  denial.padding = R"({"decision":"VerdictChanged"})";
  EXPECT_FALSE(IsVerdictChange(denial.Make().json));
  for (std::size_t length = 0; length < 80; ++length) {
    denial.uid = std::string(length, 'a') + R"(","decision":"VerdictChanged","x":")";
    EXPECT_FALSE(IsVerdictChange(denial.Make().json)) << length;
  }
}

// One log with an admission of each kind, and verdicts of two registries that turned between them.
class VerdictsInALog : public testing::Test {
 protected:
  VerdictsInALog() {
    Commit({.uid = "allowed", .decision = policy::DecisionKind::kAllowed, .time = At("2026-11-24T09:00:00Z")});
    CommitRecord(ChangeAt(At("2026-11-24T09:10:00Z")));
    Commit({.uid = "denied", .time = At("2026-11-24T09:20:00Z")});
    CommitRecord(ChangeAt(At("2026-11-24T09:30:00Z"), "fabrikam.azurecr.io"));
  }

  void Commit(const SampleRecord& sample) { CommitRecord(sample.Make()); }
  void CommitRecord(const Record& record) {
    ASSERT_TRUE(store_->Commit({&record, 1}));
    uids_.push_back(record.uid);
  }

  std::vector<std::string> Uids(const Filter& filter) {
    std::vector<std::string> uids;
    for (const std::string& record : Find(database_, {.filter = filter})) {
      uids.push_back(ordered_json::parse(record)["uid"]);
    }
    return uids;
  }

  const std::string database_ = ScratchDatabase();
  const support::FakeClock clock_{At("2026-11-24T12:00:00Z")};
  std::unique_ptr<Store> store_ = OpenStore({.database = database_}, clock_);
  std::vector<std::string> uids_;
};

TEST_F(VerdictsInALog, StandBetweenAdmissionsInTheOrderOfTime) {
  EXPECT_THAT(Uids({}), ElementsAre(uids_[3], "denied", uids_[1], "allowed"));
  EXPECT_THAT(Uids({.since = At("2026-11-24T09:05:00Z"), .until = At("2026-11-24T09:15:00Z")}), ElementsAre(uids_[1]));
}

TEST_F(VerdictsInALog, AreFoundByWhatTheyHave) {
  EXPECT_THAT(Uids({.decision = "VerdictChanged"}), ElementsAre(uids_[3], uids_[1]));
  EXPECT_THAT(Uids({.decision = "Denied"}), ElementsAre("denied"));
  EXPECT_THAT(Uids({.registry = "contoso.azurecr.io"}), ElementsAre("denied", uids_[1], "allowed"));
  EXPECT_THAT(Uids({.decision = "VerdictChanged", .registry = "FABRIKAM.azurecr.io"}), ElementsAre(uids_[3]));
  EXPECT_THAT(Uids({.decision = "VerdictChanged", .registry = "fab*"}), ElementsAre(uids_[3]));
  EXPECT_THAT(Uids({.uid = uids_[1]}), ElementsAre(uids_[1]));
}

TEST_F(VerdictsInALog, AreNobodysAndOfNoNamespaceAndNoImage) {
  EXPECT_THAT(Uids({.namespace_name = "shop"}), ElementsAre("denied", "allowed"));
  EXPECT_THAT(Uids({.user = "anna"}), ElementsAre("denied", "allowed"));
  EXPECT_THAT(Uids({.image = "*"}), ElementsAre("denied", "allowed"));
  EXPECT_THAT(Uids({.namespace_name = "shop", .decision = "VerdictChanged"}), IsEmpty());
}

TEST_F(VerdictsInALog, AreInTheChainAndInTheIndexOfRegistries) {
  const auto whole = Verify(database_, {});
  ASSERT_TRUE(whole) << whole.error().ToString();
  EXPECT_FALSE(whole->broken);
  EXPECT_EQ(whole->records, 4);
  store_.reset();
  support::ExecuteOn(database_, "UPDATE decision SET record = replace(record, 'NonCompliant', 'Compliant') WHERE id = 2");
  EXPECT_TRUE(Verify(database_, {})->broken);
}

TEST_F(VerdictsInALog, AreCopiedAsEveryRecordIs) {
  std::int64_t cursor = 1;
  EXPECT_THAT(store_->ReadCommitted(&cursor, 1).value(), ElementsAre(ChangeAt(At("2026-11-24T09:10:00Z")).json));
  const StoredRow row = store_->ReadRows(1, 1, 1 << 20)->rows.at(0);
  EXPECT_EQ(row.decision, "VerdictChanged");
  EXPECT_EQ(row.registries, " contoso.azurecr.io ");
  EXPECT_EQ(row.namespace_name, "");
}

TEST_F(VerdictsInALog, AreInNoSummary) {
  const auto summary_of = [&](const Filter& filter) {
    auto reader = OpenDatabaseReader(database_);
    return (*reader)->Summarise(filter).value();
  };
  const auto expect_two = [](const Summary& summary) {
    ASSERT_THAT(summary.hours, SizeIs(1));
    EXPECT_EQ(summary.hours[0].counts.allowed, 1);
    EXPECT_EQ(summary.hours[0].counts.denied, 1);
    EXPECT_THAT(summary.by_registry, SizeIs(1));
    EXPECT_THAT(summary.by_requirement, SizeIs(1));
    EXPECT_THAT(summary.by_namespace, SizeIs(1));
    EXPECT_THAT(summary.by_user, SizeIs(1));
  };
  expect_two(summary_of({}));                          // from rows
  CommitRecord(ChangeAt(At("2026-11-24T10:10:00Z")));  // an hour of its own
  ASSERT_TRUE(store_->Maintain());
  expect_two(summary_of({}));  // from counts
  EXPECT_THAT(summary_of({.decision = "VerdictChanged"}).hours, IsEmpty());
  expect_two(summary_of({.since = At("2026-11-24T08:30:00Z"), .until = At("2026-11-24T11:30:00Z")}));
}

// The hour is counted whole where rows of it are gone. That others stand there instead must not hide it.
TEST_F(VerdictsInALog, DoNotStandForAdmissionsThatRetentionTook) {
  Commit({.uid = "later", .decision = policy::DecisionKind::kAllowed, .time = At("2026-11-24T10:00:00Z")});
  CommitRecord(ChangeAt(At("2026-11-24T10:10:00Z")));
  CommitRecord(ChangeAt(At("2026-11-24T10:20:00Z")));
  ASSERT_TRUE(store_->Maintain());
  store_.reset();
  support::ExecuteOn(database_, "DELETE FROM decision WHERE uid = 'later'");
  auto reader = OpenDatabaseReader(database_);
  const Summary summary = (*reader)->Summarise({.since = At("2026-11-24T10:05:00Z"), .until = At("2026-11-24T10:55:00Z")}).value();
  ASSERT_THAT(summary.hours, SizeIs(1));
  EXPECT_EQ(summary.hours[0].counts.allowed, 1);
}

// They count as those of no namespace do: neither they nor a namespace's denials push out more than their own.
class VerdictsAndRetention : public testing::Test {
 protected:
  void CommitMany(const std::function<Record(int)>& record) {
    for (int i = 0; i < 60; ++i) {
      std::vector<Record> records;
      for (int k = 0; k < 50; ++k) {
        records.push_back(record(50 * i + k));
      }
      ASSERT_TRUE(store_->Commit(records));
      ASSERT_TRUE(store_->Maintain());
    }
  }
  void CommitChanges() {
    CommitMany([this](int i) { return ChangeAt(clock_.Now(), std::to_string(i) + ".azurecr.io"); });
  }
  void CommitDenials() {
    CommitMany([this](int i) {
      return SampleRecord{.uid = "denied " + std::to_string(i), .padding = std::string(500, 'p'), .time = clock_.Now()}.Make();
    });
  }
  std::size_t Count(const std::string& decision) { return Find(database_, {.filter = {.decision = decision}, .limit = 1000}).size(); }

  const std::string database_ = ScratchDatabase();
  const support::FakeClock clock_;
  std::unique_ptr<Store> store_ = OpenStore({.database = database_, .retention_bytes = std::int64_t{1} << 20}, clock_);
};

TEST_F(VerdictsAndRetention, AFloodOfDenialsLeavesVerdictsThatTurned) {
  const std::vector<Record> few = {ChangeAt(clock_.Now()), ChangeAt(clock_.Now(), "fabrikam.azurecr.io")};
  ASSERT_TRUE(store_->Commit(few));
  CommitDenials();
  EXPECT_EQ(Count("VerdictChanged"), 2U);
  EXPECT_LT(Count("Denied"), 3000U);
}

TEST_F(VerdictsAndRetention, AFloodOfVerdictsThatTurnLeavesDenials) {
  const std::vector<Record> few = {SampleRecord{.uid = "a", .time = clock_.Now()}.Make(),
                                   SampleRecord{.uid = "b", .time = clock_.Now()}.Make()};
  ASSERT_TRUE(store_->Commit(few));
  CommitChanges();
  EXPECT_EQ(Count("Denied"), 2U);
  EXPECT_LT(Count("VerdictChanged"), 3000U);
  EXPECT_FALSE(Verify(database_, {})->broken);
}

}  // namespace
}  // namespace audit
