#include "cli/audit_replay.h"

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "cli/audit_source.h"
#include "policy/decision.h"
#include "tests/audit/sample_changes.h"
#include "tests/audit/scratch.h"
#include "tests/cli/run.h"
#include "tests/support/admission_world.h"
#include "tests/support/temp_folder.h"
#include "webhook/review_decoder.h"

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kAudit =
    "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: private-link, effect: Audit}]\n";
constexpr const char* kDeny =
    "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: private-link, effect: Deny}]\n";
constexpr const char* kMore =
    "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: private-link, effect: Audit}, {definition: "
    "premium-sku}]\n";

// Admissions decided by one policy, and replayed under another: of the registries "compliant" and "open", which lacks private link.
class AuditReplayTest : public ::testing::Test {
 protected:
  AuditReplayTest() {
    folder_.Write("deny.yaml", kDeny);
    folder_.Write("audit.yaml", kAudit);
    folder_.Write("more.yaml", kMore);
  }

  audit::Record Admit(std::string_view policy, const std::string& image, std::chrono::seconds age = 1h, const std::string& ns = "shop",
                      const std::string& cluster = {}) {
    const auto state = support::DefaultState(policy);
    auto review = nlohmann::json::parse(support::PodReview("u" + std::to_string(++admitted_), image));
    review["request"]["namespace"] = ns;
    std::string body = review.dump();
    webhook::ReviewDecoder decoder;
    const auto admission = decoder.Decode(body);
    EXPECT_TRUE(admission);
    audit::RequestContext context;
    context.time = clock_.Now() - age;
    context.cluster = cluster;
    return audit::MakeRecord(*admission, policy::Decide(*state->policy, state->facts, *admission, context.time), *state->policy, context);
  }

  // A database with them, and the same as lines among others.
  void Keep(const std::vector<audit::Record>& records) {
    const auto store = support::OpenStore({.database = database_}, clock_);
    ASSERT_TRUE(store->Commit(records));
    lines_ = "{\"anchor\":{\"time\":\"x\"}}\n";
    for (const audit::Record& record : records) {
      lines_ += "{\"time\":\"2026-11-23T11:00:00.000000Z\",\"level\":\"info\",\"message\":\"of standard error\"}\n" + record.json + "\n";
    }
    lines_ += records.back().json + "\n";
  }

  Ran Run(AuditReplayArguments arguments, const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int exit = RunAuditReplay(arguments, {in, out, err, Terminal{200, false}}, clock_, NoVariable);
    return {exit, out.str(), err.str()};
  }

  AuditReplayArguments With(const std::string& policy) const {
    AuditReplayArguments arguments;
    arguments.inputs.policy = folder_ / policy;
    arguments.database = database_;
    return arguments;
  }

  support::TempFolder folder_;
  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::string lines_;
  int admitted_ = 0;
};

TEST_F(AuditReplayTest, PassesOverVerdictsThatTurned) {
  Keep({Admit(kAudit, support::kCompliantImage), support::ChangeAt(clock_.Now() - 1h)});
  EXPECT_EQ(Run(With("deny.yaml")).out, "1 admission since 2026-11-16T12:00:00Z: 1 the same\n");
  AuditReplayArguments lines = With("deny.yaml");
  lines.database.clear();
  lines.records = "-";
  EXPECT_EQ(Run(lines, lines_).out, "1 admission since 2026-11-16T12:00:00Z: 1 the same\n");
}

TEST_F(AuditReplayTest, TellsWhatWouldNewlyBeDenied) {
  Keep({Admit(kAudit, support::kCompliantImage), Admit(kAudit, support::kNonCompliantImage), Admit(kAudit, support::kNonCompliantImage),
        Admit(kAudit, support::kNonCompliantImage, 1h, "pay")});
  const Ran ran = Run(With("deny.yaml"));
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "4 admissions since 2026-11-16T12:00:00Z: 1 the same, 3 would be denied that were not\n"
            "\n"
            "REGISTRY         DENIED  NOT TOLD  WARNED  NO LONGER DENIED  NO LONGER WARNED\n"
            "open.azurecr.io  3       0         0       0                 0\n"
            "\n"
            "NAMESPACE  DENIED  NOT TOLD  WARNED  NO LONGER DENIED  NO LONGER WARNED\n"
            "shop       2       0         0       0                 0\n"
            "pay        1       0         0       0                 0\n"
            "\n"
            "NAMESPACE  WORKLOAD  REGISTRY         REQUIREMENT   WAS      WOULD BE  ADMISSIONS\n"
            "shop       Pod/cart  open.azurecr.io  private-link  Allowed  Denied    2\n"
            "pay        Pod/cart  open.azurecr.io  private-link  Allowed  Denied    1\n");
}

