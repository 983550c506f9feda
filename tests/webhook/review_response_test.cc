#include "webhook/review_response.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace webhook {
namespace {

using nlohmann::json;
using policy::Effect;
using policy::FindingResult;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A decision made by hand, with everything that it refers to.
class ReviewResponseTest : public ::testing::Test {
 protected:
  ReviewResponseTest() {
    admission_.api_version = "admission.k8s.io/v1";
    admission_.uid = "d892cc1f-5b56-4ff7-b7aa-29e2cf21e132";
    admission_.operation = "CREATE";
    admission_.kind = "Pod";
    admission_.version = "v1";
    policy_.digest = "sha256:0123";
    findings_.reserve(100'000);
    uses_.reserve(20'000);
  }

  void AddImage(std::string registry, const std::vector<std::pair<std::string, Effect>>& failed) {
    policy::ImageUse& use = uses_.emplace_back();
    use.image = "contoso.azurecr.io/app:1";
    use.field = {"spec.containers", 0, ".image"};
    policy::ImageDecision image;
    image.use = &use;
    image.registry = std::move(registry);
    image.action = policy::SourceAction::kVerify;
    for (const auto& [requirement, effect] : failed) {
      policy::Finding& finding = findings_.emplace_back();
      finding.requirement = requirement;
      finding.result = FindingResult::kNonCompliant;
      finding.effect = effect;
      policy::ImageFinding weighed;
      weighed.finding = &finding;
      weighed.effect = effect;
      image.findings.push_back(weighed);
      image.effect = std::max(image.effect, effect);
    }
    decision_.images.push_back(std::move(image));
  }

  json Write() const {
    const json written = json::parse(
        WriteResponse(admission_, decision_, policy_, {message_, policy::Warnings(decision_, admission_, policy_, base::Time{})}));
    EXPECT_EQ(written["kind"], "AdmissionReview");
    EXPECT_EQ(written["apiVersion"], admission_.api_version);
    EXPECT_EQ(written["response"]["uid"], admission_.uid);
    return written["response"];
  }

  policy::Admission admission_;
  policy::Policy policy_;
  policy::Decision decision_;
  std::string message_;
  std::vector<policy::Finding> findings_;
  std::vector<policy::ImageUse> uses_;
};

TEST_F(ReviewResponseTest, AllowsWithoutAStatus) {
  AddImage("contoso.azurecr.io", {});
  const json response = Write();
  EXPECT_EQ(response["allowed"], true);
  EXPECT_FALSE(response.contains("status")) << "the API server ignores it when allowed";
  EXPECT_FALSE(response.contains("warnings"));
  EXPECT_EQ(response["auditAnnotations"], (json{{"decision", "Allowed"}, {"registries", "contoso.azurecr.io"}, {"policy", "sha256:0123"}}));
}

TEST_F(ReviewResponseTest, DeniesWithTheCodeThatClientsUnderstand) {
  decision_.kind = policy::DecisionKind::kDenied;
  AddImage("contoso.azurecr.io", {{"private-link", Effect::kDeny}});
  message_ = "registry contoso.azurecr.io: private-link";
  const json response = Write();
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 403);
  EXPECT_EQ(response["status"]["status"], "Failure");
  EXPECT_EQ(response["status"]["reason"], "Forbidden");
  EXPECT_EQ(response["status"]["message"], message_);
  EXPECT_EQ(response["auditAnnotations"]["decision"], "Denied");
}

TEST_F(ReviewResponseTest, WarnsWithoutDenying) {
  decision_.kind = policy::DecisionKind::kWarned;
  AddImage("contoso.azurecr.io", {{"private-link", Effect::kWarn}});
  const json response = Write();
  EXPECT_EQ(response["allowed"], true);
  EXPECT_EQ(response["warnings"], json(policy::Warnings(decision_, admission_, policy_, base::Time{})));
  EXPECT_THAT(response["warnings"], SizeIs(1));
}

TEST_F(ReviewResponseTest, RepeatsTheApiVersionOfTheReview) {
  admission_.api_version = "admission.k8s.io/v1beta1";
  Write();
  EXPECT_EQ(json::parse(WriteAllowed(admission_))["apiVersion"], "admission.k8s.io/v1beta1");
}

TEST_F(ReviewResponseTest, AnnotatesDistinctRegistriesAndWhatFailed) {
  AddImage("b.azurecr.io", {{"private-link", Effect::kWarn}, {"customer-managed-key", Effect::kAudit}});
  AddImage("a.azurecr.io", {{"private-link", Effect::kDeny}, {"waived", Effect::kDisabled}});
  AddImage("b.azurecr.io", {});
  findings_[0].result = FindingResult::kUnknown;
  AddImage("c.azurecr.io", {{"kept", Effect::kDeny}});
  findings_.back().result = FindingResult::kCompliant;
  const json annotations = Write()["auditAnnotations"];
  EXPECT_EQ(annotations["registries"], "a.azurecr.io,b.azurecr.io,c.azurecr.io");
  EXPECT_EQ(annotations["requirements"], "customer-managed-key,private-link");
}

TEST_F(ReviewResponseTest, AnnotatesAShapeThatIsNotUnderstood) {
  decision_.kind = policy::DecisionKind::kDenied;
  policy::Finding& finding = findings_.emplace_back();
  finding.requirement = policy::kNotUnderstood;
  finding.reason = "spec: missing";
  policy::ImageFinding failure;
  failure.finding = &finding;
  failure.effect = Effect::kDeny;
  decision_.failure = failure;
  const json annotations = Write()["auditAnnotations"];
  EXPECT_EQ(annotations["requirements"], "notUnderstood");
  EXPECT_FALSE(annotations.contains("registries"));
}

TEST_F(ReviewResponseTest, CutsAnnotationsAtWholeItems) {
  for (int i = 0; i < 10'000; ++i) {
    AddImage("registry" + std::to_string(10'000 + i) + ".azurecr.io", {});
  }
  const std::string registries = Write()["auditAnnotations"]["registries"];
  EXPECT_THAT(registries, SizeIs(Le(1024U)));
  EXPECT_THAT(registries, StartsWith("registry10000.azurecr.io,registry10001.azurecr.io,"));
  EXPECT_THAT(registries, EndsWith(" more"));
  EXPECT_THAT(registries, HasSubstr(".azurecr.io,+99"));
}

TEST_F(ReviewResponseTest, AnnotatesNothingThatTheApiServerWouldDrop) {
  AddImage("evil\xff\n\u202e.example.com", {});
  EXPECT_EQ(Write()["auditAnnotations"]["registries"], "evil???.example.com");
  AddImage(std::string(5000, 'x'), {});
  EXPECT_THAT(Write()["auditAnnotations"]["registries"].get<std::string>(), SizeIs(Le(1024U)));
}

TEST_F(ReviewResponseTest, AnswersWhatNeedsNoDecisionWithoutAnnotations) {
  const json written = json::parse(WriteAllowed(admission_));
  EXPECT_EQ(written, (json{{"apiVersion", "admission.k8s.io/v1"},
                           {"kind", "AdmissionReview"},
                           {"response", {{"uid", admission_.uid}, {"allowed", true}}}}));
}

}  // namespace
}  // namespace webhook
