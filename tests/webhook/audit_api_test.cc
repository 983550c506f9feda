#include "webhook/audit_api.h"

#include <array>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/support/fake_audit_log.h"

namespace webhook {
namespace {

using nlohmann::json;
using support::FakeAuditLog;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = Authorization::Kind;

const base::Time kNow = *base::ParseTime("2026-11-23T12:00:00Z");
const base::Time kEarlier = *base::ParseTime("2026-11-23T11:20:00Z");

// A log of three namespaces and of an object that lives in none, and who may read it.
class AuditApi : public testing::Test {
 protected:
  AuditApi() {
    for (FakeAuditLog* log : {&replica_, &cluster_}) {
      log->Add({.uid = "1", .namespace_name = "shop", .time = kEarlier});
      log->Add({.uid = "2", .namespace_name = "billing", .decision = "Allowed", .time = kEarlier});
      log->Add({.uid = "3", .namespace_name = std::nullopt, .decision = "Warned", .time = kNow});
      log->Add({.uid = "4", .namespace_name = "shop", .decision = "Warned", .user = "joe", .time = kNow});
    }
    cluster_.Add({.uid = "5", .namespace_name = "shop-two", .time = kNow});
  }

  AuditAnswer Ask(const std::string& target, const std::string& token = "secret-token") {
    return Answer({.target = "/audit/v1/" + target, .token = token, .peer = "10.0.0.1"}, {replica_, cluster_, cluster_name_}, AsAuthorize(),
                  kNow);
  }

  Authorize AsAuthorize() {
    return [this](std::string_view token, std::string_view verb, std::string_view namespace_name) {
      EXPECT_EQ(token, "secret-token");
      asked_.push_back(std::string(verb) + " " + std::string(namespace_name));
      if (kind_ != Kind::kAllowed) {
        return Authorization{.kind = kind_, .user = "jane", .reason = reason_};
      }
      return Authorization{.kind = may_.contains(std::string(namespace_name)) ? Kind::kAllowed : Kind::kForbidden, .user = "jane"};
    };
  }

  std::vector<std::string> Uids(const AuditAnswer& answer) {
    EXPECT_EQ(answer.status, 200u) << answer.body;
    std::vector<std::string> uids;
    const json body = json::parse(answer.body);
    for (const json& record : body.at("decisions")) {
      uids.push_back(record.at("uid"));
    }
    return uids;
  }

