#include "webhook/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

policy::Decision Denied(const policy::Finding& finding) {
  policy::Decision decision;
  decision.kind = policy::DecisionKind::kDenied;
  policy::ImageDecision image;
  image.findings.push_back({&finding, policy::Effect::kDeny, {}, {}, false});
  decision.images.push_back(image);
  return decision;
}

policy::Finding NonCompliant(std::string requirement) {
  policy::Finding finding;
  finding.requirement = std::move(requirement);
  finding.result = policy::FindingResult::kNonCompliant;
  return finding;
}

TEST(Metrics, AddsUpWhatThreadsCounted) {
  Metrics metrics("1.2.3");
  MetricsShard& a = metrics.AddShard();
  MetricsShard& b = metrics.AddShard();
  const policy::Finding finding = NonCompliant("private-link");
  a.CountDecision(Denied(finding), /*dry_run=*/false);
  b.CountDecision(Denied(finding), /*dry_run=*/false);
  b.CountDecision(Denied(finding), /*dry_run=*/true);
  EXPECT_THAT(metrics.Expose(),
              AllOf(HasSubstr("acr_admission_build_info{version=\"1.2.3\"} 1"),
                    HasSubstr("acr_admission_decisions_total{decision=\"Denied\",dry_run=\"false\"} 2\n"),
                    HasSubstr("acr_admission_decisions_total{decision=\"Denied\",dry_run=\"true\"} 1\n"),
                    HasSubstr("acr_admission_decisions_total{decision=\"Allowed\",dry_run=\"false\"} 0\n"),
                    HasSubstr("acr_admission_findings_total{requirement=\"private-link\",result=\"NonCompliant\",effect=\"Deny\"} 3\n")));
}

TEST(Metrics, CountsWhatWasNotUnderstood) {
  Metrics metrics("");
  const policy::Finding finding = NonCompliant("notUnderstood");
  policy::Decision decision;
  decision.failure = policy::ImageFinding{&finding, policy::Effect::kWarn, {}, {}, false};
  metrics.AddShard().CountDecision(decision, false);
  EXPECT_THAT(metrics.Expose(),
              HasSubstr("acr_admission_findings_total{requirement=\"notUnderstood\",result=\"NonCompliant\",effect=\"Warn\"} 1\n"));
}

TEST(Metrics, BoundsTheNamesThatAPolicyCanMake) {
  Metrics metrics("");
  MetricsShard& shard = metrics.AddShard();
  for (int i = 0; i < 100; ++i) {
    const policy::Finding finding = NonCompliant("r" + std::to_string(i));
    shard.CountDecision(Denied(finding), false);
  }
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("requirement=\"r62\",result=\"NonCompliant\",effect=\"Deny\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("requirement=\"r63\"")));
  EXPECT_THAT(text, HasSubstr("requirement=\"other\",result=\"NonCompliant\",effect=\"Deny\"} 37\n"));
}

TEST(Metrics, HistogramBucketsAreCumulativeAndTheirBoundsInclusive) {
  Metrics metrics("");
  MetricsShard& shard = metrics.AddShard();
  shard.CountAnswer(200, std::chrono::microseconds(50));
  shard.CountAnswer(200, std::chrono::nanoseconds(50'001));
  shard.CountAnswer(503, std::chrono::seconds(2));
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_request_duration_seconds_bucket{le=\"5e-05\"} 1\n"),
                                      HasSubstr("acr_admission_request_duration_seconds_bucket{le=\"0.0001\"} 2\n"),
                                      HasSubstr("acr_admission_request_duration_seconds_bucket{le=\"1\"} 2\n"),
                                      HasSubstr("acr_admission_request_duration_seconds_bucket{le=\"+Inf\"} 3\n"),
                                      HasSubstr("acr_admission_request_duration_seconds_count 3\n"),
                                      HasSubstr("acr_admission_requests_total{code=\"200\"} 2\n"),
                                      HasSubstr("acr_admission_requests_total{code=\"503\"} 1\n")));
  EXPECT_EQ(metrics.Answers(), 3u);
}

TEST(Metrics, CountsWhatCameOfConfirmations) {
  Metrics metrics("");
  metrics.AddShard().Count(Confirmation::kLate);
  MetricsShard& shard = metrics.AddShard();
  shard.Count(Confirmation::kAllowed);
  shard.Count(Confirmation::kLate);
  shard.confirmation_duration.Observe(std::chrono::seconds(1));
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_confirmations_total{result=\"allowed\"} 1\n"),
                                      HasSubstr("acr_admission_confirmations_total{result=\"denied\"} 0\n"),
                                      HasSubstr("acr_admission_confirmations_total{result=\"late\"} 2\n"),
                                      HasSubstr("acr_admission_confirmation_duration_seconds_count 1\n"),
                                      HasSubstr("acr_admission_confirmation_duration_seconds_sum 1\n")));
}

