#include "webhook/review_decoder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/compare_reviews.h"
#include "tests/support/reference_decoder.h"

namespace webhook {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string Review(const Json& request) {
  return Json{{"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"request", request}}.dump();
}

// Every body that an API server really sent, by its file's name.
std::map<std::string, std::string> RecordedReviews() {
  std::map<std::string, std::string> reviews;
  for (const auto& entry : std::filesystem::directory_iterator(ACR_TEST_DATA "/reviews")) {
    if (entry.path().extension() == ".json") {
      reviews[entry.path().stem().string()] = ReadFile(entry.path());
    }
  }
  return reviews;
}

Json AdmissionRequests() { return Json::parse(ReadFile(ACR_TEST_DATA "/admission_requests.json")); }

// All bodies of the test data.
std::map<std::string, std::string> AllReviews() {
  std::map<std::string, std::string> reviews = RecordedReviews();
  for (const Json& request : AdmissionRequests()) {
    reviews[request["id"].get<std::string>()] = Review(request["request"]);
  }
  return reviews;
}

Json Request(const std::string& group, const std::string& kind, Json object, const std::string& operation = "CREATE") {
  return {{"uid", "1"},
          {"kind", {{"group", group}, {"version", "v1"}, {"kind", kind}}},
          {"operation", operation},
          {"object", std::move(object)}};
}

Json Pod(Json spec) { return {{"metadata", {{"name", "p"}}}, {"spec", std::move(spec)}}; }

Json OneContainer(const std::string& image) { return {{"containers", {{{"name", "c"}, {"image", image}}}}}; }

class ReviewDecoderTest : public ::testing::Test {
 protected:
  policy::Admission Decode(const std::string& text) {
    body_ = text;
    auto decoded = decoder_.Decode(body_);
    if (!decoded) {
      ADD_FAILURE() << decoded.error().ToString();
      return {};
    }
    return std::move(*decoded);
  }
  std::string ErrorOf(const std::string& text) {
    body_ = text;
    const auto decoded = decoder_.Decode(body_);
    return decoded ? "no error" : decoded.error().ToString();
  }
  std::string ProblemOf(const Json& request) { return Decode(Review(request)).problem; }
  std::vector<std::string> ImagesOf(const std::string& text) {
    std::vector<std::string> images;
    for (const policy::ImageUse& use : Decode(text).images) {
      images.push_back(use.field.ToString() + "=" + std::string(use.image));
    }
    return images;
  }

  ReviewDecoder decoder_;
  std::string body_;
};

TEST_F(ReviewDecoderTest, FindsTheImagesOfEveryRequestThatIsKnownToBeHard) {
  const Json requests = AdmissionRequests();
  ASSERT_EQ(requests.size(), 26U);
  for (const Json& entry : requests) {
    const std::string id = entry["id"];
    const policy::Admission admission = Decode(Review(entry["request"]));
    std::vector<std::string> got, got_new, expected, expected_new;
    for (const policy::ImageUse& use : admission.images) {
      if (use.image.empty()) {
        continue;  // the list has only images that are there
      }
      std::string field = use.field.ToString();
      field.erase(field.ends_with(".image") ? field.size() - 6 : field.size());
      got.push_back(field + "=" + std::string(use.image));
      if (!use.in_old_object) {
        got_new.push_back(got.back());
      }
    }
    for (const Json& image : entry["images"]) {
      expected.push_back(image["path"].get<std::string>() + "=" + image["image"].get<std::string>());
    }
    for (const Json& image : entry["new_images"]) {
      expected_new.push_back(image["path"].get<std::string>() + "=" + image["image"].get<std::string>());
    }
    EXPECT_EQ(got_new, expected_new) << id;
    if (admission.NothingToDecide()) {
      EXPECT_THAT(expected_new, IsEmpty()) << id;
    } else {
      EXPECT_EQ(got, expected) << id;
    }
  }
}

TEST_F(ReviewDecoderTest, RefusesTheShapesThatAreNotUnderstood) {
  std::map<std::string, std::string> problems;
  for (const Json& entry : AdmissionRequests()) {
    problems[entry["id"]] = ProblemOf(entry["request"]);
  }
  EXPECT_EQ(problems["wrong-types"], "spec.containers: expected an array");
  EXPECT_EQ(problems["no-spec"], "spec: missing");
  EXPECT_EQ(std::count_if(problems.begin(), problems.end(), [](const auto& entry) { return !entry.second.empty(); }), 2);
}

TEST_F(ReviewDecoderTest, ReadsWhatAnApiServerSends) {
  const std::map<std::string, std::string> reviews = RecordedReviews();
  ASSERT_EQ(reviews.size(), 21U);
  for (const auto& [name, text] : reviews) {
    const policy::Admission admission = Decode(text);
    EXPECT_EQ(admission.problem, "") << name;
    const bool undecided =
        name == "pod-delete" || name == "pod-resize" || name == "deployment-scale" || name == "pod-update-annotation-only";
    EXPECT_EQ(admission.NothingToDecide(), undecided) << name;
  }
}

TEST_F(ReviewDecoderTest, ReadsWhoAsksForWhat) {
  const policy::Admission admission = Decode(RecordedReviews()["pod-create-by-replicaset-controller"]);
  EXPECT_EQ(admission.api_version, "admission.k8s.io/v1");
  EXPECT_THAT(admission.uid, SizeIs(36));
  EXPECT_EQ(admission.operation, "CREATE");
  EXPECT_EQ(admission.kind, "Pod");
  EXPECT_EQ(admission.version, "v1");
  EXPECT_EQ(admission.user, "system:serviceaccount:kube-system:replicaset-controller");
  EXPECT_THAT(admission.groups, ::testing::Contains("system:serviceaccounts"));
  EXPECT_EQ(admission.owner_api_version, "apps/v1");
  EXPECT_EQ(admission.owner_kind, "ReplicaSet");
  EXPECT_FALSE(admission.owner_name.empty());
  EXPECT_THAT(admission.owner_uid, SizeIs(36));
  EXPECT_FALSE(admission.workload);
  EXPECT_FALSE(admission.dry_run);
}

TEST_F(ReviewDecoderTest, KnowsDryRunsAndTheOlderApiVersion) {
  std::map<std::string, std::string> reviews = RecordedReviews();
  EXPECT_TRUE(Decode(reviews["pod-create-dry-run"]).dry_run);
  EXPECT_EQ(Decode(reviews["pod-create-v1beta1-review"]).api_version, "admission.k8s.io/v1beta1");
}

TEST_F(ReviewDecoderTest, FindsImageVolumes) {
  EXPECT_THAT(ImagesOf(RecordedReviews()["pod-create-image-volume"]),
              ElementsAre("spec.containers[0].image=registry.example.com/app:1",
                          "spec.volumes[0].image.reference=registry.example.com/artifacts/model:v3"));
}

TEST_F(ReviewDecoderTest, FindsTheTemplateOfEveryWorkload) {
  const Json spec = OneContainer("a/b:1");
  const Json templated = {{"spec", {{"template", {{"spec", spec}}}}}};
  for (const auto& [group, kind] : std::vector<std::pair<std::string, std::string>>{{"apps", "Deployment"},
                                                                                    {"apps", "ReplicaSet"},
                                                                                    {"apps", "StatefulSet"},
                                                                                    {"apps", "DaemonSet"},
                                                                                    {"batch", "Job"},
                                                                                    {"", "ReplicationController"}}) {
    EXPECT_THAT(ImagesOf(Review(Request(group, kind, templated))), ElementsAre("spec.template.spec.containers[0].image=a/b:1")) << kind;
    EXPECT_TRUE(Decode(Review(Request(group, kind, templated))).workload) << kind;
  }
  EXPECT_THAT(ImagesOf(Review(Request("batch", "CronJob", {{"spec", {{"jobTemplate", templated}}}}))),
              ElementsAre("spec.jobTemplate.spec.template.spec.containers[0].image=a/b:1"));
  EXPECT_THAT(ImagesOf(Review(Request("", "PodTemplate", {{"template", {{"spec", spec}}}}))),
              ElementsAre("template.spec.containers[0].image=a/b:1"));
}

TEST_F(ReviewDecoderTest, RefusesAKindWhoseImagesItCannotFind) {
  EXPECT_EQ(ProblemOf(Request("apps.example.com", "Rollout", Pod(OneContainer("a:1")))),
            "kind apps.example.com/Rollout is not known: its images cannot be found; remove it from the webhook's rules");
  EXPECT_THAT(ProblemOf(Request("example.com", "Pod", Pod(OneContainer("a:1")))), HasSubstr("example.com/Pod"));
}

TEST_F(ReviewDecoderTest, TakesOnlyTheEphemeralContainersSubresource) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  for (const std::string subresource : {"status", "resize", "binding", "eviction", "exec", "scale"}) {
    request["subResource"] = subresource;
    EXPECT_TRUE(Decode(Review(request)).NothingToDecide()) << subresource;
  }
  request["subResource"] = "ephemeralcontainers";
  EXPECT_THAT(Decode(Review(request)).images, SizeIs(1));
}

TEST_F(ReviewDecoderTest, HoldsUpNoDeletionWhateverItsShape) {
  Json request = Request("apps.example.com", "Rollout", nullptr, "DELETE");
  request["namespace"] = 7;
  EXPECT_TRUE(Decode(Review(request)).NothingToDecide());
  request["operation"] = "CONNECT";
  EXPECT_TRUE(Decode(Review(request)).NothingToDecide());
  request["operation"] = "PATCH";
  EXPECT_THAT(ProblemOf(request), HasSubstr("request.operation: expected CREATE, UPDATE"));
}

TEST_F(ReviewDecoderTest, NamesTheFieldThatIsNotUnderstood) {
  const auto problem = [this](Json spec) { return ProblemOf(Request("", "Pod", Pod(std::move(spec)))); };
  const Json good = {{"name", "c"}, {"image", "a:1"}};
  EXPECT_EQ(problem(nullptr), "spec: missing");
  EXPECT_EQ(problem("text"), "spec: expected an object");
  EXPECT_EQ(problem(Json::object()), "spec.containers: expected an array");
  EXPECT_EQ(problem({{"containers", nullptr}}), "spec.containers: expected an array");
  EXPECT_EQ(problem({{"containers", {good}}, {"initContainers", "x"}}), "spec.initContainers: expected an array");
  EXPECT_EQ(problem({{"containers", {good, 7}}}), "spec.containers[1]: expected an object");
  EXPECT_EQ(problem({{"containers", {{{"image", 7}}}}}), "spec.containers[0].image: expected a string");
  EXPECT_EQ(problem({{"containers", {{{"image", "a"}, {"name", 7}}}}}), "spec.containers[0].name: expected a string");
  EXPECT_EQ(problem({{"containers", {good}}, {"volumes", {{{"image", "x"}}}}}), "spec.volumes[0].image: expected an object");
  EXPECT_EQ(problem({{"containers", {good}}, {"volumes", {{{"image", {{"reference", 1}}}}}}}),
            "spec.volumes[0].image.reference: expected a string");
  EXPECT_EQ(problem({{"containers", {good}}, {"initContainers", nullptr}, {"volumes", nullptr}}), "");
  EXPECT_EQ(ProblemOf(Request("", "Pod", nullptr)), "request.object: missing");
  EXPECT_EQ(ProblemOf(Request("", "Pod", 7)), "object: expected an object");
  EXPECT_EQ(ProblemOf(Request("apps", "Deployment", {{"spec", {{"template", Json::object()}}}})), "spec.template.spec: missing");
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["dryRun"] = "yes";
  EXPECT_EQ(ProblemOf(request), "request.dryRun: expected true or false");
  request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["object"]["metadata"]["ownerReferences"] = {{{"controller", "yes"}}};
  EXPECT_EQ(ProblemOf(request), "metadata.ownerReferences[0].controller: expected true or false");
}

TEST_F(ReviewDecoderTest, CollectsTheOtherImagesBesideOneThatIsNotUnderstood) {
  const Json spec = {{"containers", {{{"image", 7}}, {{"name", "c"}, {"image", "evil:1"}}}}};
  const std::string review = Review(Request("", "Pod", Pod(spec)));
  EXPECT_THAT(ImagesOf(review), ElementsAre("spec.containers[1].image=evil:1"));
  EXPECT_EQ(Decode(review).problem, "spec.containers[0].image: expected a string");
}

TEST_F(ReviewDecoderTest, KeepsMissingImagesToBeRefused) {
  const Json spec = {{"containers", {{{"name", "c"}}}},
                     {"volumes", {{{"name", "v"}, {"image", Json::object()}}, {{"name", "w"}, {"rbd", {{"image", "x"}}}}}}};
  EXPECT_THAT(ImagesOf(Review(Request("", "Pod", Pod(spec)))),
              ElementsAre("spec.containers[0].image=", "spec.volumes[0].image.reference="));
}

TEST_F(ReviewDecoderTest, LetsTemplatesLeaveAnImageVolumesReferenceOpen) {
  Json spec = OneContainer("a:1");
  spec["volumes"] = {{{"name", "v"}, {"image", {{"reference", ""}}}}, {{"name", "w"}, {"image", Json::object()}}};
  EXPECT_THAT(ImagesOf(Review(Request("apps", "Deployment", {{"spec", {{"template", {{"spec", spec}}}}}}))), SizeIs(1));
}

TEST_F(ReviewDecoderTest, RefusesKeysThatStandTwiceWhereverItReads) {
  const auto decode = [this](const std::string& request) {
    return Decode(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",)" + request + "}}").problem;
  };
  const std::string head = R"("kind":{"group":"","version":"v1","kind":"Pod"},"operation":"CREATE",)";
  EXPECT_EQ(decode(R"("operation":"DELETE","operation":"CREATE")"), "request.operation: stands twice");
  EXPECT_EQ(decode(R"("operation":"CREATE","kind":{"kind":"Pod","kind":"X"})"), "request.kind.kind: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[]},"spec":{}})"), "spec: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[],"containers":[]}})"), "spec.containers: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[{"image":"a","image":"b"}]}})"), "spec.containers[0].image: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[{"image":null,"image":"b"}]}})"), "spec.containers[0].image: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[{"image":"a","im\u0061ge":"b"}]}})"),
            "spec.containers[0].image: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[],"volumes":[{"image":{"reference":"a","reference":"b"}}]}})"),
            "spec.volumes[0].image.reference: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"metadata":{"name":"a","name":"b"},"spec":{"containers":[]}})"), "metadata.name: stands twice");
  EXPECT_EQ(decode(head + R"("object":{"spec":{"containers":[{"x":1,"x":2}]}})"), "") << "what is not read means nothing";
}

