#include "cli/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using ::testing::HasSubstr;

Health Primed() {
  Health health;
  health.state.primed = true;
  return health;
}

TEST(Readiness, WaitsForTheInventory) {
  Health health;
  EXPECT_EQ(NotReady(health), "inventory: not read yet: reading");
  health.state.inventory_problem = "registries.json: cannot be opened";
  EXPECT_EQ(NotReady(health), "inventory: not read yet: registries.json: cannot be opened");
  health.state.primed = true;
  EXPECT_EQ(NotReady(health), "");
}

TEST(Readiness, ComesWithoutAnInventoryOncePrimingIsOver) {
  Health health;
  health.priming_over = true;
  EXPECT_EQ(NotReady(health), "");
  EXPECT_THAT(ReadinessNotes(health), HasSubstr("what is missing is unknown"));
}

TEST(Readiness, WaitsForAzureAndSaysWhatIsInTheWay) {
  Health health;
  health.azure_problem = "subscription s: Azure answered 403";
  EXPECT_EQ(NotReady(health), "inventory: not read yet: subscription s: Azure answered 403");
}

TEST(Readiness, NotesWhatOfAzureCannotBeRead) {
  Health health = Primed();
  health.azure_problem = "subscription s: Azure answered 403";
  EXPECT_EQ(NotReady(health), "");
  EXPECT_EQ(ReadinessNotes(health), "inventory: some facts grow old: subscription s: Azure answered 403");
}

TEST(Readiness, NotesThatTheLastGoodPolicyIsInForce) {
  Health health = Primed();
  health.state.policy_problem = "policy.yaml:3:1: unknown key";
  health.state.policy_last_good = true;
  EXPECT_EQ(NotReady(health), "");
  EXPECT_EQ(ReadinessNotes(health), "policy: the last good one, kept in the cluster, is in force: policy.yaml:3:1: unknown key");
}

TEST(Readiness, HasNothingToNoteWhenAllIsWell) { EXPECT_EQ(ReadinessNotes(Primed()), ""); }

TEST(Readiness, NotesEveryProblemOnALineOfItsOwn) {
  Health health = Primed();
  health.state.policy_problem = "p";
  health.state.inventory_problem = "i";
  health.certificate_problem = "c";
  health.audit_problem = "a";
  health.audit_age_doubt = "d";
  health.forwarding_problem = "f";
  EXPECT_EQ(NotReady(health), "");
  EXPECT_EQ(ReadinessNotes(health),
            "inventory: the older one is in force: i\n"
            "policy: the older one is in force: p\n"
            "certificate: the older one serves: c\n"
            "audit: records wait for PostgreSQL: f\n"
            "audit: records go to standard output, the database fails: a\n"
            "audit: no record is deleted for its age: d");
}

TEST(Readiness, TellsOfManagedCertificates) {
  Health health;
  health.certificate_not_ready = "certificate: none yet";
  EXPECT_EQ(NotReady(health), "certificate: none yet\ninventory: not read yet: reading");
  health.state.primed = true;
  EXPECT_EQ(NotReady(health), "certificate: none yet");
  health.certificate_notes = {"a", "b"};
  EXPECT_EQ(ReadinessNotes(health), "certificate: a\ncertificate: b");
}

}  // namespace
}  // namespace cli
