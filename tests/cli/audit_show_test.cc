#include "cli/audit_show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <sstream>
#include <string>

#include "audit/store.h"
#include "tests/audit/sample_changes.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace cli {
namespace {

using support::SampleRecord;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRecord =
    R"({"time":"2026-11-23T12:00:00.123456Z","uid":"u-1","decision":"Denied","dryRun":true,"operation":"CREATE",)"
    R"("resource":{"group":"","version":"v1","kind":"Pod","subresource":""},"namespace":"shop","name":"cart-7d9f","user":"anna",)"
    R"("groups":["dev","system:authenticated"],"owner":{"kind":"ReplicaSet","name":"cart-7d9f","uid":"o","apiVersion":"apps/v1"},)"
    R"("images":[{"image":"contoso.azurecr.io/shop/cart:1.4","field":"spec.containers[0].image","enforced":true,"action":"Verify",)"
    R"("registry":"contoso.azurecr.io","resourceId":"/subscriptions/s/contoso","observed":"2026-11-23T11:59:31Z","findings":[)"
    R"({"requirement":"private-link","result":"NonCompliant","effect":"Deny","exemption":null,"evidence":[)"
    R"({"field":"privateEndpointConnections[*] where status is Approved","actual":0,"expected":"at least 1"}],)"
    R"("expiredExemption":"billing","lastCompliant":"2026-11-20T00:00:00Z"},)"
    R"({"requirement":"customer-managed-key","result":"Unknown","effect":"Disabled","exemption":"move","evidence":[],"reason":"no right to read"},)"
    R"({"requirement":"restricted-network","result":"Compliant","effect":"Deny","exemption":null,"evidence":[]}]}],)"
    R"("failure":null,"policy":"sha256:00","cluster":"prod-weu","replica":"acr-1","peer":"10.1.2.3","clientCertificate":"CN=api",)"
    R"("durationMicroseconds":85,"message":"container cart is refused\naz acr update …"})";

class AuditShowTest : public testing::Test {
 protected:
  AuditShowTest() {
    setenv("TZ", "CET-1", 1);
    tzset();
    arguments_.database = database_;
    arguments_.uid = "u-1";
  }
  ~AuditShowTest() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }

  void Commit(const std::string& json) {
    audit::Record record = SampleRecord{}.Make();
    record.json = json;
    ASSERT_TRUE(store_->Commit({&record, 1}));
  }

  int Run() {
    out_.str({});
    err_.str({});
    return RunAuditShow(arguments_, {in_, out_, err_, {.width = 100}});
  }

  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<audit::Store> store_ = support::OpenStore({.database = database_}, clock_);
  AuditShowArguments arguments_;
  std::istringstream in_;
  std::ostringstream out_, err_;
};

TEST_F(AuditShowTest, TellsAllOfARecord) {
  Commit(kRecord);
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(),
            "Denied (dry run): CREATE Pod shop/cart-7d9f\n"
            "\n"
            "when            2026-11-23 13:00:00 +01:00 (2026-11-23T12:00:00.123456Z)\n"
            "uid             u-1\n"
            "who             anna\n"
            "groups          dev, system:authenticated\n"
            "owner           ReplicaSet cart-7d9f (apps/v1)\n"
            "policy          sha256:00\n"
            "cluster         prod-weu\n"
            "replica         acr-1\n"
            "caller          10.1.2.3 with certificate CN=api\n"
            "took            85 µs\n"
            "\n"
            "contoso.azurecr.io/shop/cart:1.4\n"
            "  at              spec.containers[0].image\n"
            "  sources say     Verify\n"
            "  registry        contoso.azurecr.io\n"
            "  resource        /subscriptions/s/contoso\n"
            "  observed        2026-11-23 12:59:31 (2026-11-23T11:59:31Z)\n"
            "  private-link: NonCompliant, effect Deny\n"
            "    privateEndpointConnections[*] where status is Approved is 0, expected at least 1\n"
            "    exemption that has expired: billing\n"
            "    compliant last: 2026-11-20T00:00:00Z\n"
            "  customer-managed-key: Unknown, effect Disabled\n"
            "    reason: no right to read\n"
            "    waived by exemption: move\n"
            "  restricted-network: Compliant\n"
            "\n"
            "What the person was told\n"
            "  container cart is refused\n"
            "  az acr update …\n");
}