TEST_F(ReviewDecoderTest, CannotAnswerWhatIsNoReview) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("{"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("{} {}"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("\"\xff\""), HasSubstr("not JSON"));
  EXPECT_EQ(ErrorOf("[]"), "the AdmissionReview: expected an object");
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("expected AdmissionReview"));
  const std::string head = R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1")";
  EXPECT_EQ(ErrorOf(head + "}"), "request: missing");
  EXPECT_EQ(ErrorOf(head + R"(,"request":null})"), "request: missing");
  EXPECT_EQ(ErrorOf(head + R"(,"request":[]})"), "request: expected an object");
  EXPECT_EQ(ErrorOf(head + R"(,"request":{},"request":{}})"), "request: stands twice");
  EXPECT_EQ(ErrorOf(head + R"(,"request":{"uid":"1","uid":"2"}})"), "request.uid: stands twice");
  for (const std::string uid : {R"("")", "7", "null"}) {
    EXPECT_THAT(ErrorOf(head + R"(,"request":{"uid":)" + uid + "}}"), HasSubstr("request.uid: expected a string")) << uid;
  }
  EXPECT_THAT(ErrorOf(head + R"(,"request":{"uid":")" + std::string(257, 'x') + "\"}}"), HasSubstr("of 1 to 256 bytes"));
  EXPECT_THAT(ErrorOf(head + R"(,"request":{"uid":"\ud800"}})"), HasSubstr("not JSON"));
}

