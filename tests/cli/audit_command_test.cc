#include "cli/audit_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/store.h"
#include "cli/audit_rows.h"
#include "tests/audit/sample_changes.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace cli {
namespace {

using policy::DecisionKind;
using support::At;
using support::SampleRecord;
using testing::HasSubstr;
using testing::Not;

class AuditCommandTest : public testing::Test {
 protected:
  AuditCommandTest() {
    setenv("TZ", "UTC", 1);
    tzset();
    arguments_.database = database_;
    arguments_.terminal = {.width = 160, .colour = false};
    arguments_.now = At("2026-11-23T13:00:00Z");
    arguments_.wait = [] { return false; };
  }

  void Commit(const SampleRecord& sample) { CommitRecord(sample.Make()); }
  void CommitRecord(const audit::Record& record) { ASSERT_TRUE(store_->Commit({&record, 1})); }

  int Run() {
    out_.str({});
    err_.str({});
    return RunAuditCommand(arguments_, out_, err_);
  }

  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<audit::Store> store_ = support::OpenStore({.database = database_}, clock_);
  AuditArguments arguments_;
  std::ostringstream out_, err_;
};

TEST_F(AuditCommandTest, TableShowsWhoWhatAndWhy) {
  Commit({.uid = "1", .user = "system:serviceaccount:kube-system:replicaset-controller"});
  Commit({.uid = "2", .decision = DecisionKind::kAllowed, .namespace_name = "bank", .name = "teller", .result = "Compliant"});
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(
      out_.str(),
      "TIME                 DECISION  NAMESPACE/NAME  USER                               IMAGE                             WHY\n"
      "2026-11-23 12:00:00  Allowed   bank/teller     anna                               contoso.azurecr.io/shop/cart:1.4\n"
      "2026-11-23 12:00:00  Denied    shop/cart       kube-system:replicaset-controller  contoso.azurecr.io/shop/cart:1.4  private-link\n");
}

TEST_F(AuditCommandTest, ShowsVerdictsThatTurnedBetweenAdmissions) {
  Commit({.uid = "1"});
  CommitRecord(support::ChangeAt(At("2026-11-23T12:10:00Z")));
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\n2026-11-23 12:10:00  VerdictChanged                        contoso.azurecr.io                "
                                    "public-network-access-disabled: Compliant -> NonCompliant, "));
  EXPECT_LT(out_.str().find("VerdictChanged"), out_.str().find("Denied"));

  arguments_.terminal = {.width = 400, .colour = false, .unicode = true};
  arguments_.filter.decision = "verdictchanged";
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("public-network-access-disabled: Compliant → NonCompliant, publicNetworkAccess: \"Enabled\" (wanted "
                                    "Disabled)\n"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("Denied")));

  arguments_.filter.decision.clear();
  arguments_.filter.registry = "contoso.azurecr.io";
  arguments_.output = AuditOutput::kCsv;
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(),
              HasSubstr(",VerdictChanged,false,,,,,,,\"public-network-access-disabled of contoso.azurecr.io: Compliant → NonCompliant, "
                        "publicNetworkAccess: \"\"Enabled\"\" (wanted Disabled)\"\r\n"));
  EXPECT_THAT(out_.str(), HasSubstr(",Denied,"));

  arguments_.filter.registry.clear();
  arguments_.filter.namespace_name = "shop";
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), Not(HasSubstr("VerdictChanged")));
}

TEST_F(AuditCommandTest, FollowsVerdictsThatTurn) {
  arguments_.follow = true;
  arguments_.output = AuditOutput::kJsonLines;
  int waits = 0;
  arguments_.wait = [&] {
    CommitRecord(support::ChangeAt(At("2026-11-23T12:10:00Z")));
    return ++waits == 1;
  };
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(), support::ChangeAt(At("2026-11-23T12:10:00Z")).json + "\n");
}

TEST_F(AuditCommandTest, TableFitsTheTerminal) {
  Commit({.namespace_name = std::string(200, 'n'), .user = std::string(200, 'u'), .image = std::string(200, 'i')});
  arguments_.terminal.width = 80;
  for (const bool follow : {false, true}) {
    arguments_.follow = follow;
    arguments_.filter.since = "7d";
    ASSERT_EQ(Run(), 0) << err_.str();
    std::istringstream lines(out_.str());
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
      EXPECT_LE(width, 80) << line;
    }
    EXPECT_EQ(count, 2);
  }
}

