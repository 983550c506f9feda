// The promise of the audit log, kept by the program itself: whoever has been answered is in it, however the program ends.
#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "audit/database_reader.h"
#include "tests/integration/program.h"
#include "tests/support/admission_world.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace webhook {
namespace {

constexpr int kClients = 4;
constexpr int kAnswersBeforeTheKill = 300;

TEST(Kill, UnderLoadLosesNoRecordOfWhoWasAnswered) {
  std::signal(SIGPIPE, SIG_IGN);  // the clients write to a server that is gone
  const support::TempFolder folder;
  const support::TestCertificate certificate = support::MakeSelfSigned();
  folder.Write("tls.crt", certificate.certificate_pem);
  folder.Write("tls.key", certificate.key_pem);
  folder.Write("registries.json", "[]");
  folder.Write("config.yaml",
               "server: {address: \"127.0.0.1:0\"}\nhealth: {address: \"127.0.0.1:0\"}\ntls: {certificate: tls.crt, key: tls.key}\n"
               "inventory: {source: file, file: registries.json}\naudit: {database: audit.db, stdout: false}\n");
  support::Program program({"serve", "--config", folder / "config.yaml"});
  const int port = program.WaitForPorts().review;
  ASSERT_GT(port, 0);

  std::atomic<int> answers{0};
  std::array<std::vector<std::string>, kClients> answered;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      httplib::SSLClient client("127.0.0.1", port);
      client.enable_server_certificate_verification(false);
      client.set_keep_alive(true);
      client.set_tcp_nodelay(true);
      for (int i = 0;; ++i) {
        const std::string uid = std::to_string(c) + "-" + std::to_string(i);
        const auto result = client.Post("/validate", support::PodReview(uid, "quay.io/a/b:1"), "application/json");
        if (!result) {
          return;  // killed
        }
        answered.at(static_cast<std::size_t>(c)).push_back(uid);
        ++answers;
        answers.notify_one();
      }
    });
  }
  for (int seen = answers; seen < kAnswersBeforeTheKill; seen = answers) {
    answers.wait(seen);
  }
  program.Kill();
  for (std::thread& client : clients) {
    client.join();
  }

  const auto log = audit::OpenDatabaseReader(folder / "audit.db");
  ASSERT_TRUE(log) << log.error().ToString();
  for (const auto& uids : answered) {
    EXPECT_FALSE(uids.empty());
    for (const std::string& uid : uids) {
      const auto page = (*log)->Read({.filter = {.uid = uid}});
      ASSERT_TRUE(page) << page.error().ToString();
      EXPECT_EQ(page->rows.size(), 1U) << uid;
    }
  }
}

}  // namespace
}  // namespace webhook