TEST_F(AuditReplayTest, CollectedLinesSayTheSameAsTheDatabase) {
  Keep({Admit(kAudit, support::kCompliantImage), Admit(kAudit, support::kNonCompliantImage)});
  const Ran from_database = Run(With("deny.yaml"));
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.database.clear();
  arguments.records = "-";
  const Ran from_lines = Run(arguments, lines_);
  EXPECT_EQ(from_lines.exit, 1);
  EXPECT_EQ(from_lines.out, from_database.out);
  folder_.Write("stdout.log", lines_);
  arguments.records = folder_ / "stdout.log";
  EXPECT_EQ(Run(arguments).out, from_database.out);
}

TEST_F(AuditReplayTest, EndsWithZeroWhenNothingWouldNewlyBeDenied) {
  Keep({Admit(kDeny, support::kNonCompliantImage), Admit(kDeny, support::kCompliantImage)});
  const Ran ran = Run(With("audit.yaml"));
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out, StartsWith("2 admissions since 2026-11-16T12:00:00Z: 1 the same, 1 would no longer be denied\n"));
  EXPECT_EQ(Run(With("deny.yaml")).out, "2 admissions since 2026-11-16T12:00:00Z: 2 the same\n");
  EXPECT_EQ(Run(With("deny.yaml")).exit, 0);
}

TEST_F(AuditReplayTest, SaysWhatCannotBeToldAndDoesNotCallItSafe) {
  Keep({Admit(kAudit, support::kCompliantImage)});
  const Ran ran = Run(With("more.yaml"));
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out, StartsWith("1 admission since 2026-11-16T12:00:00Z: 0 the same, 1 cannot be told (1 of them might be denied that "
                                  "were not)\n"));
  EXPECT_THAT(ran.out, HasSubstr("premium-sku  Allowed  Denied?   1"));
  EXPECT_THAT(ran.out, HasSubstr("\nNot exact, because\n  premium-sku was not judged then, or by another definition or other parameters (1 "
                                 "admission)\n"));
}

TEST_F(AuditReplayTest, AnInventoryAnswersWhatRecordsLackAndIsNamed) {
  Keep({Admit(kAudit, support::kCompliantImage)});
  nlohmann::json known = CompliantRegistry("compliant");
  const auto record = nlohmann::json::parse(Admit(kAudit, support::kCompliantImage).json);
  known["id"] = record["images"][0]["resourceId"];
  folder_.Write("registries.json", nlohmann::json::array({known}).dump());
  AuditReplayArguments arguments = With("more.yaml");
  arguments.inputs.registries = folder_ / "registries.json";
  Ran ran = Run(arguments);
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("1 admission since 2026-11-16T12:00:00Z: 1 the same; 1 of all are not exact, but by what is known of the "
                                  "registries now\n"));
  known["sku"]["name"] = "Basic";
  folder_.Write("registries.json", nlohmann::json::array({known}).dump());
  ran = Run(arguments);
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out, HasSubstr("premium-sku  Allowed  Denied (now)  1"));
}

TEST_F(AuditReplayTest, LooksAtTheTimeAndNamespaceThatIsAskedFor) {
  Keep({Admit(kAudit, support::kNonCompliantImage, 24h * 8), Admit(kAudit, support::kNonCompliantImage, 48h),
        Admit(kAudit, support::kNonCompliantImage, 47h, "shop-2"), Admit(kAudit, support::kNonCompliantImage, 1h, "pay")});
  const auto denied = [&](AuditReplayArguments arguments) {
    arguments.output = OutputFormat::kJson;
    const auto from_database = nlohmann::json::parse(Run(arguments).out)["changes"]["denied"];
    arguments.database.clear();
    arguments.records = "-";
    EXPECT_EQ(nlohmann::json::parse(Run(arguments, lines_).out)["changes"]["denied"], from_database);
    return from_database.get<int>();
  };
  AuditReplayArguments arguments = With("deny.yaml");
  EXPECT_EQ(denied(arguments), 3) << "seven days by default";
  arguments.since = "9d";
  EXPECT_EQ(denied(arguments), 4);
  arguments.until = "48h";
  EXPECT_EQ(denied(arguments), 1) << "until is exclusive";
  arguments.since = "48h";
  arguments.until.clear();
  EXPECT_EQ(denied(arguments), 3) << "since is inclusive";
  arguments.namespace_name = "shop";
  EXPECT_EQ(denied(arguments), 1);
  arguments.namespace_name = "shop*";
  EXPECT_EQ(denied(arguments), 2);
}