TEST_F(AuditCommandTest, NothingThatMatchesIsNoError) {
  arguments_.output = AuditOutput::kJson;
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str()), nlohmann::json::array());
  arguments_.output = AuditOutput::kJsonLines;
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(AuditCommandTest, JsonIsOneArrayOfTheStoredRecordsAndJsonlOneALine) {
  Commit({.uid = "1"});
  Commit({.uid = "2"});
  const std::string first = SampleRecord{.uid = "1"}.Make().json;
  const std::string second = SampleRecord{.uid = "2"}.Make().json;
  arguments_.output = AuditOutput::kJson;
  ASSERT_EQ(Run(), 0);
  EXPECT_EQ(out_.str(), "[\n" + second + ",\n" + first + "\n]\n");
  arguments_.output = AuditOutput::kJsonLines;
  ASSERT_EQ(Run(), 0);
  EXPECT_EQ(out_.str(), second + "\n" + first + "\n");
}

TEST_F(AuditCommandTest, CsvIsQuotedAndHoldsNoFormula) {
  Commit({.uid = "=HYPERLINK(\"http://evil\")", .namespace_name = "a,b", .name = "@x", .user = "line\r\nbreak", .image = "-1"});
  arguments_.output = AuditOutput::kCsv;
  ASSERT_EQ(Run(), 0);
  EXPECT_EQ(out_.str(),
            "time,uid,decision,dryRun,operation,kind,namespace,name,user,images,why\r\n"
            "2026-11-23T12:00:00.000000Z,\"'=HYPERLINK(\"\"http://"
            "evil\"\")\",Denied,false,CREATE,Pod,\"a,b\",'@x,\"line\r\nbreak\",'-1,private-link\r\n");
}

TEST_F(AuditCommandTest, FiltersReachTheQuery) {
  Commit({.uid = "old", .time = At("2026-11-23T10:00:00Z")});
  Commit({.uid = "1", .decision = DecisionKind::kAllowed, .time = At("2026-11-23T12:30:00Z")});
  Commit({.uid = "2",
          .namespace_name = "bank",
          .user = "bert",
          .image = "quay.io/a:1",
          .registry = "quay.io",
          .time = At("2026-11-23T12:40:00Z")});
  arguments_.output = AuditOutput::kJsonLines;
  const auto uids = [&](const std::function<void(AuditArguments&)>& change) {
    const AuditArguments before = arguments_;
    change(arguments_);
    EXPECT_EQ(Run(), 0) << err_.str();
    arguments_ = before;
    std::string found;
    std::istringstream lines(out_.str());
    for (std::string line; std::getline(lines, line);) {
      found += nlohmann::json::parse(line)["uid"].get<std::string>() + " ";
    }
    return found;
  };
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.since = "1h"; }), "2 1 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.until = "2026-11-23T12:30:00Z"; }), "old ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.since = "2026-11-23"; }), "2 1 old ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.decision = "denied"; }), "2 old ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.namespace_name = "bank"; }), "2 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.registry = "quay.io"; }), "2 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.image = "quay.io/*"; }), "2 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.user = "bert"; }), "2 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.uid = "1"; }), "1 ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.cluster = "weu"; }), "");
  EXPECT_EQ(uids([](AuditArguments& a) { a.filter.cluster = "*"; }), "2 1 old ");
  EXPECT_EQ(uids([](AuditArguments& a) { a.limit = 1; }), "2 ");
}

TEST_F(AuditCommandTest, AMissingDatabaseEndsWithTwoAndItsName) {
  for (const AuditOutput output : {AuditOutput::kTable, AuditOutput::kJson, AuditOutput::kJsonLines, AuditOutput::kCsv}) {
    arguments_.output = output;
    arguments_.database = "/nowhere/audit.db";
    EXPECT_EQ(Run(), 2);
    EXPECT_EQ(out_.str(), "");
    EXPECT_THAT(err_.str(), HasSubstr("/nowhere/audit.db"));
  }
}