TEST_F(AuditShowTest, TellsBothSidesOfAVerdictThatTurned) {
  const audit::Record record = support::SampleChange().Make();
  ASSERT_TRUE(store_->Commit({&record, 1}));
  arguments_.uid = record.uid;
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(),
            "VerdictChanged: public-network-access-disabled of contoso.azurecr.io\n"
            "\n"
            "when            2026-11-24 10:00:00 +01:00 (2026-11-24T09:00:00.123456Z)\n"
            "uid             " +
                record.uid +
                "\n"
                "resource        "
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/"
                "contoso\n"
                "definition      /providers/Microsoft.Authorization/policyDefinitions/0fdf0491-d080-4575-b627-ad0e843cba0f\n"
                "policy          sha256:00ff\n"
                "cluster         prod-weu\n"
                "replica         acr-admission-6c9\n"
                "\n"
                "Before\n"
                "  observed        2026-11-24 09:58:30 (2026-11-24T08:58:30Z)\n"
                "  Compliant\n"
                "\n"
                "After\n"
                "  observed        2026-11-24 09:59:31 (2026-11-24T08:59:31Z)\n"
                "  NonCompliant, effect Deny\n"
                "    publicNetworkAccess is Enabled, expected Disabled\n");
}

TEST_F(AuditShowTest, SaysWhatAzurePolicySaidOfAVerdictThatTurned) {
  Commit(R"({"decision":"VerdictChanged","before":7,"after":{"result":"Unknown","reason":"\u001bno state","azurePolicy":)"
         R"({"state":"Exempt","read":"2026-11-24T08:59:31Z"},"evidenceOmitted":true}})");
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("    reason: ?no state\n    Azure Policy says: Exempt, read 2026-11-24T08:59:31Z\n"
                                    "    the record had no room for all of the evidence\n"));
}

TEST_F(AuditShowTest, SaysWhereAnOlderRecordHasNoMessage) {
  Commit(SampleRecord{.uid = "u-1"}.Make().json);
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("What the person was told\n  not recorded\n"));
}

TEST_F(AuditShowTest, TellsWhatSomebodyWasWarnedOf) {
  const auto with_warnings = [](policy::DecisionKind kind, const nlohmann::json& warnings) {
    auto record = nlohmann::json::parse(SampleRecord{.uid = "u-1", .decision = kind}.Make().json);
    record["warnings"] = warnings;
    return record.dump();
  };
  constexpr const char* kTold = "What the person was told\n  Warning: contoso.azurecr.io lacks private-link\n  Warning: ?[31m\n";
  const nlohmann::json warnings = {"contoso.azurecr.io lacks private-link", "\x1b[31m"};
  for (const auto kind : {policy::DecisionKind::kWarned, policy::DecisionKind::kAllowed}) {
    Commit(with_warnings(kind, warnings));
    ASSERT_EQ(Run(), 0) << err_.str();
    EXPECT_THAT(out_.str(), testing::EndsWith(std::string("\n\n") + kTold));
  }
  Commit(SampleRecord{.uid = "u-1", .decision = policy::DecisionKind::kWarned}.Make().json);
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("What the person was told\n  not recorded\n"));
  Commit(SampleRecord{.uid = "u-1", .decision = policy::DecisionKind::kAllowed}.Make().json);
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), Not(HasSubstr("was told")));
}

TEST_F(AuditShowTest, ADenialMayWarnToo) {
  auto record = nlohmann::json::parse(kRecord);
  record["warnings"] = {"exemption billing expired"};
  Commit(record.dump());
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), testing::EndsWith("  az acr update …\n  Warning: exemption billing expired\n"));
}

TEST_F(AuditShowTest, JsonIsTheRecordAsItIsStored) {
  Commit(kRecord);
  arguments_.output = OutputFormat::kJson;
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_EQ(out_.str(), std::string(kRecord) + "\n");
}

TEST_F(AuditShowTest, AUidThatIsNotThereEndsWithTwo) {
  arguments_.uid = "gone\x1b";
  EXPECT_EQ(Run(), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("no record with uid gone?; retention may have taken it"));
}

TEST_F(AuditShowTest, OfSeveralWithThatUidItIsTheNewest) {
  Commit(kRecord);
  Commit(SampleRecord{.name = "second"}.Make().json);
  ASSERT_EQ(Run(), 0);
  EXPECT_THAT(out_.str(), HasSubstr("shop/second"));
  EXPECT_THAT(err_.str(), HasSubstr("several records"));
}

TEST_F(AuditShowTest, WhatTheRecordSaysDoesNotSteerTheTerminal) {
  Commit(
      R"({"decision":"Denied","user":"a\u001b[2J","message":"x\u001b[2J","images":[7,{"image":"\u001b","findings":[7,{"evidence":[7]}]}],)"
      R"("owner":7,"groups":{},"resource":[],"imagesOmitted":{"count":3}})");
  ASSERT_EQ(Run(), 0) << err_.str();
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out_.str(), HasSubstr("and 3 more images"));
}

}  // namespace
}  // namespace cli