  FakeAuditLog replica_;
  FakeAuditLog cluster_;
  Kind kind_ = Kind::kAllowed;
  std::string reason_;
  std::string cluster_name_;
  std::set<std::string> may_ = {""};  // namespaces; "" all
  std::vector<std::string> asked_;
};

TEST_F(AuditApi, AnswersWithTheRecordsAsTheyWereCommitted) {
  const AuditAnswer answer = Ask("decisions?limit=2");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body,
            "{\"decisions\":[" + FakeAuditLog::RecordOf({.uid = "5", .namespace_name = "shop-two", .time = kNow}) + "," +
                FakeAuditLog::RecordOf({.uid = "4", .namespace_name = "shop", .decision = "Warned", .user = "joe", .time = kNow}) +
                "],\"next\":\"" + FakeAuditLog::kLog + ".4\",\"incomplete\":[]}\n");
  EXPECT_THAT(asked_, ElementsAre("list "));
  EXPECT_EQ(replica_.reads(), 0u);
}

TEST_F(AuditApi, PagesUntilThereIsNoMore) {
  std::vector<std::string> uids;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const AuditAnswer answer = Ask("decisions?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    const auto page = Uids(answer);
    uids.insert(uids.end(), page.begin(), page.end());
    const json next = json::parse(answer.body).at("next");
    if (next.is_null()) {
      break;
    }
    cursor = next;
  }
  EXPECT_THAT(uids, ElementsAre("5", "4", "3", "2", "1"));
}

TEST_F(AuditApi, OldestFirstAlwaysSaysWhereToGoOn) {
  const AuditAnswer answer = Ask("decisions?order=oldest&decision=Denied");
  EXPECT_THAT(Uids(answer), ElementsAre("1", "5"));
  EXPECT_EQ(json::parse(answer.body).at("next"), std::string(FakeAuditLog::kLog) + ".5");
}

TEST_F(AuditApi, NamesWhoDidNotAnswer) {
  cluster_.SetIncomplete({{"acr-admission-7", "no answer within 3 s"}});
  for (const char* target : {"decisions", "summary"}) {
    EXPECT_EQ(json::parse(Ask(target).body).at("incomplete"),
              json::parse(R"([{"replica":"acr-admission-7","reason":"no answer within 3 s"}])"))
        << target;
  }
}

TEST_F(AuditApi, OneReplicaTellsItsLogAndTheRowsPlaces) {
  const AuditAnswer answer = Ask("decisions?scope=replica&limit=2");
  EXPECT_THAT(Uids(answer), ElementsAre("4", "3"));
  EXPECT_THAT(answer.body, testing::EndsWith(std::string(",\"log\":\"") + FakeAuditLog::kLog + "\",\"sequences\":[4,3]}\n"));
  EXPECT_EQ(cluster_.reads(), 0u);
  EXPECT_FALSE(json::parse(Ask("decisions").body).contains("log"));
}

TEST_F(AuditApi, SummarisesByEverything) {
  const AuditAnswer answer = Ask("summary?namespace=shop*");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({
    "hours":[{"begin":"2026-11-23T11:00:00Z","allowed":0,"warned":0,"denied":1},{"begin":"2026-11-23T12:00:00Z","allowed":0,"warned":1,"denied":1}],
    "registries":[{"value":"contoso.azurecr.io","warned":1,"denied":2}],
    "requirements":[],
    "namespaces":[{"value":"shop","warned":1,"denied":1},{"value":"shop-two","warned":0,"denied":1}],
    "users":[{"value":"jane","warned":0,"denied":2},{"value":"joe","warned":1,"denied":0}],
    "incomplete":[]})"));
  EXPECT_THAT(asked_, ElementsAre("list ")) << "a beginning may be of any namespace";
}

TEST_F(AuditApi, AListOfOneNamespaceNeedsThePermissionThere) {
  may_ = {"shop"};
  EXPECT_THAT(Uids(Ask("decisions?namespace=shop")), ElementsAre("4", "1"));
  EXPECT_EQ(json::parse(Ask("summary?namespace=shop").body).at("namespaces").size(), 1u);
  EXPECT_THAT(asked_, ElementsAre("list shop", "list shop"));
}

TEST_F(AuditApi, WhoMayNotIsToldWhatIsMissing) {
  may_ = {"shop"};
  const AuditAnswer all = Ask("decisions");
  EXPECT_EQ(all.status, 403u);
  EXPECT_THAT(all.body, AllOf(HasSubstr("cannot list"), HasSubstr("jane"), HasSubstr("in all namespaces")));
  const AuditAnswer one = Ask("summary?namespace=billing");
  EXPECT_EQ(one.status, 403u);
  EXPECT_THAT(one.body, AllOf(HasSubstr("cannot list"), HasSubstr("in the namespace \\\"billing\\\"")));
  EXPECT_EQ(cluster_.reads() + replica_.reads(), 0u);
}

TEST_F(AuditApi, TheAuthorizersReasonIsPassedOnPrintable) {
  kind_ = Kind::kForbidden;
  reason_ = "RBAC: clusterrole \"x\" not found\n\x1b[31m";
  EXPECT_THAT(Ask("decisions").body, HasSubstr(R"((RBAC: clusterrole \"x\" not found??[31m))"));
}

TEST_F(AuditApi, WhatIsNotKnownOfTheCallerIsAnsweredBeforeAnythingIsRead) {
  struct Case {
    Kind kind;
    unsigned status;
    bool retry, challenge;
  };
  for (const Case& c :
       {Case{Kind::kUnauthenticated, 401, false, true}, Case{Kind::kTooMany, 429, true, false}, Case{Kind::kUnknown, 503, true, false}}) {
    kind_ = c.kind;
    reason_ = "dial tcp 10.0.0.1";
    for (const char* target : {"decisions", "summary", "decisions/1", "decisions?namespace=shop&scope=replica"}) {
      const AuditAnswer answer = Ask(target);
      EXPECT_EQ(answer.status, c.status) << target;
      EXPECT_EQ(answer.retry_after > 0, c.retry) << target;
      EXPECT_EQ(answer.challenge, c.challenge) << target;
      EXPECT_THAT(answer.body, Not(HasSubstr("dial"))) << "how the API server is reached is nobody's business";
      EXPECT_TRUE(json::parse(answer.body).at("error").is_string());
    }
  }
  EXPECT_EQ(cluster_.reads() + replica_.reads(), 0u);
}

TEST_F(AuditApi, WithoutATokenNobodyIsAsked) {
  const AuditAnswer answer = Ask("decisions", "");
  EXPECT_EQ(answer.status, 401u);
  EXPECT_TRUE(answer.challenge);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(AuditApi, WhatIsAskedWronglyIsSaidBeforeAnybodyIsAsked) {
  EXPECT_EQ(Ask("decisions?limit=0").status, 400u);
  EXPECT_EQ(Ask("decisions/").status, 404u);
  EXPECT_EQ(Ask("nothing").status, 404u);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(AuditApi, ALogThatFailsIsAskedAgainLaterAndAWrongCursorIsNot) {
  cluster_.Fail(base::Error{base::ErrorCode::kUnavailable, "took longer than 5 s", "narrow it with since"});
  for (const char* target : {"decisions", "summary", "decisions/1"}) {
    const AuditAnswer answer = Ask(target);
    EXPECT_EQ(answer.status, 503u) << target;
    EXPECT_GT(answer.retry_after, 0u) << target;
    EXPECT_THAT(answer.body, HasSubstr("took longer than 5 s; narrow it with since")) << target;
  }
  cluster_.Fail(base::Error{base::ErrorCode::kInvalidArgument, "cursor: is of another log", ""});
  EXPECT_EQ(Ask("decisions?cursor=a.1").status, 400u);
}

TEST_F(AuditApi, OneDecisionIsTheRecordItself) {
  const AuditAnswer answer = Ask("decisions/1");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, FakeAuditLog::RecordOf({.uid = "1", .namespace_name = "shop", .time = kEarlier}) + "\n");
  EXPECT_THAT(asked_, ElementsAre("get "));
  EXPECT_EQ(Ask("decisions/5?scope=replica").status, 404u);
}

TEST_F(AuditApi, OfSeveralOfOneUidTheNewestIsShown) {
  cluster_.Add({.uid = "1", .namespace_name = "shop", .user = "newest", .time = kNow});
  EXPECT_EQ(json::parse(Ask("decisions/1").body).at("user"), "newest");
}

TEST_F(AuditApi, OneDecisionMayBeSeenByItsNamespacesViewer) {
  may_ = {"shop"};
  EXPECT_EQ(Ask("decisions/1").status, 200u);
  EXPECT_THAT(asked_, ElementsAre("get ", "get shop"));
}

TEST_F(AuditApi, WhatAReaderBringsOfAnotherClusterIsNotShown) {
  cluster_name_ = "dev";
  FakeAuditLog mixed;
  mixed.Add({.uid = "1", .namespace_name = "shop", .time = kEarlier, .cluster = "dev"});
  mixed.Add({.uid = "2", .namespace_name = "shop", .user = "secret", .time = kNow, .cluster = "weu"});
  mixed.Add({.uid = "3", .namespace_name = "shop", .user = "secret", .time = kNow});
  const auto ask = [&](const std::string& target) {
    return Answer({.target = "/audit/v1/" + target, .token = "secret-token", .peer = "10.0.0.1"}, {mixed, mixed, cluster_name_},
                  AsAuthorize(), kNow);
  };
  for (const std::set<std::string>& may : {std::set<std::string>{"", "shop"}, std::set<std::string>{"shop"}}) {
    may_ = may;
    for (const char* target : {"decisions?namespace=shop", "decisions/2", "decisions/3"}) {
      const AuditAnswer answer = ask(target);
      EXPECT_EQ(answer.status, 500u) << target;
      EXPECT_THAT(answer.body, AllOf(HasSubstr("another cluster"), Not(HasSubstr("secret")))) << target;
    }
    EXPECT_EQ(ask("decisions/1").status, 200u);
    EXPECT_THAT(Uids(ask("decisions?namespace=shop&limit=1&order=oldest")), ElementsAre("1"));
    EXPECT_THAT(Uids(ask("decisions?namespace=shop&scope=replica")), ElementsAre("3", "2", "1")) << "its own log, whatever it was called";
  }
}

TEST_F(AuditApi, VerdictsThatTurnedAreTheClustersAndNoNamespaces) {
  std::string record = base::ReadFile(ACR_TEST_DATA "/audit_verdict_record.json", std::size_t{1} << 20).value();
  record = json::parse(record).dump();
  cluster_.Add({.uid = "v", .namespace_name = std::nullopt, .decision = "VerdictChanged", .time = kNow, .record = record});
  EXPECT_THAT(Ask("decisions?decision=VerdictChanged").body, HasSubstr("[" + record + "]"));
  EXPECT_EQ(Ask("decisions/v").body, record + "\n");
  EXPECT_EQ(Ask("summary?decision=VerdictChanged").status, 400u);

  may_ = {"shop"};
  EXPECT_EQ(Ask("decisions?decision=VerdictChanged").status, 403u);
  EXPECT_EQ(Ask("decisions?decision=VerdictChanged&namespace=shop").body, "{\"decisions\":[],\"next\":null,\"incomplete\":[]}\n");
  EXPECT_EQ(Ask("decisions/v").status, 404u);
  cluster_.IgnoreNamespaces();  // a reader that is wrong
  EXPECT_EQ(Ask("decisions?decision=VerdictChanged&namespace=shop").status, 500u);
}

TEST_F(AuditApi, WhatMayNotBeSeenIsNotThere) {
  may_ = {"shop"};
  const AuditAnswer missing = Ask("decisions/99");
  EXPECT_EQ(missing.status, 404u);
  for (const char* hidden : {"decisions/2", "decisions/3"}) {
    const AuditAnswer answer = Ask(hidden);
    EXPECT_EQ(answer.status, missing.status) << hidden;
    EXPECT_EQ(answer.body, missing.body) << hidden;
    EXPECT_EQ(answer.retry_after, missing.retry_after) << hidden;
  }
  cluster_.SetIncomplete({{"b", "away"}});
  const AuditAnswer perhaps = Ask("decisions/99");
  EXPECT_EQ(perhaps.status, 503u) << "another replica may have it";
  EXPECT_EQ(Ask("decisions/2").body, perhaps.body);
  EXPECT_EQ(Ask("decisions/2").status, 503u);
  EXPECT_EQ(Ask("decisions/1").status, 200u);
}

TEST_F(AuditApi, AReaderThatBringsAnotherNamespacesRecordsShowsNothing) {
  may_ = {"shop"};
  cluster_.IgnoreNamespaces();
  const AuditAnswer answer = Ask("decisions?namespace=shop");
  EXPECT_EQ(answer.status, 500u);
  EXPECT_THAT(answer.body, Not(HasSubstr("billing")));
}

// However a request is put together, it shows only what its sender may list.
TEST_F(AuditApi, NoRequestWidensAPermission) {
  static constexpr std::array kNamespaces = {"shop", "shop-two", "billing", "a"};
  cluster_.Add({.uid = "6", .namespace_name = "a", .time = kNow});
  replica_.Add({.uid = "6", .namespace_name = "a", .time = kNow});
  std::mt19937 random(20261123);
  const auto pick = [&random](const auto& from) { return from[random() % from.size()]; };
  static constexpr std::array<const char*, 26> kPieces = {"namespace=shop",
                                                          "namespace=billing",
                                                          "namespace=a",
                                                          "namespace=shop*",
                                                          "namespace=a*",
                                                          "namespace=*",
                                                          "namespace=",
                                                          "namespace",
                                                          "namespace=shop%00",
                                                          "namespace=%00",
                                                          "namespace=SHOP",
                                                          "Namespace=billing",
                                                          "namespace=shop%2A",
                                                          "namespace=shop%2Ca",
                                                          "namespace[]=billing",
                                                          "namespace=shop;namespace=billing",
                                                          "%6Eamespace=billing",
                                                          "namespace=shop%20",
                                                          "namespace=%2A",
                                                          "scope=replica",
                                                          "limit=1000",
                                                          "order=oldest",
                                                          "decision=denied",
                                                          "uid=2",
                                                          "user=*",
                                                          "cursor=9d4a99365aa2bb4471e064a14d410e58.3"};
  std::size_t shown = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    may_.clear();
    for (const char* name : kNamespaces) {
      if (random() % 3 == 0) {
        may_.insert(name);
      }
    }
    if (random() % 10 == 0) {
      may_.insert("");
    }
    static constexpr std::array<const char*, 4> kPaths = {"decisions", "decisions", "summary", "decisions/"};
    std::string target = pick(kPaths);
    if (target == "decisions/") {
      target += std::to_string(random() % 8);
    }
    const std::size_t pieces = random() % 4;
    for (std::size_t i = 0; i < pieces; ++i) {
      target.append(i == 0 ? "?" : "&").append(pick(kPieces));
    }
    const AuditAnswer answer = Ask(target);
    const json body = json::parse(answer.body);
    if (answer.status != 200) {
      EXPECT_EQ(body.size(), 1u) << target;
      EXPECT_THAT(body.at("error").get<std::string>(), Not(HasSubstr("decoy"))) << target;
      ++refused;
      continue;
    }
    std::vector<json> namespaces;
    for (const json& record : body.value("decisions", json::array())) {
      namespaces.push_back(record.at("namespace"));
    }
    for (const json& value : body.value("namespaces", json::array())) {
      namespaces.push_back(value.at("value"));
    }
    if (body.contains("uid")) {
      namespaces.push_back(body.at("namespace"));
    }
    for (const json& name : namespaces) {
      ++shown;
      EXPECT_TRUE(may_.contains("") || (name.is_string() && may_.contains(name.get<std::string>()))) << target << " shows " << name;
    }
  }
  EXPECT_GT(shown, 1000u);
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace webhook