TEST_F(ReviewDecoderTest, SaysWhatToDoAboutAnotherApiVersion) {
  EXPECT_EQ(ErrorOf(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{"uid":"1"}})"),
            "apiVersion: \"admission.k8s.io/v2\", expected admission.k8s.io/v1; put v1 in the webhook's admissionReviewVersions");
}

TEST_F(ReviewDecoderTest, ComparesAnUpdateWithTheOldObject) {
  Json request = Request("", "Pod", Pod({{"containers", {{{"image", "a:1"}}, {{"image", "b:2"}}}}}), "UPDATE");
  request["oldObject"] = Pod({{"initContainers", {{{"image", "b:2"}}}}, {"containers", {{{"image", "a:0"}}}}});
  const policy::Admission admission = Decode(Review(request));
  ASSERT_THAT(admission.images, SizeIs(2));
  EXPECT_TRUE(admission.template_changed);
  EXPECT_FALSE(admission.images[0].in_old_object);
  EXPECT_TRUE(admission.images[1].in_old_object) << "named anywhere in the old object";
}

TEST_F(ReviewDecoderTest, HasNothingToDecideWhenTheSpecIsLeftAlone) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")), "UPDATE");
  request["oldObject"] = Pod(OneContainer("a:1"));
  request["object"]["metadata"]["labels"] = {{"x", "y"}};
  EXPECT_TRUE(Decode(Review(request)).NothingToDecide());

  Json scaled = Request("apps", "Deployment", {{"spec", {{"replicas", 3}, {"template", {{"spec", OneContainer("a:1")}}}}}}, "UPDATE");
  scaled["oldObject"] = {{"spec", {{"replicas", 1}, {"template", {{"spec", OneContainer("a:1")}}}}}};
  EXPECT_TRUE(Decode(Review(scaled)).NothingToDecide());
  scaled["object"]["spec"]["template"]["metadata"] = {{"labels", {{"x", "y"}}}};
  const policy::Admission relabelled = Decode(Review(scaled));
  EXPECT_FALSE(relabelled.NothingToDecide());
  EXPECT_TRUE(relabelled.template_changed);
  EXPECT_TRUE(relabelled.images[0].in_old_object);
}

