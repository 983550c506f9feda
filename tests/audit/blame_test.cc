#include "audit/blame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kImages = R"("images":[
  {"registry":"mcr.microsoft.com","findings":[]},
  {"registry":"a.azurecr.io","findings":[
    {"requirement":"private-link","result":"NonCompliant","effect":"Deny"},
    {"requirement":"customer-managed-key","result":"Unknown","effect":"Deny"},
    {"requirement":"restricted-network","result":"Compliant","effect":"Deny"},
    {"requirement":"dedicated-data-endpoints","result":"NonCompliant","effect":"Audit"}]},
  {"registry":"b.azurecr.io","findings":[{"requirement":"private-link","result":"NonCompliant","effect":"Warn"}]},
  {"registry":"a.azurecr.io","findings":[{"requirement":"private-link","result":"NonCompliant","effect":"Deny"}]}])";

std::string RecordWith(const std::string& decision) { return R"({"decision":")" + decision + "\"," + kImages + R"(,"failure":null})"; }

TEST(Blame, OfADenialIsWhatDenies) {
  const Blame blame = BlameOf(RecordWith("Denied"));
  EXPECT_THAT(blame.registries, ElementsAre("a.azurecr.io"));
  EXPECT_THAT(blame.requirements, ElementsAre("private-link", "customer-managed-key"));
}

TEST(Blame, OfAWarningIsWhatWarns) {
  const Blame blame = BlameOf(RecordWith("Warned"));
  EXPECT_THAT(blame.registries, ElementsAre("b.azurecr.io"));
  EXPECT_THAT(blame.requirements, ElementsAre("private-link"));
}

TEST(Blame, IsNobodysWhereAllWasAllowed) {
  EXPECT_THAT(BlameOf(RecordWith("Allowed")).requirements, IsEmpty());
  EXPECT_THAT(BlameOf(RecordWith("Allowed")).registries, IsEmpty());
}

TEST(Blame, OfAnObjectThatWasNotUnderstood) {
  EXPECT_THAT(BlameOf(R"({"decision":"Denied","images":[],"failure":"spec: expected an object"})").requirements,
              ElementsAre("notUnderstood"));
}

TEST(Blame, OfWhatIsNoRecordIsEmpty) {
  for (const char* text : {"", "{", "[]", R"({"decision":7})", R"({"decision":"Denied","images":{"findings":1}})",
                           R"({"decision":"Denied","images":[7,{"findings":[7]},{"findings":7}]})"}) {
    EXPECT_THAT(BlameOf(text).requirements, IsEmpty()) << text;
    EXPECT_THAT(BlameOf(text).registries, IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace audit