TEST(Metrics, TheAuditApiIsCountedByItself) {
  Metrics metrics("");
  metrics.AddShard().CountAuditAnswer(AuditEndpoint::kSummary, 503, std::chrono::seconds(2));
  MetricsShard& shard = metrics.AddShard();
  shard.CountAuditAnswer(AuditEndpoint::kDecisions, 200, std::chrono::seconds(1));
  shard.CountAuditAnswer(AuditEndpoint::kDecisions, 200, std::chrono::seconds(1));
  shard.CountAuditAnswer(AuditEndpoint::kDecision, 404, std::chrono::seconds(1));
  shard.CountAuditAnswer(AuditEndpoint::kOther, 404, std::chrono::seconds(1));
  shard.audit_requests.Add();
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_audit_api_requests_total{endpoint=\"decisions\",code=\"2xx\"} 2\n"),
                                      HasSubstr("acr_admission_audit_api_requests_total{endpoint=\"decision\",code=\"4xx\"} 1\n"),
                                      HasSubstr("acr_admission_audit_api_requests_total{endpoint=\"other\",code=\"4xx\"} 1\n"),
                                      HasSubstr("acr_admission_audit_api_requests_total{endpoint=\"summary\",code=\"5xx\"} 1\n"),
                                      HasSubstr("acr_admission_audit_api_request_duration_seconds_count 5\n"),
                                      HasSubstr("acr_admission_audit_api_request_duration_seconds_sum 6\n"),
                                      HasSubstr("acr_admission_audit_api_requests_in_flight 1\n"),
                                      HasSubstr("acr_admission_requests_total{code=\"200\"} 0\n"),
                                      HasSubstr("acr_admission_request_duration_seconds_count 0\n")));
  EXPECT_EQ(metrics.Answers(), 0u);
}

TEST(Metrics, GaugesAreAskedForAtEachScrape) {
  Metrics metrics("");
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("acr_admission_audit_rows")));
  std::size_t scrapes = 0;
  metrics.OnScrape([&](Gauges& gauges) {
    gauges.registries = ++scrapes;
    gauges.inventory_primed = true;
    gauges.inventory_age_seconds = 31;
    gauges.certificate_not_after_seconds = 1'800'000'000;
    gauges.audit = Gauges::Audit{7, 8, 9, 1, 5};
    gauges.compliance.push_back({"private-link", policy::FindingResult::kUnknown, 4});
    gauges.disagreements.push_back({"private-link", 2});
  });
  metrics.Expose();
  EXPECT_THAT(
      metrics.Expose(),
      AllOf(HasSubstr("acr_admission_registries 2\n"), HasSubstr("acr_admission_inventory_primed 1\n"),
            HasSubstr("acr_admission_inventory_age_seconds 31\n"), HasSubstr("acr_admission_audit_rows 7\n"),
            HasSubstr("acr_admission_audit_wal_bytes 9\n"), HasSubstr("acr_admission_audit_databases_set_aside 1\n"),
            HasSubstr("acr_admission_audit_records_lost_total 5\n"), HasSubstr("acr_admission_certificate_not_after_seconds 1800000000\n"),
            HasSubstr("acr_admission_registry_compliance{requirement=\"private-link\",result=\"Unknown\"} 4\n"),
            HasSubstr("acr_admission_compliance_disagreements{requirement=\"private-link\"} 2\n")));
  metrics.OnScrape(nullptr);
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_registries 0\n"));
}

TEST(Metrics, TellsHowRecordsGetOnToPostgresql) {
  Metrics metrics("");
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("acr_admission_audit_forward")));
  Gauges::Forwarding forwarding{.rows = 11, .failures = 12, .lost = 13, .waiting = 14, .last_success_seconds = {}};
  metrics.OnScrape([&](Gauges& gauges) { gauges.forwarding = forwarding; });
  EXPECT_THAT(metrics.Expose(),
              AllOf(HasSubstr("acr_admission_audit_forwarded_total 11\n"), HasSubstr("acr_admission_audit_forward_failures_total 12\n"),
                    HasSubstr("acr_admission_audit_forward_lost_total 13\n"), HasSubstr("acr_admission_audit_forward_waiting 14\n"),
                    Not(HasSubstr("acr_admission_audit_forward_success_timestamp_seconds"))));
  forwarding.last_success_seconds = 1'700'000'000;
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_audit_forward_success_timestamp_seconds 1700000000\n"));
  metrics.OnScrape(nullptr);
}