TEST_F(ReviewDecoderTest, LetsAnUpdatePassThatLeavesASpecAloneWhichIsNotUnderstood) {
  Json request = Request("", "Pod", Pod({{"containers", 7}}), "UPDATE");
  request["oldObject"] = Pod({{"containers", 7}});
  EXPECT_TRUE(Decode(Review(request)).NothingToDecide());
  request["oldObject"] = Pod(OneContainer("a:1"));
  EXPECT_EQ(ProblemOf(request), "spec.containers: expected an array");
}

TEST_F(ReviewDecoderTest, TakesEveryImageForNewWhenTheOldObjectIsNotUnderstood) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")), "UPDATE");
  for (const Json& old : {Json(nullptr), Json(7), Json::object(), Pod({{"containers", {{{"image", "a:1"}}, 7}}})}) {
    request["oldObject"] = old;
    const policy::Admission admission = Decode(Review(request));
    EXPECT_EQ(admission.problem, "");
    ASSERT_THAT(admission.images, SizeIs(1));
    EXPECT_FALSE(admission.images[0].in_old_object) << old;
  }
}

TEST_F(ReviewDecoderTest, DoesNotTakeTheOldObjectIntoAccountOnCreate) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["oldObject"] = Pod(OneContainer("a:1"));
  const policy::Admission admission = Decode(Review(request));
  ASSERT_THAT(admission.images, SizeIs(1));
  EXPECT_FALSE(admission.images[0].in_old_object);
}