TEST_F(AuditCommandTest, WrongArgumentsEndWithTwoAndWhatWasExpected) {
  const auto error = [&](const std::function<void(AuditArguments&)>& change) {
    const AuditArguments before = arguments_;
    change(arguments_);
    EXPECT_EQ(Run(), 2);
    EXPECT_EQ(out_.str(), "");
    arguments_ = before;
    return err_.str();
  };
  EXPECT_THAT(error([](AuditArguments& a) { a.filter.since = "tomorrow"; }), HasSubstr("--since tomorrow"));
  EXPECT_THAT(error([](AuditArguments& a) { a.filter.until = "1x"; }), HasSubstr("--until 1x"));
  EXPECT_THAT(error([](AuditArguments& a) { a.filter.decision = "No"; }), HasSubstr("Allowed, Warned, Denied or VerdictChanged"));
  EXPECT_THAT(error([](AuditArguments& a) { a.limit = 0; }), HasSubstr("--limit 0"));
  EXPECT_THAT(error([](AuditArguments& a) { a.config = "x.yaml"; }), HasSubstr("--config"));
  for (const AuditOutput output : {AuditOutput::kJson, AuditOutput::kCsv}) {
    EXPECT_THAT(error([&](AuditArguments& a) {
                  a.follow = true;
                  a.output = output;
                }),
                HasSubstr("--follow"));
  }
}

TEST_F(AuditCommandTest, FollowShowsWhatIsCommittedFromNowOn) {
  Commit({.uid = "before"});
  arguments_.follow = true;
  arguments_.output = AuditOutput::kJsonLines;
  arguments_.filter.namespace_name = "shop";
  int waits = 0;
  arguments_.wait = [&] {
    switch (++waits) {
      case 1:
        Commit({.uid = "1"});
        Commit({.uid = "elsewhere", .namespace_name = "bank"});
        return true;
      case 2:
        Commit({.uid = "2"});
        return true;
      case 3:
        return true;
      default:
        return false;
    }
  };
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(), SampleRecord{.uid = "1"}.Make().json + "\n" + SampleRecord{.uid = "2"}.Make().json + "\n");
}

TEST_F(AuditCommandTest, FollowWithSinceBeginsWithWhatIsThereOldestFirstAndEndsAtTheLimit) {
  Commit({.uid = "old", .time = At("2026-11-20T00:00:00Z")});
  Commit({.uid = "1"});
  Commit({.uid = "2"});
  arguments_.follow = true;
  arguments_.output = AuditOutput::kJsonLines;
  arguments_.filter.since = "2h";
  arguments_.limit = 3;
  arguments_.wait = [&] {
    Commit({.uid = "3"});
    Commit({.uid = "4"});
    return true;
  };
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"1\""));
  EXPECT_LT(out_.str().find("\"1\""), out_.str().find("\"3\""));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\"4\"")));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\"old\"")));
}

TEST_F(AuditCommandTest, FollowGoesOnWithTheLogThatTakesADamagedOnesPlace) {
  Commit({.uid = "1"});
  arguments_.follow = true;
  arguments_.output = AuditOutput::kJsonLines;
  int waits = 0;
  arguments_.wait = [&] {
    switch (++waits) {
      case 1:
        store_.reset();
        for (const char* suffix : {"", "-wal", "-shm"}) {
          std::filesystem::remove(database_ + suffix);
        }
        return true;  // nothing there
      case 2:
        store_ = support::OpenStore({.database = database_}, clock_);
        Commit({.uid = "2"});
        return true;
      case 3:
        Commit({.uid = "3"});
        return true;
      default:
        return false;
    }
  };
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(), SampleRecord{.uid = "2"}.Make().json + "\n" + SampleRecord{.uid = "3"}.Make().json + "\n");
  EXPECT_THAT(err_.str(), HasSubstr("replaced"));
}

