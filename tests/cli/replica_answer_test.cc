#include "cli/replica_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/record.h"

namespace cli {
namespace {

using audit::Order;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kLog = "9d4a99365aa2bb4471e064a14d410e58";
const std::string kOtherLog = "00000000000000000000000000000001";

std::string RecordOf(const std::string& rest, const std::string& time = "2026-11-23T12:00:00.000001Z") {
  return R"({"time":")" + time + R"(",)" + rest + "}";
}

std::string PageText(const std::string& decisions, const std::string& next, const std::string& sequences, const std::string& log = kLog) {
  return R"({"decisions":[)" + decisions + R"(],"next":)" + next + R"(,"incomplete":[],"log":")" + log + R"(","sequences":[)" + sequences +
         "]}\n";
}

AskedPage Asked(Order order = Order::kNewestFirst, std::int64_t limit = 10) { return {order, "", std::nullopt, limit}; }

// Why the answer is refused; "" when it is not.
std::string Refused(const std::string& body, const AskedPage& asked = Asked()) {
  const auto page = ReadReplicaPage(body, asked);
  return page ? "" : page.error().message;
}

TEST(ReadReplicaPage, TakesRecordsByteByByte) {
  // Escapes, numbers and the order of keys stay as they were written.
  const std::string first = RecordOf(R"("uid":"\u00e4\/ü","n":1.50e+3,"a":{"}":["]"]})");
  const std::string second = RecordOf(R"("uid":"b")", "2026-11-23T11:00:00.000000Z");
  const auto page = ReadReplicaPage(PageText(first + "," + second, "\"" + kLog + ".7\"", "12,7"), Asked());
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->rows.size(), 2U);
  EXPECT_EQ(page->log, kLog);
  EXPECT_EQ(page->rows[0].record, first);
  EXPECT_EQ(page->rows[0].sequence, 12);
  EXPECT_EQ(page->rows[0].time, base::ParseTime("2026-11-23T12:00:00.000001Z").value());
  EXPECT_EQ(page->rows[1].record, second);
  EXPECT_EQ(page->end, 7);
  EXPECT_TRUE(page->more);
}

TEST(ReadReplicaPage, NewestFirstALogEnds) {
  const auto page = ReadReplicaPage(PageText("", "null", ""), Asked());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->rows, IsEmpty());
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->end, 0);
}

TEST(ReadReplicaPage, OldestFirstThereMayBeMoreBehindAFullPageOnly) {
  const std::string next = "\"" + kLog + ".90\"";
  const auto some = ReadReplicaPage(PageText(RecordOf("\"a\":1"), next, "3"), Asked(Order::kOldestFirst, 2));
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_FALSE(some->more);
  EXPECT_EQ(some->end, 90);  // what did not match is behind it, too
  const auto full = ReadReplicaPage(PageText(RecordOf("\"a\":1"), next, "3"), Asked(Order::kOldestFirst, 1));
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_TRUE(full->more);
  const auto none = ReadReplicaPage(PageText("", next, ""), Asked(Order::kOldestFirst, 1));
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(none->more);
}

TEST(ReadReplicaPage, SkipsKeysOfLaterVersions) {
  const std::string body =
      R"({"new":{"a":[1,2]},"decisions":[],"next":null,"incomplete":[],"log":")" + kLog + R"(","sequences":[],"z":"y"})";
  EXPECT_EQ(Refused(body), "");
}

TEST(ReadReplicaPage, AnotherLogIsToldApart) {
  AskedPage asked = Asked();
  asked.log = kOtherLog;
  const auto page = ReadReplicaPage(PageText("", "null", ""), asked);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, base::ErrorCode::kNotFound);
}

