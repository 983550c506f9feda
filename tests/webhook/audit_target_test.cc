#include "webhook/audit_target.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const base::Time kNow = *base::ParseTime("2026-11-23T12:00:00Z");

AuditQuestion Parse(std::string_view target) {
  const auto question = ParseAuditTarget(target, kNow);
  EXPECT_TRUE(question) << target << ": " << (question ? "" : question.error());
  return question.value_or(AuditQuestion());
}

// What is wrong with a query of decisions.
std::string Wrong(const std::string& query) {
  const auto question = ParseAuditTarget("/audit/v1/decisions?" + query, kNow);
  return question ? "" : question.error();
}

TEST(AuditEndpoint, IsFoundByThePath) {
  EXPECT_EQ(AuditEndpointOf("/audit/v1/decisions"), AuditEndpoint::kDecisions);
  EXPECT_EQ(AuditEndpointOf("/audit/v1/decisions?limit=1"), AuditEndpoint::kDecisions);
  EXPECT_EQ(AuditEndpointOf("/audit/v1/summary"), AuditEndpoint::kSummary);
  EXPECT_EQ(AuditEndpointOf("/audit/v1/decisions/705ab4f5"), AuditEndpoint::kDecision);
  EXPECT_EQ(AuditEndpointOf("/audit/v1/decisions/705ab4f5?scope=replica"), AuditEndpoint::kDecision);
  for (const char* path : {"/audit/v1/", "/audit/v1/decisions/", "/audit/v1/decisions/a/b", "/audit/v1/decisionsx", "/audit/v1/Decisions",
                           "/audit/v1/summary/", "/audit/v1/summary/a", "/audit/v1//decisions", "/audit/v1/?/decisions"}) {
    EXPECT_EQ(AuditEndpointOf(path), AuditEndpoint::kOther) << path;
  }
}

TEST(AuditTarget, WithoutParametersIsTheNewestHundred) {
  const AuditQuestion question = Parse("/audit/v1/decisions");
  EXPECT_EQ(question.endpoint, AuditEndpoint::kDecisions);
  EXPECT_EQ(question.query.limit, 100);
  EXPECT_EQ(question.query.order, audit::Order::kNewestFirst);
  EXPECT_EQ(question.query.cursor, "");
  EXPECT_EQ(question.query.filter.namespace_name, "");
  EXPECT_FALSE(question.query.filter.since);
  EXPECT_FALSE(question.replica_only);
}

TEST(AuditTarget, TakesEveryFilter) {
  const AuditQuestion question = Parse(
      "/audit/v1/decisions?since=1h30m&until=2026-11-23T13:00:00%2B01:00&namespace=shop&decision=denied&registry=Contoso.azurecr.io:443"
      "&image=*/shop/*&user=CN%3dJ%C3%A4ne%20Doe&uid=705ab4f5&limit=1000&cursor=ab12.7,cd.-8&order=oldest&scope=replica");
  const audit::Filter& filter = question.query.filter;
  EXPECT_EQ(filter.since, *base::ParseTime("2026-11-23T10:30:00Z"));
  EXPECT_EQ(filter.until, kNow);
  EXPECT_EQ(filter.namespace_name, "shop");
  EXPECT_EQ(filter.decision, "Denied");
  EXPECT_EQ(filter.registry, "contoso.azurecr.io");
  EXPECT_EQ(filter.image, "*/shop/*");
  EXPECT_EQ(filter.user, "CN=J\u00e4ne Doe");
  EXPECT_EQ(filter.uid, "705ab4f5");
  EXPECT_EQ(question.query.limit, 1000);
  EXPECT_EQ(question.query.cursor, "ab12.7,cd.-8");
  EXPECT_EQ(question.query.order, audit::Order::kOldestFirst);
  EXPECT_TRUE(question.replica_only);
}

TEST(AuditTarget, VerdictsThatTurnedAreListedAndNotCounted) {
  EXPECT_EQ(Parse("/audit/v1/decisions?decision=verdictchanged").query.filter.decision, "VerdictChanged");
  const auto summary = ParseAuditTarget("/audit/v1/summary?decision=VerdictChanged", kNow);
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error(), "decision: a summary counts admissions; ask /audit/v1/decisions for verdicts that turned");
}

TEST(AuditTarget, ASummaryHasFiltersAndScopeAndNoPages) {
  const AuditQuestion question = Parse("/audit/v1/summary?since=2026-11-01&namespace=sh*&scope=cluster");
  EXPECT_EQ(question.query.filter.since, *base::ParseTime("2026-11-01"));
  EXPECT_EQ(question.query.filter.namespace_name, "sh*");
  for (const char* query : {"limit=1", "cursor=a.1", "order=newest"}) {
    EXPECT_FALSE(ParseAuditTarget("/audit/v1/summary?" + std::string(query), kNow)) << query;
  }
}

TEST(AuditTarget, OneDecisionIsNamedByItsPath) {
  const AuditQuestion question = Parse("/audit/v1/decisions/a%2Fb?scope=replica");
  EXPECT_EQ(question.endpoint, AuditEndpoint::kDecision);
  EXPECT_EQ(question.query.filter.uid, "a/b");
  EXPECT_EQ(question.query.limit, 1);
  EXPECT_TRUE(question.replica_only);
  EXPECT_FALSE(ParseAuditTarget("/audit/v1/decisions/a?namespace=shop", kNow));
  EXPECT_FALSE(ParseAuditTarget("/audit/v1/decisions/a%00b", kNow));
  EXPECT_FALSE(ParseAuditTarget("/audit/v1/decisions/" + std::string(257, 'a'), kNow));
}