TEST(Metrics, TellsOfManagedCertificatesWhatIsKnown) {
  Metrics metrics("");
  Gauges::Certificates certificates;
  certificates.repairs = {{"clock", 0}, {"ca_bundle", 3}};
  certificates.rotations = {{"leaf", 2}};
  metrics.OnScrape([&](Gauges& gauges) { gauges.certificates = certificates; });
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_certificate_repairs_total{what=\"ca_bundle\"} 3\n"),
                                      HasSubstr("acr_admission_certificate_repairs_total{what=\"clock\"} 0\n"),
                                      HasSubstr("acr_admission_certificate_rotations_total{what=\"leaf\"} 2\n"),
                                      Not(HasSubstr("webhook_configuration_present")), Not(HasSubstr("certificate_authority"))));
  certificates.configuration_present = false;
  certificates.authority_not_after_seconds = 1'800'000'000;
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_webhook_configuration_present 0\n"),
                                      HasSubstr("acr_admission_certificate_authority_not_after_seconds 1800000000\n")));
  metrics.OnScrape(nullptr);
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("certificate_repairs_total")));
}

TEST(Metrics, EveryReasonHasAName) {
  for (std::size_t i = 0; i < kRefusedRequests; ++i) {
    EXPECT_NE(ToString(static_cast<RefusedRequest>(i)), "") << i;
  }
  EXPECT_EQ(ToString(static_cast<RefusedRequest>(kRefusedRequests)), "");
  for (std::size_t i = 0; i < kRefusedConnections; ++i) {
    EXPECT_NE(ToString(static_cast<RefusedConnection>(i)), "") << i;
  }
  EXPECT_EQ(ToString(static_cast<RefusedConnection>(kRefusedConnections)), "");
  for (std::size_t i = 0; i < kAuditEndpoints; ++i) {
    EXPECT_NE(ToString(static_cast<AuditEndpoint>(i)), "") << i;
  }
  for (std::size_t i = 0; i < kConfirmations; ++i) {
    EXPECT_NE(ToString(static_cast<Confirmation>(i)), "") << i;
  }
  EXPECT_EQ(ToString(static_cast<Confirmation>(kConfirmations)), "");
}

TEST(Metrics, TellsOfTheClusterOnlyWhereThereIsOne) {
  Metrics metrics("");
  EXPECT_THAT(metrics.Expose(), AllOf(Not(HasSubstr("kubernetes")), Not(HasSubstr("events_total"))));
  metrics.OnScrape([](Gauges& gauges) {
    gauges.policy_last_good = true;
    gauges.kubernetes = Gauges::Kubernetes{{{"written", 3}, {"failed", 0}}, {{"policy", 2}}};
  });
  EXPECT_THAT(metrics.Expose(),
              AllOf(HasSubstr("acr_admission_policy_last_good 1\n"), HasSubstr("acr_admission_events_total{result=\"written\"} 3\n"),
                    HasSubstr("acr_admission_events_total{result=\"failed\"} 0\n"),
                    HasSubstr("acr_admission_kubernetes_failures_total{what=\"policy\"} 2\n")));
}

TEST(Metrics, TellsOfWhatRunsOnTheReplicaThatLooks) {
  Metrics metrics("");
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("acr_admission_scan")));
  metrics.OnScrape([](Gauges& gauges) { gauges.scan.emplace(); });
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_scan_leader 0\n"), Not(HasSubstr("acr_admission_scan_pods")),
                                      Not(HasSubstr("acr_admission_running_violations")), Not(HasSubstr("scan_last_success"))));
  metrics.OnScrape([](Gauges& gauges) {
    gauges.scan = Gauges::Scan{true, 12, {{"shop", "private-link", 3}}, 1'800'000'000, {{"reports", "failed", 2}}};
  });
  EXPECT_THAT(metrics.Expose(), AllOf(HasSubstr("acr_admission_scan_leader 1\n"), HasSubstr("acr_admission_scan_pods 12\n"),
                                      HasSubstr("acr_admission_running_violations{namespace=\"shop\",requirement=\"private-link\"} 3\n"),
                                      HasSubstr("acr_admission_scan_last_success_timestamp_seconds 1800000000\n"),
                                      HasSubstr("acr_admission_scan_writes_total{object=\"reports\",outcome=\"failed\"} 2\n")));
}

}  // namespace
}  // namespace webhook