TEST_F(AuditReplayTest, LooksAtTheClusterThatIsAskedFor) {
  Keep({Admit(kAudit, support::kCompliantImage, 1h, "shop", "dev"), Admit(kAudit, support::kNonCompliantImage, 1h, "shop", "weu"),
        Admit(kAudit, support::kNonCompliantImage)});
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.cluster = "dev";
  constexpr const char* kOne = "1 admission since 2026-11-16T12:00:00Z in cluster dev: 1 the same\n";
  EXPECT_EQ(Run(arguments).out, kOne);
  AuditReplayArguments lines = With("deny.yaml");
  lines.database.clear();
  lines.records = "-";
  lines.cluster = "dev";
  EXPECT_EQ(Run(lines, lines_).out, kOne);
  for (const char* all : {"*", ""}) {
    arguments.cluster = all;
    EXPECT_THAT(Run(arguments).out, StartsWith("3 admissions since 2026-11-16T12:00:00Z: 1 the same, 2 would be denied"));
  }
}

TEST_F(AuditReplayTest, OverPostgresqlAPolicyIsTriedOnItsOwnCluster) {
  const std::string postgresql = "audit: {postgresql: {host: /nowhere, database: a, user: u}}\n";
  const std::string needed = "tls: {certificate: a, key: b}\ninventory: {source: file, file: r.json}\n";
  folder_.Write("named.yaml", needed + postgresql + "cluster: weu\n");
  folder_.Write("nameless.yaml", needed + postgresql);
  folder_.Write("local.yaml", needed + "cluster: weu\n");
  EXPECT_EQ(ClusterOfPolicy(folder_ / "named.yaml"), "weu");
  EXPECT_EQ(ClusterOfPolicy(folder_ / "local.yaml"), "") << "a replica's log is all its own";
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.database.clear();
  arguments.inputs.config = folder_ / "nameless.yaml";
  const Ran ran = Run(arguments);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("nameless.yaml: names no cluster, and a policy is of one"));
  EXPECT_THAT(ran.err, HasSubstr("--cluster '*' for all"));
}

TEST_F(AuditReplayTest, PrintsOneObjectForPrograms) {
  Keep({Admit(kAudit, support::kNonCompliantImage), Admit(kAudit, support::kCompliantImage)});
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.output = OutputFormat::kJson;
  auto object = nlohmann::ordered_json::parse(Run(arguments).out);
  EXPECT_THAT(object["policy"].get<std::string>(), StartsWith("sha256:"));
  object.erase("policy");
  EXPECT_EQ(object, nlohmann::ordered_json::parse(R"({
    "since": "2026-11-16T12:00:00Z", "until": "2026-11-23T12:00:00Z", "admissions": 2, "same": 1,
    "changes": {"denied": 1, "warned": 0, "noLongerDenied": 0, "noLongerWarned": 0, "untold": 0},
    "perhapsDenied": 0, "estimated": 0, "unreadable": 0,
    "registries": [{"value": "open.azurecr.io", "denied": 1, "warned": 0, "noLongerDenied": 0, "noLongerWarned": 0, "untold": 0}],
    "namespaces": [{"value": "shop", "denied": 1, "warned": 0, "noLongerDenied": 0, "noLongerWarned": 0, "untold": 0}],
    "workloads": [{"namespace": "shop", "workload": "Pod/cart", "registry": "open.azurecr.io", "requirement": "private-link",
                   "before": "Allowed", "after": "Denied", "certainty": "Exact", "count": 1,
                   "lastTime": "2026-11-23T11:00:00.000000Z", "lastUid": "u1"}],
    "missing": [], "incomplete": []})"));
}