TEST_F(ReviewDecoderTest, BelievesTheMirrorAnnotationOfNodesAlone) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["object"]["metadata"]["annotations"] = {{"kubernetes.io/config.mirror", "x"}};
  request["userInfo"] = {{"username", "alice"}, {"groups", {"system:authenticated", "System:Nodes"}}};
  EXPECT_FALSE(Decode(Review(request)).mirror_pod);
  request["userInfo"]["groups"].push_back("system:nodes");
  EXPECT_TRUE(Decode(Review(request)).mirror_pod);
  request["object"]["metadata"].erase("annotations");
  EXPECT_FALSE(Decode(Review(request)).mirror_pod);
}

TEST_F(ReviewDecoderTest, FindsTheNodesBeyondTheGroupsThatItKeeps) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["object"]["metadata"]["annotations"] = {{"kubernetes.io/config.mirror", "x"}};
  for (int i = 0; i < 150; ++i) {
    request["userInfo"]["groups"].push_back("group-" + std::to_string(i));
  }
  request["userInfo"]["groups"].push_back("system:nodes");
  const policy::Admission admission = Decode(Review(request));
  EXPECT_TRUE(admission.mirror_pod);
  EXPECT_THAT(admission.groups, SizeIs(100));
}

TEST_F(ReviewDecoderTest, NamesTheObjectByWhatIsKnown) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  request["namespace"] = "shop";
  request["object"]["metadata"] = {{"generateName", "cart-"}, {"namespace", "other"}};
  policy::Admission admission = Decode(Review(request));
  EXPECT_EQ(admission.name, "cart-");
  EXPECT_EQ(admission.namespace_name, "shop") << "the request's namespace counts, not the object's";
  request["object"]["metadata"]["name"] = "cart-1";
  EXPECT_EQ(Decode(Review(request)).name, "cart-1");
  request["name"] = "cart-2";
  EXPECT_EQ(Decode(Review(request)).name, "cart-2");
}

