#include "scan/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/decision_world.h"

namespace scan {
namespace {

using policy::FindingResult;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kContoso = "contoso.azurecr.io";

class DriftTest : public ::testing::Test {
 protected:
  std::vector<Drift> Run() const { return DriftsOf(before_.facts, after_.facts, after_.policy); }

  policy::World before_, after_;
};

TEST_F(DriftTest, OneForAllVerdictsOfARegistryThatTurnedTheSameWay) {
  before_.Know(kContoso, {policy::Compliant("customer-managed-key"), policy::Compliant("private-link")});
  after_.Know(kContoso, {policy::NonCompliant("customer-managed-key"), policy::NonCompliant("private-link")});
  const std::vector<Drift> drifts = Run();
  ASSERT_THAT(drifts, SizeIs(1));
  EXPECT_EQ(drifts[0].login_server, kContoso);
  EXPECT_FALSE(drifts[0].gone);
  EXPECT_EQ(drifts[0].result, FindingResult::kNonCompliant);
  EXPECT_THAT(drifts[0].requirements, ElementsAre("customer-managed-key", "private-link"));
  EXPECT_THAT(drifts[0].note, AllOf(testing::StartsWith("contoso.azurecr.io does not meet customer-managed-key any more: "),
                                    HasSubstr("; does not meet private-link any more: privateEndpointConnections[*]"),
                                    HasSubstr("; to mend: az acr update --name contoso")));
}

TEST_F(DriftTest, WhatTurnsBothWaysIsTwo) {
  before_.Know(kContoso, {policy::Compliant("customer-managed-key"), policy::NonCompliant("private-link")});
  after_.Know(kContoso, {policy::NonCompliant("customer-managed-key"), policy::Compliant("private-link")});
  const std::vector<Drift> drifts = Run();
  ASSERT_THAT(drifts, SizeIs(2));
  EXPECT_EQ(drifts[0].result, FindingResult::kNonCompliant);
  EXPECT_EQ(drifts[1].result, FindingResult::kCompliant);
  EXPECT_EQ(drifts[1].note, "contoso.azurecr.io meets private-link again");
}

TEST_F(DriftTest, ARegistryThatGoesIsOneAndOneThatComesIsNone) {
  before_.Know(kContoso, {policy::Compliant("private-link")});
  after_.Know("fabrikam.azurecr.io", {policy::NonCompliant("private-link")});
  const std::vector<Drift> drifts = Run();
  ASSERT_THAT(drifts, SizeIs(1));
  EXPECT_TRUE(drifts[0].gone);
  EXPECT_EQ(drifts[0].note, "contoso.azurecr.io is not known any more: the registry is gone");
}

TEST_F(DriftTest, TheSameVerdictsAreNone) {
  before_.Know(kContoso, {policy::NonCompliant("private-link")});
  after_.Know(kContoso, {policy::NonCompliant("private-link")});
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(DriftTest, ANoteSaysNoMoreThanDenialsDoAndHasAnEnd) {
  before_.Know(kContoso, {policy::Compliant("private-link")});
  policy::Finding finding = policy::NonCompliant("private-link");
  finding.evidence[0] = {"encryption.keyVaultProperties.keyIdentifier", "\"https://secret.vault.azure.net/\"", std::string(3000, 'x'),
                         false};
  after_.Know(kContoso, {finding});
  after_.policy.messages = policy::MessageDetail::kBrief;
  const std::vector<Drift> drifts = Run();
  ASSERT_THAT(drifts, SizeIs(1));
  EXPECT_THAT(drifts[0].note, Not(HasSubstr("secret.vault")));
  EXPECT_LE(drifts[0].note.size(), 1100U);
}

}  // namespace
}  // namespace scan
