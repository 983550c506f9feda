// A registry that drifts while the program runs: what its owner can read of it afterwards.
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/program.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace support {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kSubscription = "00000000-0000-0000-0000-000000000001";

class VerdictChangesServe : public testing::Test {
 protected:
  VerdictChangesServe() {
    const TestCertificate certificate = MakeSelfSigned();
    folder_.Write("tls.crt", certificate.certificate_pem);
    folder_.Write("tls.key", certificate.key_pem);
    folder_.Write("config.yaml",
                  "server: {address: \"127.0.0.1:0\", drainDelay: 0s}\nhealth: {address: \"127.0.0.1:0\"}\n"
                  "tls: {certificate: tls.crt, key: tls.key}\naudit: {database: audit.db}\ncluster: prod-weu\n"
                  "inventory: {source: file, file: registries.json, saved: inventory.saved}\n");
  }

  void WriteInventory(const json& properties) {
    folder_.Write("registries.json", json::array({RegistryBody(kSubscription, "platform", "contoso", properties)}).dump());
  }

  // Serves until `change` is done and `records` verdicts that turned are in the log.
  template <class Change>
  std::string Serve(int records, Change change) {
    Program program({"serve", "--config", folder_ / "config.yaml"});
    EXPECT_GT(program.WaitForPorts().review, 0);
    change();
    // Ends with as many, however long that takes.
    Program follow({"audit", "--database", folder_ / "audit.db", "--follow", "--since", "1d", "--decision", "VerdictChanged", "--limit",
                    std::to_string(records), "-o", "jsonl"});
    EXPECT_EQ(follow.Wait(), 0) << follow.Err();
    EXPECT_EQ(program.Terminate(), 0) << program.Err();
    return program.Out();
  }

  std::string Ask(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--database", folder_ / "audit.db"});
    Program program(arguments);
    EXPECT_EQ(program.Wait(), 0) << program.Err();
    return program.Out();
  }

  std::vector<std::string> Changes() {
    std::istringstream lines(Ask({"audit", "--decision", "VerdictChanged", "-o", "jsonl"}));
    std::vector<std::string> records;
    for (std::string line; std::getline(lines, line);) {
      records.push_back(line);
    }
    return records;
  }

  const TempFolder folder_;
};

TEST_F(VerdictChangesServe, AreInTheDatabaseOnStandardOutputAndInEveryAnswer) {
  WriteInventory(json::object());
  const std::string output = Serve(1, [&] { WriteInventory(WithoutCustomerManagedKey()); });

  const std::vector<std::string> changes = Changes();
  ASSERT_THAT(changes, SizeIs(1));
  const json change = json::parse(changes[0]);
  EXPECT_EQ(change["registry"], "contoso.azurecr.io");
  EXPECT_EQ(change["resourceId"], RegistryId(kSubscription, "platform", "contoso"));
  EXPECT_EQ(change["requirement"], "customer-managed-key");
  EXPECT_EQ(change["effect"], "Deny");
  EXPECT_EQ(change["before"]["result"], "Compliant");
  EXPECT_EQ(change["after"]["result"], "NonCompliant");
  EXPECT_THAT(change["after"]["evidence"], testing::Not(IsEmpty()));
  EXPECT_EQ(change["cluster"], "prod-weu");
  EXPECT_THAT(output, HasSubstr(changes[0] + "\n"));

  const std::string uid = change["uid"];
  EXPECT_THAT(Ask({"audit", "--registry", "contoso.azurecr.io"}), HasSubstr("contoso.azurecr.io  customer-managed-key"));
  EXPECT_THAT(Ask({"audit", "show", uid}), HasSubstr("VerdictChanged: customer-managed-key of contoso.azurecr.io\n"));
  EXPECT_EQ(Ask({"audit", "--namespace", "shop", "-o", "jsonl"}), "");
  folder_.Write("collected.log", output);
  EXPECT_THAT(Ask({"audit", "verify", "--anchors", folder_ / "collected.log"}), HasSubstr("\nwhole: 1 record"));
}

TEST_F(VerdictChangesServe, AreNotToldAgainByARestartButWhatTurnedMeanwhileIs) {
  WriteInventory(json::object());
  Serve(1, [&] { WriteInventory(WithoutCustomerManagedKey()); });
  Serve(1, [] {});  // as it was
  EXPECT_THAT(Changes(), SizeIs(1));

  folder_.Write("registries.json", "[]");
  Serve(2, [] {});
  const std::vector<std::string> changes = Changes();
  ASSERT_THAT(changes, SizeIs(2));
  const json gone = json::parse(changes[0]);
  EXPECT_EQ(gone["requirement"], "unknownRegistry");
  EXPECT_EQ(gone["registry"], "contoso.azurecr.io");
  EXPECT_EQ(gone["after"]["observed"], nullptr);
}

}  // namespace
}  // namespace support
