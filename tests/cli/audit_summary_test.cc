#include "cli/audit_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/store.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace cli {
namespace {

using policy::DecisionKind;
using support::At;
using support::SampleRecord;
using testing::HasSubstr;
using testing::Not;

class AuditSummaryTest : public testing::Test {
 protected:
  AuditSummaryTest() {
    setenv("TZ", "UTC", 1);
    tzset();
    arguments_.database = database_;
  }

  void Commit(const SampleRecord& sample, int count = 1) {
    const std::vector<audit::Record> records(static_cast<std::size_t>(count), sample.Make());
    ASSERT_TRUE(store_->Commit(records));
  }

  Streams MakeStreams() {
    out_.str({});
    err_.str({});
    return {in_, out_, err_, terminal_};
  }
  int Run() { return RunAuditSummary(arguments_, MakeStreams(), clock_); }

  support::FakeClock clock_{At("2026-11-23T13:00:00Z")};
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<audit::Store> store_ = support::OpenStore({.database = database_}, clock_);
  AuditSummaryArguments arguments_;
  Terminal terminal_{.width = 60, .colour = false, .unicode = false};
  std::istringstream in_;
  std::ostringstream out_, err_;
};

TEST_F(AuditSummaryTest, HasNoDecisionThatIsNone) {
  arguments_.filter.decision = "VerdictChanged";
  EXPECT_EQ(Run(), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("a summary counts admissions"));
}

TEST_F(AuditSummaryTest, CountsOverTimeAndByWhatItWasFor) {
  Commit({.decision = DecisionKind::kAllowed, .time = At("2026-11-23T10:10:00Z")}, 7);
  Commit({.namespace_name = "bank", .user = "bert", .time = At("2026-11-23T10:20:00Z")}, 4);
  Commit({.decision = DecisionKind::kWarned, .requirement = "restricted-network", .time = At("2026-11-23T12:20:00Z")}, 2);
  Commit({.time = At("2026-11-23T12:30:00Z")}, 2);
  Commit({.time = At("2026-11-20T12:30:00Z")}, 50);
  arguments_.filter.since = "3h";
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(),
            "15 admissions since 2026-11-23 10:00:00: 6 denied, 2 warned about, 7 allowed\n"
            "\n"
            "TIME              DENIED  WARNED  ALLOWED\n"
            "2026-11-23 10:00       4       0        7  #################\n"
            "2026-11-23 11:00       0       0        0\n"
            "2026-11-23 12:00       2       2        0  #########\n"
            "\n"
            "REGISTRY            DENIED  WARNED\n"
            "contoso.azurecr.io       6       2  ########################\n"
            "\n"
            "REQUIREMENT         DENIED  WARNED\n"
            "private-link             6       0  ########################\n"
            "restricted-network       0       2\n"
            "\n"
            "NAMESPACE  DENIED  WARNED\n"
            "bank            4       0  #################################\n"
            "shop            2       2  #################\n"
            "\n"
            "USER  DENIED  WARNED\n"
            "bert       4       0  ######################################\n"
            "anna       2       2  ###################\n");
}

TEST_F(AuditSummaryTest, AMonthIsShownByDaysAndFitsTheTerminal) {
  for (int day = 1; day <= 22; ++day) {
    Commit({.namespace_name = std::string(200, 'n'), .time = At("2026-11-01T05:00:00Z") + std::chrono::hours(24 * day)});
  }
  arguments_.filter.since = "30d";
  for (const bool unicode : {false, true}) {
    terminal_.unicode = unicode;
    ASSERT_EQ(Run(), 0) << err_.str();
    std::istringstream lines(out_.str());
    int days = 0;
    for (std::string line; std::getline(lines, line);) {
      const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
      EXPECT_LE(width, line.find("admissions") != std::string::npos ? 100 : 60) << line;
      days += line.starts_with("2026-1") ? 1 : 0;
    }
    EXPECT_EQ(days, 31);
    EXPECT_EQ(out_.str().find("█") != std::string::npos, unicode);
  }
}

TEST_F(AuditSummaryTest, WhatIsBeyondTheLimitIsCountedTogether) {
  for (int i = 0; i < 5; ++i) {
    Commit({.namespace_name = "n" + std::to_string(i), .time = clock_.Now() - std::chrono::hours(1)}, 10 - i);
  }
  arguments_.limit = 3;
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\nn2              8"));
  EXPECT_THAT(out_.str(), HasSubstr("\n(other)        13"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\nn3")));
}

TEST_F(AuditSummaryTest, JsonIsOneObject) {
  Commit({.time = At("2026-11-23T12:30:00Z")}, 2);
  arguments_.output = OutputFormat::kJson;
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(nlohmann::json::parse(out_.str()),
            nlohmann::json::parse(R"({"hours":[{"begin":"2026-11-23T12:00:00Z","allowed":0,"warned":0,"denied":2}],
              "registries":[{"value":"contoso.azurecr.io","warned":0,"denied":2}],
              "requirements":[{"value":"private-link","warned":0,"denied":2}],
              "namespaces":[{"value":"shop","warned":0,"denied":2}],"users":[{"value":"anna","warned":0,"denied":2}],"incomplete":[]})"));
}

TEST_F(AuditSummaryTest, NothingIsNoError) {
  EXPECT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(), "0 admissions since 2026-11-22 13:00:00: 0 denied, 0 warned about, 0 allowed\n");
}

TEST_F(AuditSummaryTest, WrongArgumentsAndAMissingLogEndWithTwo) {
  arguments_.limit = 0;
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--limit 0"));
  arguments_.limit = 1;
  arguments_.filter.since = "tomorrow";
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--since tomorrow"));
  arguments_.filter.since = "1h";
  arguments_.database = "/nowhere/audit.db";
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/audit.db"));
  EXPECT_EQ(out_.str(), "");
}

class AnsweringReader final : public audit::Reader {
 public:
  explicit AnsweringReader(audit::Summary summary) : summary_(std::move(summary)) {}
  base::Result<audit::Page> Read(const audit::Query&) override { return audit::Page(); }
  base::Result<audit::Summary> Summarise(const audit::Filter&) override { return summary_; }
  base::Result<std::string> End() override { return std::string("end"); }

 private:
  audit::Summary summary_;
};

TEST_F(AuditSummaryTest, ReplicasThatDidNotAnswerAreNamed) {
  audit::Summary summary;
  summary.incomplete = {{"10.0.0.7:8443", "connection\x1b refused"}};
  summary.by_user = {{"evil\x1b[2J", {.denied = 1}}};
  AnsweringReader log(summary);
  EXPECT_EQ(SummariseLog(log, arguments_, MakeStreams(), clock_), 0);
  EXPECT_EQ(err_.str(), "incomplete: 10.0.0.7:8443: connection? refused\n");
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace cli