TEST_F(AuditReplayTest, ARecordThatCannotBeReadIsNotCalledSafe) {
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.database.clear();
  arguments.records = "-";
  const Ran ran =
      Run(arguments, Admit(kAudit, support::kCompliantImage).json + "\n{\"time\":\"2026-11-23T11:00:00.000000Z\",\"uid\":\"cut o\n");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out, StartsWith("1 admission since 2026-11-16T12:00:00Z: 1 the same; 1 record cannot be read\n"));
}

TEST_F(AuditReplayTest, SaysWhenNothingThatWasAllowedIsOnRecord) {
  Keep({Admit(kDeny, support::kNonCompliantImage)});
  const Ran ran = Run(With("audit.yaml"));
  EXPECT_THAT(ran.err, StartsWith("note: no allowed admission is on record in this time."));
  EXPECT_EQ(ran.exit, 0);
}

TEST_F(AuditReplayTest, TakesFurtherDefinitions) {
  Keep({Admit(kAudit, support::kCompliantImage)});
  folder_.Write("own.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: own}]\n");
  EXPECT_EQ(Run(With("own.yaml")).exit, 2);
  AuditReplayArguments arguments = With("own.yaml");
  arguments.inputs.definitions = std::filesystem::path(folder_ / "x").parent_path() / "definitions";
  std::filesystem::create_directory(arguments.inputs.definitions);
  folder_.Write(
      "definitions/own.json",
      R"({"name": "own", "policyRule": {"if": {"field": "name", "equals": "never"}, "then": {"effect": "deny"}}, "mode": "All"})");
  const Ran ran = Run(arguments);
  EXPECT_EQ(ran.exit, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("own was not judged then"));
}

TEST_F(AuditReplayTest, WhatCannotBeReadIsAnError) {
  Keep({Admit(kAudit, support::kCompliantImage)});
  const auto error_of = [&](const AuditReplayArguments& arguments) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_THAT(ran.out, IsEmpty());
    return ran.err;
  };
  EXPECT_THAT(error_of(With("none.yaml")), HasSubstr("none.yaml"));
  folder_.Write("bad.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirement: []\n");
  EXPECT_THAT(error_of(With("bad.yaml")), HasSubstr("bad.yaml:3:1"));
  AuditReplayArguments arguments = With("deny.yaml");
  arguments.since = "tomorrow";
  EXPECT_THAT(error_of(arguments), StartsWith("--since tomorrow: is no time"));
  arguments = With("deny.yaml");
  arguments.database = folder_ / "none.db";
  EXPECT_THAT(error_of(arguments), HasSubstr("none.db"));
  arguments.database.clear();
  arguments.records = folder_ / "none.log";
  EXPECT_THAT(error_of(arguments), StartsWith("--records " + arguments.records + ": cannot be opened"));
}

// A log of which one replica does not answer.
class PartReader : public audit::Reader {
 public:
  explicit PartReader(std::vector<std::string> records) : records_(std::move(records)) {}
  base::Result<audit::Page> Read(const audit::Query& query) override {
    EXPECT_EQ(query.order, audit::Order::kOldestFirst);
    audit::Page page;
    page.next = "end";
    page.incomplete = {{"replica-2", "no answer"}};
    for (std::size_t i = 0; query.cursor.empty() && i < records_.size(); ++i) {
      page.rows.push_back({{}, static_cast<std::int64_t>(i), records_[i]});
    }
    return page;
  }
  base::Result<audit::Summary> Summarise(const audit::Filter&) override { return audit::Summary(); }
  base::Result<std::string> End() override { return "end"; }

 private:
  std::vector<std::string> records_;
};

TEST_F(AuditReplayTest, WhereAReplicaDoesNotAnswerNothingIsCalledSafe) {
  PartReader log({Admit(kAudit, support::kCompliantImage).json});
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunAuditReplay(log, With("deny.yaml"), {in, out, err, Terminal{}}, clock_, NoVariable), 2);
  EXPECT_EQ(err.str(), "incomplete: replica-2: no answer\n");
  EXPECT_THAT(out.str(), StartsWith("1 admission since"));
}

}  // namespace
}  // namespace cli