TEST_F(AuditCommandTest, FollowEndsWhereTheLogStaysAway) {
  arguments_.follow = true;
  int waits = 0;
  arguments_.wait = [&] {
    ++waits;
    store_.reset();
    std::filesystem::remove(database_);
    return true;
  };
  EXPECT_EQ(Run(), 2);
  EXPECT_THAT(err_.str(), HasSubstr(database_));
  EXPECT_GT(waits, 2);
}

TEST_F(AuditCommandTest, ALimitBeyondAPageIsKept) {
  const std::vector<audit::Record> records(2500, SampleRecord().Make());
  ASSERT_TRUE(store_->Commit(records));
  arguments_.output = AuditOutput::kJsonLines;
  for (const std::int64_t limit : {2200, 9000}) {
    arguments_.limit = limit;
    ASSERT_EQ(Run(), 0) << err_.str();
    const std::string text = out_.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), std::min<std::int64_t>(limit, 2500));
  }
}

// Answers one page after the other, whatever it is asked.
class PagesReader final : public audit::Reader {
 public:
  explicit PagesReader(std::vector<audit::Page> pages) : pages_(std::move(pages)) {}
  base::Result<audit::Page> Read(const audit::Query&) override {
    audit::Page page = pages_.front();
    pages_.erase(pages_.begin());
    return page;
  }
  base::Result<audit::Summary> Summarise(const audit::Filter&) override { return audit::Summary(); }
  base::Result<std::string> End() override { return std::string("end"); }

 private:
  std::vector<audit::Page> pages_;
};

TEST_F(AuditCommandTest, ReplicasThatDoNotAnswerAreNamedOnStandardErrorOnce) {
  const std::string record = SampleRecord().Make().json;
  PagesReader log({{.rows = {{{}, 1, record}}, .next = "2", .incomplete = {{"10.0.0.7:8443", "connection\nrefused"}}},
                   {.rows = {{{}, 2, record}}, .next = "", .incomplete = {{"10.0.0.7:8443", "connection refused"}, {"b", "away"}}}});
  arguments_.output = AuditOutput::kJson;
  EXPECT_EQ(RunAuditQuery(log, arguments_, out_, err_), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str()).size(), 2U);
  EXPECT_EQ(err_.str(), "incomplete: 10.0.0.7:8443: connection?refused\nincomplete: b: away\n");
}

TEST(AuditRow, PutsTheImageThatWeighsMostFirst) {
  const AuditRow row = ReadAuditRow(R"({"decision":"Denied","images":[
    {"image":"a","findings":[{"requirement":"r1","result":"NonCompliant","effect":"Audit"}]},
    {"image":"b","findings":[{"requirement":"r1","result":"Compliant","effect":"Deny"},{"requirement":"r2","result":"Unknown","effect":"Deny"},
                             {"requirement":"r3","result":"NonCompliant","effect":"Warn"},{"requirement":"r4","result":"NonCompliant","effect":"Deny"}]}]})");
  EXPECT_THAT(row.images, testing::ElementsAre("b", "a"));
  EXPECT_EQ(row.why, "r2 (Unknown), r4");
}

TEST(AuditRow, ShowsTheFailureWhereThereIsOne) {
  EXPECT_EQ(ReadAuditRow(R"({"failure":"spec.containers: expected an array","images":[]})").why, "spec.containers: expected an array");
}

TEST(AuditRow, SaysWhenARecordCannotBeRead) {
  const AuditRow gone = ReadAuditRow(
      R"({"decision":"VerdictChanged","registry":"contoso.azurecr.io","requirement":"unknownRegistry","before":{"result":"Compliant"},)"
      R"("after":{"result":"Unknown","evidence":[7],"reason":"the registry is gone"}})");
  EXPECT_EQ(gone.change, "Compliant → Unknown, the registry is gone");
  EXPECT_EQ(gone.registry, "contoso.azurecr.io");
  EXPECT_EQ(ReadAuditRow(R"({"decision":"VerdictChanged","before":7,"after":[]})").change, " → ");
  EXPECT_EQ(ReadAuditRow("{").why, "the record cannot be read");
  EXPECT_EQ(ReadAuditRow("[]").why, "the record cannot be read");
  EXPECT_EQ(ReadAuditRow(R"({"images":7,"resource":[],"uid":{}})").uid, "");
}

}  // namespace
}  // namespace cli
