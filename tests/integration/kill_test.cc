// The promise of the audit log, kept by the program itself: whoever has been answered is in it, however the program ends.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "tests/integration/program.h"
#include "tests/support/admission_world.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace webhook {
namespace {

constexpr int kClients = 4;
constexpr int kMostAnswers = 600;
constexpr int kMostTwice = 64;  // lines that the next run repeats: docs/audit.md

// More by hand: ACR_TEST_KILLS=100.
int Rounds() {
  const char* text = std::getenv("ACR_TEST_KILLS");
  return text == nullptr ? 3 : std::atoi(text);
}

// Clients that ask until the program is gone.
class Load {
 public:
  Load(int port, const std::string& round) {
    for (int c = 0; c < kClients; ++c) {
      clients_.emplace_back([this, port, c, prefix = round + "-" + std::to_string(c) + "-"] { Ask(port, prefix, answered_[c]); });
    }
  }

  void WaitForAnswers(int count) {
    for (int seen = answers_; seen < count; seen = answers_) {
      answers_.wait(seen);
    }
  }

  // After the program's end: the uids that were answered.
  std::vector<std::string> Join() {
    std::vector<std::string> all;
    for (int c = 0; c < kClients; ++c) {
      clients_[c].join();
      all.insert(all.end(), answered_[c].begin(), answered_[c].end());
    }
    return all;
  }

 private:
  void Ask(int port, const std::string& prefix, std::vector<std::string>& answered) {
    httplib::SSLClient client("127.0.0.1", port);
    client.enable_server_certificate_verification(false);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    for (int i = 0;; ++i) {
      const std::string uid = prefix + std::to_string(i);
      if (!client.Post("/validate", support::PodReview(uid, "quay.io/a/b:1"), "application/json")) {
        return;  // killed
      }
      answered.push_back(uid);
      ++answers_;
      answers_.notify_one();
    }
  }

  std::atomic<int> answers_{0};
  std::vector<std::string> answered_[kClients];
  std::vector<std::thread> clients_;
};

// How often each uid has a line, and that lines of one uid are the same.
std::map<std::string, int> UidsIn(const std::string& text) {
  std::map<std::string, int> counts;
  std::map<std::string, std::string> first;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (record.is_object() && record.contains("uid")) {  // else an anchor, or half a line of a run that was killed
      const std::string uid = record["uid"];
      ++counts[uid];
      EXPECT_EQ(first.emplace(uid, line).first->second, line);
    }
  }
  return counts;
}

TEST(Kill, UnderLoadLosesNoRecordOfWhoWasAnswered) {
  std::signal(SIGPIPE, SIG_IGN);  // the clients write to a server that is gone
  const support::TempFolder folder;
  const support::TestCertificate certificate = support::MakeSelfSigned();
  folder.Write("tls.crt", certificate.certificate_pem);
  folder.Write("tls.key", certificate.key_pem);
  folder.Write("registries.json", "[]");
  folder.Write("config.yaml",
               "server: {address: \"127.0.0.1:0\"}\nhealth: {address: \"127.0.0.1:0\"}\ntls: {certificate: tls.crt, key: tls.key}\n"
               "inventory: {source: file, file: registries.json}\naudit: {database: audit.db}\n");

  std::minstd_rand random(std::random_device{}());
  std::vector<std::string> answered;
  std::string collected;
  const int rounds = Rounds();
  for (int round = 0; round < rounds; ++round) {
    support::Program program({"serve", "--config", folder / "config.yaml"});
    const int port = program.WaitForPorts().review;
    ASSERT_GT(port, 0);
    Load load(port, std::to_string(round));
    load.WaitForAnswers(1 + static_cast<int>(random() % kMostAnswers));
    program.Kill();
    const std::vector<std::string> uids = load.Join();
    answered.insert(answered.end(), uids.begin(), uids.end());
    collected += program.Out();
  }
  {
    support::Program program({"serve", "--config", folder / "config.yaml"});
    ASSERT_GT(program.WaitForPorts().review, 0);
    EXPECT_EQ(program.Terminate(), 0);  // what was left to write is written
    collected += program.Out();
  }
  folder.Write("collected.log", collected);

  support::Program query({"audit", "--database", folder / "audit.db", "--limit", "1000000", "-o", "jsonl"});
  EXPECT_EQ(query.Wait(), 0) << query.Err();
  const std::map<std::string, int> stored = UidsIn(query.Out());
  const std::map<std::string, int> printed = UidsIn(collected);
  int twice = 0;
  for (const std::string& uid : answered) {
    EXPECT_EQ(stored.contains(uid) ? stored.at(uid) : 0, 1) << uid;
    EXPECT_TRUE(printed.contains(uid)) << uid;
  }
  for (const auto& [uid, count] : printed) {
    EXPECT_TRUE(stored.contains(uid)) << uid;
    twice += count - 1;
  }
  EXPECT_LE(twice, kMostTwice * rounds);

  support::Program verify({"audit", "verify", "--database", folder / "audit.db", "--anchors", folder / "collected.log"});
  EXPECT_EQ(verify.Wait(), 0);
  EXPECT_THAT(verify.Out(), testing::HasSubstr("\nwhole: "));
  RecordProperty("answered", static_cast<int>(answered.size()));
  std::printf("%d kills: %zu answered, %zu stored, %d lines twice\n%s", rounds, answered.size(), stored.size(), twice,
              verify.Out().c_str());
}

}  // namespace
}  // namespace webhook