TEST(ReadReplicaPage, WhatIsNoPageIsRefused) {
  const std::string record = RecordOf("\"a\":1");
  const std::string next = "\"" + kLog + ".1\"";
  for (const std::string& body :
       {std::string(),
        std::string("nonsense"),
        std::string("[]"),
        std::string("{}"),
        std::string("null"),
        std::string("<html></html>"),
        PageText(record, "null", "1").substr(0, 60),
        PageText(record, "null", "1") + "x",
        PageText(record, "null", "1") + "{}",
        PageText("7", "null", "1"),
        PageText("\"text\"", "null", "1"),
        PageText("[]", "null", "1"),
        PageText(record, "7", "1"),
        PageText(record, "null", "\"1\""),
        PageText(record, "null", "-1"),
        PageText(record, "null", "1.5"),
        PageText(record, "null", "9223372036854775808"),
        std::string(R"({"decisions":{},"next":null,"log":")" + kLog + R"(","sequences":[]})"),
        std::string(R"({"decisions":[],"decisions":[],"next":null,"log":")" + kLog + R"(","sequences":[]})"),
        std::string(R"({"decisions":[],"next":null,"sequences":[]})"),
        std::string(R"({"decisions":[],"log":")" + kLog + R"(","sequences":[]})"),
        std::string(R"({"decisions":[],"next":null,"log":")" + kLog + "\"}"),
        std::string(R"({"next":null,"log":")" + kLog + R"(","sequences":[]})"),
        std::string("{\"decisions\":[],\"next\":null,\"log\":\"") + kLog + "\",\"sequences\":[],\"x\":\"\xff\"}"}) {
    EXPECT_THAT(Refused(body), HasSubstr("not understood")) << body;
  }
}

TEST(ReadReplicaPage, NoRecordIsTakenThatIsNone) {
  EXPECT_THAT(Refused(PageText("{\"uid\":\"a\"}", "null", "1")), HasSubstr("begin with its time"));
  EXPECT_THAT(Refused(PageText("{}", "null", "1")), HasSubstr("begin with its time"));
  EXPECT_THAT(Refused(PageText(RecordOf("\"a\":1", "yesterday"), "null", "1")), HasSubstr("begin with its time"));
  EXPECT_THAT(Refused(PageText(RecordOf("\"a\":\n1"), "null", "1")), HasSubstr("one line"));
  // Inside of a record, where only brackets are matched at first.
  EXPECT_THAT(Refused(PageText(RecordOf("\"a\":nonsense"), "null", "1")), HasSubstr("no JSON"));
  EXPECT_THAT(Refused(PageText(RecordOf("\"a\" 1"), "null", "1")), HasSubstr("no JSON"));
  EXPECT_THAT(Refused(PageText(RecordOf("\"a\":" + std::string(2000, '[') + std::string(2000, ']')), "null", "1")), HasSubstr("no JSON"));
}

TEST(ReadReplicaPage, ARecordIsNoLongerThanRecordsAre) {
  const std::string frame = RecordOf("\"a\":\"\"");
  const auto of_size = [&](std::size_t size) { return RecordOf("\"a\":\"" + std::string(size - frame.size(), 'x') + "\""); };
  EXPECT_EQ(Refused(PageText(of_size(audit::kMaxRecordBytes), "null", "1")), "");
  EXPECT_THAT(Refused(PageText(of_size(audit::kMaxRecordBytes + 1), "null", "1")), HasSubstr("too long"));
}

TEST(ReadReplicaPage, NoMoreAreTakenThanWereAskedFor) {
  const std::string record = RecordOf("\"a\":1");
  EXPECT_THAT(Refused(PageText(record + "," + record, "null", "2,1"), Asked(Order::kNewestFirst, 1)), HasSubstr("more decisions"));
  EXPECT_THAT(Refused(PageText(record, "null", "2,1")), HasSubstr("as many sequences"));
  EXPECT_THAT(Refused(PageText(record, "null", "")), HasSubstr("as many sequences"));
}

TEST(ReadReplicaPage, RowsMustLeadOnFromThePlace) {
  const std::string two = RecordOf("\"a\":1") + "," + RecordOf("\"a\":2");
  AskedPage newest = {Order::kNewestFirst, kLog, 10, 5};
  EXPECT_EQ(Refused(PageText(two, "null", "9,8"), newest), "");
  EXPECT_THAT(Refused(PageText(two, "null", "10,8"), newest), HasSubstr("order"));  // it has been handed out
  EXPECT_THAT(Refused(PageText(two, "null", "8,9"), newest), HasSubstr("order"));
  EXPECT_THAT(Refused(PageText(two, "null", "8,8"), newest), HasSubstr("order"));
  EXPECT_THAT(Refused(PageText(two, "null", "1,0"), newest), HasSubstr("order"));
  AskedPage oldest = {Order::kOldestFirst, kLog, 10, 5};
  const std::string next = "\"" + kLog + ".12\"";
  EXPECT_EQ(Refused(PageText(two, next, "11,12"), oldest), "");
  EXPECT_THAT(Refused(PageText(two, next, "10,12"), oldest), HasSubstr("order"));
  EXPECT_THAT(Refused(PageText(two, next, "12,11"), oldest), HasSubstr("order"));
  EXPECT_THAT(Refused(PageText(two, next, "11,9223372036854775807"), oldest), HasSubstr("order"));
}