TEST(AuditTarget, NamesTheParameterThatIsWrong) {
  EXPECT_THAT(Wrong("name=shop"), HasSubstr("\"name\": is no parameter"));
  EXPECT_THAT(Wrong("namspace=shop"), HasSubstr("did you mean namespace?"));
  EXPECT_THAT(Wrong("Namespace=shop"), HasSubstr("\"Namespace\": is no parameter"));
  EXPECT_THAT(Wrong("%6Eamespace=shop"), HasSubstr("is no parameter"));
  EXPECT_THAT(Wrong("namespace=a&namespace=a"), StartsWith("namespace: is given more than once"));
  EXPECT_THAT(Wrong("limit=1&&order=newest"), HasSubstr("\"\": is no parameter"));
  EXPECT_THAT(Wrong("?namespace=a"), HasSubstr("is no parameter"));
  EXPECT_THAT(Wrong("since=yesterday"), StartsWith("since yesterday: is no time"));
  EXPECT_THAT(Wrong("since=2026-11-23T12:00:00+01:00"), HasSubstr("write %2B"));
  EXPECT_THAT(Wrong("until=1"), StartsWith("until "));
  EXPECT_THAT(Wrong("decision=deny"), StartsWith("decision: deny is no decision"));
  EXPECT_THAT(Wrong("order=up"), StartsWith("order: "));
  EXPECT_THAT(Wrong("scope=world"), StartsWith("scope: "));
  EXPECT_THAT(Wrong("cursor=a/b"), StartsWith("cursor: "));
  for (const char* limit : {"0", "1001", "-1", "1.5", "%201", "1e2", "99999999999999999999"}) {
    EXPECT_THAT(Wrong("limit=" + std::string(limit)), StartsWith("limit: expected a number from 1 to 1000")) << limit;
  }
}

TEST(AuditTarget, WhatIsEmptyTooLongOrNoTextIsRefused) {
  for (const std::string_view name : AuditParametersOf(AuditEndpoint::kDecisions)) {
    EXPECT_THAT(Wrong(std::string(name)), StartsWith(std::string(name) + ": is empty")) << name;
    EXPECT_THAT(Wrong(std::string(name) + "="), StartsWith(std::string(name) + ": is empty")) << name;
    EXPECT_THAT(Wrong(std::string(name) + "=" + std::string(4097, 'a')), HasSubstr("is longer than")) << name;
    for (const char* value : {"a%00", "%0a", "%7f", "%C2%80", "%ff", "%C0%80"}) {
      EXPECT_THAT(Wrong(std::string(name) + "=" + value), HasSubstr("is no UTF-8, or has control characters")) << name << value;
    }
    for (const char* value : {"%", "a%2", "%zz", "%%41", "%-1"}) {
      EXPECT_THAT(Wrong(std::string(name) + "=" + value), HasSubstr("two hexadecimal digits")) << name << value;
    }
  }
}

TEST(AuditTarget, ARegistryIsAHostOrABeginning) {
  EXPECT_EQ(Parse("/audit/v1/decisions?registry=Docker.io:0443").query.filter.registry, "docker.io");
  EXPECT_EQ(Parse("/audit/v1/decisions?registry=Contoso*").query.filter.registry, "contoso*");
  EXPECT_EQ(Parse("/audit/v1/decisions?registry=localhost:00*").query.filter.registry, "localhost:00*") << "a beginning is as it is";
  for (const char* registry : {":443", ":0443", "a:00443:0443"}) {  // the first two would leave nothing, which selects every registry
    EXPECT_THAT(Wrong("registry=" + std::string(registry)), HasSubstr("is no registry host")) << registry;
  }
}

TEST(AuditTarget, ANamespaceIsANameOrABeginning) {
  EXPECT_EQ(Parse("/audit/v1/decisions?namespace=*").query.filter.namespace_name, "*");
  EXPECT_EQ(Parse("/audit/v1/decisions?namespace=team-%2A").query.filter.namespace_name, "team-*");
  for (const char* name : {"Shop", "a*b", "**", "a,b", "a%20", "%C5%9Fhop", "a/b", "a.b"}) {
    EXPECT_THAT(Wrong("namespace=" + std::string(name)), HasSubstr("is no namespace")) << name;
  }
}

TEST(AuditTarget, EndpointsTakeWhatTheirTableSays) {
  const auto names = [](AuditEndpoint endpoint) {
    const auto parameters = AuditParametersOf(endpoint);
    return std::vector<std::string_view>(parameters.begin(), parameters.end());
  };
  EXPECT_THAT(names(AuditEndpoint::kDecisions), ElementsAre("limit", "cursor", "order", "since", "until", "namespace", "decision",
                                                            "registry", "image", "user", "uid", "scope"));
  EXPECT_THAT(names(AuditEndpoint::kSummary),
              ElementsAre("since", "until", "namespace", "decision", "registry", "image", "user", "uid", "scope"));
  EXPECT_THAT(names(AuditEndpoint::kDecision), ElementsAre("scope"));
  EXPECT_THAT(names(AuditEndpoint::kOther), ElementsAre());
}

}  // namespace
}  // namespace webhook
