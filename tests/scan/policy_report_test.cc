#include "scan/policy_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace scan {
namespace {

using nlohmann::json;
using policy::Effect;
using policy::FindingResult;

Standing PrivateLink(const std::string& registry = "contoso.azurecr.io") {
  return {.namespace_name = "shop",
          .requirement = "private-link",
          .registry = registry,
          .effect = Effect::kDeny,
          .result = FindingResult::kNonCompliant,
          .why = "privateEndpointConnections is 0 (expected at least 1)",
          .remedy = "az network private-endpoint create",
          .workloads = {{"shop", "Deployment", "cart"}, {"shop", "CronJob", "sweep"}, {"shop", "Rollout", "web"}},
          .workload_count = 12};
}

class PolicyReport : public ::testing::Test {
 protected:
  json Make(const std::vector<Standing>& standings, const json& stored = nullptr, std::int64_t passing = 3) const {
    return MakeReport(OpenReports(), "shop", standings, passing, stored, clock_.Now());
  }
  support::FakeClock clock_;
};

TEST_F(PolicyReport, SaysWhatIsWrongWithWhat) {
  EXPECT_EQ(Make({PrivateLink()}), json::parse(R"({
    "apiVersion": "openreports.io/v1alpha1", "kind": "Report",
    "metadata": {"name": "acr-admission", "namespace": "shop", "labels": {"app.kubernetes.io/managed-by": "acr-admission"}},
    "scope": {"apiVersion": "v1", "kind": "Namespace", "name": "shop"},
    "summary": {"pass": 3, "fail": 1, "warn": 0, "error": 0, "skip": 0},
    "results": [{
      "source": "acr-admission", "policy": "private-link", "category": "Container registries", "severity": "high",
      "result": "fail", "scored": true,
      "message": "contoso.azurecr.io: privateEndpointConnections is 0 (expected at least 1); to mend: az network private-endpoint create",
      "resources": [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"},
                    {"apiVersion": "batch/v1", "kind": "CronJob", "namespace": "shop", "name": "sweep"},
                    {"kind": "Rollout", "namespace": "shop", "name": "web"}],
      "properties": {"registry": "contoso.azurecr.io", "workloads": "12"},
      "timestamp": {"seconds": 1795435200, "nanos": 0}}]})"));
}

TEST_F(PolicyReport, TheOlderApiHasTheSameObject) {
  json old = MakeReport(PolicyReports(), "shop", {PrivateLink()}, 3, nullptr, clock_.Now());
  EXPECT_EQ(old["apiVersion"], "wgpolicyk8s.io/v1alpha2");
  EXPECT_EQ(old["kind"], "PolicyReport");
  json expected = Make({PrivateLink()});
  for (const char* member : {"apiVersion", "kind"}) {
    old.erase(member);
    expected.erase(member);
  }
  EXPECT_EQ(old, expected);
}

TEST_F(PolicyReport, ResultsTellTheKindsApart) {
  Standing warned = PrivateLink();
  warned.effect = Effect::kWarn;
  Standing audited = PrivateLink();
  audited.effect = Effect::kAudit;
  Standing unknown = PrivateLink();
  unknown.result = FindingResult::kUnknown;
  Standing own = PrivateLink();  // an unknown registry is refused by the policy's own word: nothing failed to be judged
  own.requirement = "unknownRegistry";
  own.result = FindingResult::kUnknown;
  const json report = Make({PrivateLink(), warned, audited, unknown, own});
  std::vector<std::string> told;
  for (const json& result : report["results"]) {
    told.push_back(result["result"].get<std::string>() + "/" + result["severity"].get<std::string>());
  }
  EXPECT_THAT(told, ::testing::ElementsAre("fail/high", "warn/medium", "warn/low", "error/high", "fail/high"));
  EXPECT_EQ(report["summary"], (json{{"pass", 3}, {"fail", 2}, {"warn", 2}, {"error", 1}, {"skip", 0}}));
}

TEST_F(PolicyReport, IsTheSameWhileNothingChanges) {
  const json first = Make({PrivateLink(), PrivateLink("fabrikam.azurecr.io")});
  clock_.Advance(std::chrono::hours(5));
  EXPECT_EQ(Make({PrivateLink(), PrivateLink("fabrikam.azurecr.io")}, first), first);
  const json third = Make({PrivateLink(), PrivateLink("tailspin.azurecr.io")}, first);
  EXPECT_EQ(third["results"][0]["timestamp"], first["results"][0]["timestamp"]);
  EXPECT_EQ(third["results"][1]["timestamp"]["seconds"], 1795435200 + 5 * 3600);
}

TEST_F(PolicyReport, HasAnEnd) {
  std::vector<Standing> standings;
  for (std::size_t i = 0; i < kMaxReportResults; ++i) {
    standings.push_back(PrivateLink("registry" + std::to_string(i) + ".azurecr.io"));
    standings.back().why = std::string(5'000, 'x');
  }
  EXPECT_EQ(Make(standings)["results"].size(), kMaxReportResults);
  EXPECT_EQ(Make(standings)["results"].back()["policy"], "private-link");
  for (int i = 0; i < 1'000; ++i) {
    standings.push_back(standings.back());
  }
  const json report = Make(standings);
  EXPECT_EQ(report["results"].size(), kMaxReportResults);
  EXPECT_EQ(report["results"].back()["policy"], "others");
  EXPECT_EQ(report["results"].back()["message"], "1001 more lines; acr-admission scan shows all");
  EXPECT_EQ(report["summary"]["fail"], 1'100);
  EXPECT_LT(report.dump().size(), 256U << 10U);
}

TEST_F(PolicyReport, AStoredOneOfAnyShapeIsNoTrouble) {
  for (const char* stored :
       {"null", "7", "{}", R"({"results": 7})", R"({"results": [7, {}, {"timestamp": 7}, {"properties": [], "timestamp": {}}]})",
        R"({"results": [{"policy": 7, "timestamp": {}}]})"}) {
    EXPECT_EQ(Make({PrivateLink()}, json::parse(stored)), Make({PrivateLink()})) << stored;
  }
}

}  // namespace
}  // namespace scan