TEST(ReadReplicaPage, NextMustLeadOn) {
  const std::string record = RecordOf("\"a\":1");
  const auto next = [](const std::string& text) { return "\"" + text + "\""; };
  EXPECT_THAT(Refused(PageText(record, next(kLog + ".9"), "8")), HasSubstr("lead on"));
  EXPECT_THAT(Refused(PageText("", next(kLog + ".9"), "")), HasSubstr("from nothing"));
  for (const std::string& text :
       {kOtherLog + ".8", kLog, std::string("x"), kLog + ".8," + kOtherLog + ".1", "-" + kLog + ".8", kLog + ".8,t.1"}) {
    EXPECT_THAT(Refused(PageText(record, next(text), "8")), HasSubstr("no cursor")) << text;
  }
  EXPECT_THAT(Refused(PageText(record, next(kLog + ".7"), "8"), Asked(Order::kOldestFirst)), HasSubstr("lead on"));
  EXPECT_THAT(Refused(PageText(record, "null", "8"), Asked(Order::kOldestFirst)), HasSubstr("no cursor"));
}

TEST(ReadReplicaPage, ALogHasAName) {
  for (const std::string& log :
       {std::string(), std::string("x"), kLog + kLog, std::string(32, 'G'), "-" + kLog, kLog + ".1," + kOtherLog}) {
    EXPECT_THAT(Refused(PageText("", "null", "", log)), HasSubstr("no name")) << log;
  }
}

// ---- summaries

constexpr const char* kSummary =
    R"({"hours":[{"begin":"2026-11-23T12:00:00Z","allowed":5,"warned":1,"denied":2}],)"
    R"("registries":[{"value":"a.azurecr.io","warned":1,"denied":2}],"requirements":[{"value":"private-link","warned":0,"denied":2}],)"
    R"("namespaces":[{"value":"shop","warned":0,"denied":2}],"users":[],"incomplete":[{"replica":"x","reason":"y"}]})";

TEST(ReadReplicaSummary, IsReadWhole) {
  const auto summary = ReadReplicaSummary(kSummary);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->hours.size(), 1U);
  EXPECT_EQ(summary->hours[0].begin, base::ParseTime("2026-11-23T12:00:00Z").value());
  EXPECT_EQ(summary->hours[0].counts.allowed, 5);
  EXPECT_EQ(summary->hours[0].counts.warned, 1);
  EXPECT_EQ(summary->hours[0].counts.denied, 2);
  ASSERT_EQ(summary->by_registry.size(), 1U);
  EXPECT_EQ(summary->by_registry[0].value, "a.azurecr.io");
  EXPECT_EQ(summary->by_registry[0].counts.warned, 1);
  EXPECT_EQ(summary->by_requirement[0].value, "private-link");
  EXPECT_EQ(summary->by_namespace[0].counts.denied, 2);
  EXPECT_THAT(summary->by_user, IsEmpty());
  EXPECT_THAT(summary->incomplete, IsEmpty());
}

TEST(ReadReplicaSummary, WhatIsNoneIsRefused) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kSummary;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& body :
       {std::string(), std::string("{}"), std::string("[]"), with("\"users\":[],", ""), with("\"hours\":", "\"others\":"),
        with("12:00:00Z", "12:30:00Z"), with("2026-11-23T12:00:00Z", "noon"), with("\"begin\":\"2026-11-23T12:00:00Z\",", ""),
        with("\"allowed\":5", "\"allowed\":-5"), with("\"denied\":2", "\"denied\":2.5"), with("\"value\":\"shop\"", "\"value\":7"),
        with("\"value\":\"shop\",", ""), with("\"users\":[]", "\"users\":{}"), with("\"users\":[]", "\"users\":[],\"users\":[]"),
        with("\"users\":[]", "\"users\":[7]"), std::string(kSummary) + "x"}) {
    const auto summary = ReadReplicaSummary(body);
    EXPECT_FALSE(summary) << body;
  }
}

// ---- refusals

TEST(ReadReplicaError, IsShownInPart) {
  EXPECT_EQ(ReadReplicaError(R"({"error":"no\nway"})"), "no?way");
  EXPECT_EQ(ReadReplicaError("<html>"), "");
  EXPECT_EQ(ReadReplicaError(""), "");
  EXPECT_EQ(ReadReplicaError(R"({"error":7})"), "");
  EXPECT_LE(ReadReplicaError(R"({"error":")" + std::string(10'000, 'x') + "\"}").size(), 310U);
}

}  // namespace
}  // namespace cli
