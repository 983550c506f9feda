#include "audit/recorded_admission.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace audit {
namespace {

using nlohmann::json;
using policy::Effect;
using policy::FindingResult;
using ::testing::SizeIs;

json Golden() { return json::parse(base::ReadFile(ACR_TEST_DATA "/audit_record.json", 1 << 20).value()); }

TEST(RecordedAdmission, HasWhatTheRecordSays) {
  const auto recorded = ReadRecord(Golden().dump());
  ASSERT_TRUE(recorded) << recorded.error().ToString();
  EXPECT_EQ(base::FormatTime(recorded->time), "2026-11-23T12:00:00.123456Z");
  EXPECT_EQ(recorded->decision, policy::DecisionKind::kDenied);
  EXPECT_EQ(recorded->policy, "sha256:00ff");
  EXPECT_EQ(recorded->cluster, "prod-weu");
  EXPECT_EQ(recorded->replica, "acr-admission-6c9");
  const policy::Admission& admission = recorded->admission;
  EXPECT_EQ(admission.uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(admission.operation, "CREATE");
  EXPECT_EQ(admission.kind, "Pod");
  EXPECT_FALSE(admission.workload);
  EXPECT_EQ(admission.namespace_name, "shop");
  EXPECT_EQ(admission.owner_api_version, "apps/v1");
  EXPECT_EQ(admission.owner_kind, "ReplicaSet");
  EXPECT_TRUE(admission.mirror_pod);
  EXPECT_TRUE(admission.template_changed);
  EXPECT_EQ(admission.problem, "");
  ASSERT_THAT(admission.images, SizeIs(2));
  EXPECT_EQ(admission.images[0].image, "contoso.azurecr.io/shop/cart:1.0");
  EXPECT_EQ(admission.images[1].field.ToString(), "spec.containers[1].image");
  EXPECT_FALSE(admission.images[0].in_old_object);
  EXPECT_TRUE(admission.images[1].in_old_object);

  ASSERT_THAT(recorded->images, SizeIs(2));
  const RecordedImage& image = recorded->images[0];
  EXPECT_EQ(image.registry, "contoso.azurecr.io");
  EXPECT_TRUE(image.resource_id.ends_with("/registries/contoso"));
  EXPECT_EQ(base::FormatTimeSeconds(image.observed.value()), "2026-11-23T11:59:31Z");
  EXPECT_EQ(image.effect, Effect::kDeny);
  ASSERT_THAT(image.findings, SizeIs(3));
  EXPECT_EQ(image.findings[0].rule, "0123456789abcdef");
  EXPECT_EQ(image.findings[0].result, FindingResult::kNonCompliant);
  EXPECT_EQ(base::FormatTimeSeconds(image.findings[0].last_compliant.value()), "2026-11-22T08:00:00Z");
  EXPECT_EQ(image.findings[1].state, policy::ComplianceState::kExempt);
  EXPECT_EQ(base::FormatTimeSeconds(image.findings[1].states_read), "2026-11-23T11:58:00Z");
  EXPECT_EQ(image.findings[2].rule, "");
  EXPECT_EQ(recorded->images[1].registry, "");
}

TEST(RecordedAdmission, SkipsKeysThatItDoesNotKnow) {
  json record = Golden();
  record["new"] = {{"key", 1}};
  record["images"][0]["findings"][0]["new"] = 1;
  EXPECT_TRUE(ReadRecord(record.dump()));
}

TEST(RecordedAdmission, SaysWhatIsWrongAndWhere) {
  const auto wrong = [](const char* pointer, const json& value) {
    json record = Golden();
    record[json::json_pointer(pointer)] = value;
    const auto recorded = ReadRecord(record.dump());
    return recorded ? "" : recorded.error().message;
  };
  EXPECT_EQ(wrong("/time", "yesterday"), "record: time: expected a time of RFC 3339");
  EXPECT_EQ(wrong("/decision", "denied"), "record: decision: expected Allowed, Warned or Denied");
  EXPECT_EQ(wrong("/uid", nullptr), "record: uid: expected a text");
  EXPECT_EQ(wrong("/images", 1), "record: images: expected a list");
  EXPECT_EQ(wrong("/images/0", 1), "record: images: expected a list of objects");
  EXPECT_EQ(wrong("/images/0/findings/1/effect", "Block"), "record: images[0].findings[1].effect: expected Deny, Warn, Audit or Disabled");
  EXPECT_EQ(wrong("/images/0/observed", 1), "record: images[0].observed: expected a text");
  EXPECT_EQ(wrong("/images/0/findings/1/azurePolicy/read", "x"),
            "record: images[0].findings[1].azurePolicy.read: expected a time of RFC 3339");
  EXPECT_EQ(wrong("/rules", 1), "record: rules: expected an object");
  EXPECT_EQ(wrong("/rules/private-link", 1), "record: rules.private-link: expected a text");
  EXPECT_EQ(wrong("/mirrorPod", "yes"), "record: mirrorPod: expected true or false");
  EXPECT_EQ(wrong("/imagesOmitted", {{"count", -1}}), "record: imagesOmitted.count: expected a number of images");
  EXPECT_FALSE(ReadRecord("[]"));
  EXPECT_FALSE(ReadRecord("{\"time\":"));
}

TEST(RecordedAdmission, KnowsATextThatWasCut) {
  json record = Golden();
  record["images"][0]["image"] = std::string(1021, 'a') + "…";
  const auto recorded = ReadRecord(record.dump());
  ASSERT_TRUE(recorded);
  EXPECT_TRUE(recorded->images[0].cut);
  EXPECT_FALSE(recorded->images[1].cut);
}

}  // namespace
}  // namespace audit