TEST_F(ReviewDecoderTest, TakesTheControllerForTheOwner) {
  Json request = Request("", "Pod", Pod(OneContainer("a:1")));
  Json& owners = request["object"]["metadata"]["ownerReferences"];
  owners = {{{"kind", "First"}, {"name", "f"}, {"uid", "1"}}, {{"kind", "Second"}, {"name", "s"}, {"uid", "2"}}};
  EXPECT_EQ(Decode(Review(request)).owner_kind, "First");
  owners[1]["controller"] = true;
  EXPECT_EQ(Decode(Review(request)).owner_kind, "Second");
}

TEST_F(ReviewDecoderTest, ReadsAThousandContainersAndStopsAtTenThousand) {
  Json spec = {{"containers", Json::array()}};
  const auto fill = [&spec](std::size_t count) {
    while (spec["containers"].size() < count) {
      spec["containers"].push_back({{"name", "c"}, {"image", "a:" + std::to_string(spec["containers"].size())}});
    }
  };
  fill(1000);
  Json request = Request("", "Pod", Pod(spec), "UPDATE");
  spec["containers"][999]["image"] = "old:1";
  request["oldObject"] = Pod(spec);
  const policy::Admission admission = Decode(Review(request));
  ASSERT_THAT(admission.images, SizeIs(1000));
  EXPECT_EQ(std::count_if(admission.images.begin(), admission.images.end(), [](const policy::ImageUse& use) { return !use.in_old_object; }),
            1);
  EXPECT_FALSE(admission.images[999].in_old_object);

  fill(10'000);
  EXPECT_EQ(ProblemOf(Request("", "Pod", Pod(spec))), "");
  fill(10'001);
  const std::string body = Review(Request("", "Pod", Pod(spec)));
  EXPECT_EQ(Decode(body).problem, "spec.containers[10000]: more than 10000 images");
  EXPECT_THAT(Decode(body).images, SizeIs(10'000));
}

TEST_F(ReviewDecoderTest, TakesObjectsAsDeepAsTheApiServerDoes) {
  const auto nested = [](std::size_t depth) {
    std::string request = Review(Request("", "Pod", Pod(OneContainer("a:1"))));
    request.pop_back();
    return request + R"(,"x":)" + std::string(depth, '[') + "0" + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(Decode(nested(10'000)).problem, "");
  EXPECT_THAT(ErrorOf(nested(20'000)), HasSubstr("not JSON that can be read"));
  EXPECT_EQ(support::DecodeByReference(nested(10'239)).answerable, ErrorOf(nested(10'239)) == "no error");
  EXPECT_EQ(support::DecodeByReference(nested(10'240)).answerable, ErrorOf(nested(10'240)) == "no error");
  EXPECT_THAT(ErrorOf(nested(10'240)), HasSubstr("not JSON"));
}

TEST_F(ReviewDecoderTest, ComparesVeryDeepSpecsWithoutRecursingIntoThem) {
  const std::string object =
      R"({"spec":{"containers":[{"image":"a:1"}],"x":)" + std::string(9000, '[') + "0" + std::string(9000, ']') + "}}";
  const policy::Admission admission = Decode(
      R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"kind":"Pod"},"operation":"UPDATE",)"
      R"("object":)" +
      object + R"(,"oldObject":)" + object + "}}");
  EXPECT_EQ(admission.problem, "");
  EXPECT_TRUE(admission.template_changed) << "what is too deep to compare counts as changed";
  ASSERT_THAT(admission.images, SizeIs(1));
  EXPECT_TRUE(admission.images[0].in_old_object);
}

TEST_F(ReviewDecoderTest, DecodesAsBeforeAfterALargeBody) {
  Json spec = OneContainer("a:1");
  spec["x"] = std::string(3 << 20, 'x');
  EXPECT_THAT(Decode(Review(Request("", "Pod", Pod(spec)))).images, SizeIs(1));
  decoder_.Release();
  EXPECT_THAT(ImagesOf(Review(Request("", "Pod", Pod(OneContainer("b:2"))))), ElementsAre("spec.containers[0].image=b:2"));
}

TEST_F(ReviewDecoderTest, AgreesWithTheReferenceOnEveryReview) {
  const auto reviews = AllReviews();
  ASSERT_EQ(reviews.size(), 47U);
  for (const auto& [name, text] : reviews) {
    std::string body = text;
    EXPECT_EQ(support::DifferenceFromReference(decoder_.Decode(body), text), "") << name;
  }
}

// Takes out what is large and never looked at.
void Strip(Json& value) {
  if (value.is_object()) {
    for (const std::string_view key : {"managedFields", "status", "extra", "options", "tolerations"}) {
      value.erase(key);
    }
  }
  for (Json& item : value) {
    if (item.is_structured()) {
      Strip(item);
    }
  }
}

// Every text that the value becomes when one member or element, at any depth, is left out, is written twice, or is
// something else. Calls `use` with each; `before` and `after` are what stands around the value.
void ForEachMutation(const Json& value, const std::string& before, const std::string& after,
                     const std::function<void(const std::string&)>& use) {
  constexpr std::array<std::string_view, 6> kOthers = {"null", "7", "true", R"("text")", "[]", "{}"};
  std::vector<std::string> items;
  for (auto it = value.begin(); it != value.end(); ++it) {
    items.push_back((value.is_array() ? "" : Json(it.key()).dump() + ":") + it->dump());
  }
  const auto join = [&items](std::size_t from, std::size_t to) {
    std::string joined;
    for (std::size_t i = from; i < to; ++i) {
      joined += (i > from ? "," : "") + items[i];
    }
    return joined;
  };
  std::size_t at = 0;
  for (auto it = value.begin(); it != value.end(); ++it, ++at) {
    std::string left = before + (value.is_array() ? "[" : "{") + join(0, at);
    std::string right = join(at + 1, items.size()) + (value.is_array() ? "]" : "}") + after;
    const bool alone = items.size() == 1;
    use(left + (at > 0 && at + 1 < items.size() ? "," : "") + right);
    left += at > 0 ? "," : "";
    right.insert(0, !alone && at + 1 < items.size() ? "," : "");
    use(left + items[at] + "," + items[at] + right);
    left += value.is_array() ? "" : Json(it.key()).dump() + ":";
    for (const std::string_view other : kOthers) {
      use(left + std::string(other) + right);
    }
    if (it->is_structured()) {
      ForEachMutation(*it, left, right, use);
    }
  }
}

TEST_F(ReviewDecoderTest, AgreesWithTheReferenceWhateverMemberIsWrong) {
  std::map<std::string, std::string> reviews = AllReviews();
  std::size_t tried = 0;
  std::size_t understood = 0;
  for (const std::string name : {"pod-create-image-volume", "pod-create-by-replicaset-controller", "deployment-update-image",
                                 "cronjob-create", "pod-delete", "mirror-pod", "generate-name", "ephemeral-second"}) {
    ASSERT_TRUE(reviews.contains(name)) << name;
    Json review = Json::parse(reviews[name]);
    Strip(review);
    ForEachMutation(review, "", "", [&](const std::string& text) {
      std::string body = text;
      const auto decoded = decoder_.Decode(body);
      ASSERT_EQ(support::DifferenceFromReference(decoded, text), "") << name << "\n" << text;
      ++tried;
      understood += decoded && decoded->problem.empty() ? 1 : 0;
    });
    if (HasFatalFailure()) {
      return;
    }
  }
  EXPECT_GT(tried, 3000U);
  EXPECT_GT(tried - understood, 500U) << "mutations must also break what is read";
}

}  // namespace
}  // namespace webhook
