// The promise of the whole way: whoever has been answered is found in both stores, exactly once, however often the program and PostgreSQL
// are killed meanwhile.
//
// ACR_KILL_ROUNDS=100 makes it long, ACR_KILL_SEED another.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "audit/postgresql_schema.h"
#include "tests/audit/scratch.h"
#include "tests/integration/program.h"
#include "tests/support/admission_world.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace {

constexpr int kClients = 2;
constexpr int kRounds = 8;

int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

// Clients that ask until their server is gone, and never get far ahead of what is waited for: starts of PostgreSQL take their time.
class Load {
 public:
  static constexpr int kAhead = 40;

  Load(int port, int round) {
    for (int c = 0; c < kClients; ++c) {
      clients_.emplace_back([this, port, round, c] { Ask(port, std::to_string(round) + "-" + std::to_string(c) + "-", c); });
    }
  }
  void WaitForAnswers(int count) {
    allowed_ = count + kAhead;
    allowed_.notify_all();
    for (int seen = answers_; seen < count; seen = answers_) {
      answers_.wait(seen);
    }
  }
  // When the server is gone.
  std::vector<std::string> Join() {
    allowed_ = std::numeric_limits<int>::max();
    allowed_.notify_all();
    std::vector<std::string> uids;
    for (std::size_t c = 0; c < clients_.size(); ++c) {
      clients_[c].join();
      uids.insert(uids.end(), answered_.at(c).begin(), answered_.at(c).end());
    }
    return uids;
  }

 private:
  void Ask(int port, const std::string& prefix, int c) {
    httplib::SSLClient client("127.0.0.1", port);
    client.enable_server_certificate_verification(false);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    for (int i = 0;; ++i) {
      const std::string uid = prefix + std::to_string(i);
      for (int allowed = allowed_; answers_ >= allowed; allowed = allowed_) {
        allowed_.wait(allowed);
      }
      if (!client.Post("/validate", support::PodReview(uid, "quay.io/a/b:1"), "application/json")) {
        answers_ += 1'000'000;  // nobody waits for more
        answers_.notify_all();
        return;
      }
      answered_.at(static_cast<std::size_t>(c)).push_back(uid);
      ++answers_;
      answers_.notify_all();
    }
  }

  std::atomic<int> answers_{0};
  std::atomic<int> allowed_{0};
  std::array<std::vector<std::string>, kClients> answered_;
  std::vector<std::thread> clients_;
};

TEST(PostgresqlKill, WhoWasAnsweredIsFoundOnceInBothStores) {
  std::signal(SIGPIPE, SIG_IGN);  // the clients write to a server that is gone
  const int rounds = FromEnvironment("ACR_KILL_ROUNDS", kRounds);
  std::mt19937 random(static_cast<unsigned>(FromEnvironment("ACR_KILL_SEED", 1)));
  const auto up_to = [&](unsigned most) { return static_cast<int>(random() % most); };

  // What a killed process wrote is in the kernel, synced or not: the suite spares itself a sync of all files at each start.
  using Disk = support::PostgresServer::Disk;
  support::PostgresServer postgres(rounds > kRounds ? Disk::kSynced : Disk::kNotSynced);
  const audit::postgresql::Server server = postgres.OverSocket(postgres.CreateDatabase());
  const support::TempFolder folder;
  const support::TestCertificate certificate = support::MakeSelfSigned();
  folder.Write("tls.crt", certificate.certificate_pem);
  folder.Write("tls.key", certificate.key_pem);
  folder.Write("registries.json", "[]");
  folder.Write("config.yaml",
               "server: {address: \"127.0.0.1:0\"}\nhealth: {address: \"127.0.0.1:0\"}\ntls: {certificate: tls.crt, key: tls.key}\n"
               "inventory: {source: file, file: registries.json}\naudit:\n  database: audit.db\n  stdout: false\n  postgresql: {host: " +
                   server.host + ", port: " + std::to_string(server.port) + ", database: " + server.database + ", user: postgres}\n");
  ASSERT_EQ(support::Program({"audit", "migrate", "--config", folder / "config.yaml"}).Wait(), 0);

  std::vector<std::string> answered;
  for (int round = 0; round < rounds; ++round) {
    support::Program program({"serve", "--config", folder / "config.yaml"});
    const int port = program.WaitForPorts().review;
    ASSERT_GT(port, 0);
    Load load(port, round);
    int answers = up_to(200);
    load.WaitForAnswers(answers);
    const bool without = up_to(4) == 0;  // it is away when the program is killed, and when the next one starts
    postgres.Kill();
    answers += up_to(100);
    load.WaitForAnswers(answers);
    if (!without) {
      postgres.Start();
      load.WaitForAnswers(answers + up_to(400));
    }
    program.Kill();
    const std::vector<std::string> uids = load.Join();
    answered.insert(answered.end(), uids.begin(), uids.end());
    if (without) {
      postgres.Start();
    }
  }

  // One that is asked to end sends what is left; so do others, should it be stopped by its time.
  const auto store_rows = [&] { return support::Find(folder / "audit.db", {.limit = 1'000'000}).size(); };
  const auto forwarded = [&] { return std::stoul(support::Sql(server, "SELECT count(*) FROM acr_admission.decision").front()); };
  for (int run = 0; run < 20 && forwarded() < store_rows(); ++run) {
    support::Program program({"serve", "--config", folder / "config.yaml"});
    ASSERT_GT(program.WaitForPorts().review, 0);
    EXPECT_EQ(program.Terminate(), 0);
  }
  EXPECT_EQ(forwarded(), store_rows());

  std::map<std::string, int> there;
  for (const std::string& uid : support::Sql(server, "SELECT uid FROM acr_admission.decision")) {
    ++there[uid];
  }
  std::map<std::string, int> here;
  for (const std::string& record : support::Find(folder / "audit.db", {.limit = 1'000'000})) {
    ++here[nlohmann::json::parse(record)["uid"].get<std::string>()];
  }
  EXPECT_EQ(there, here);
  EXPECT_FALSE(answered.empty());
  for (const std::string& uid : answered) {
    ASSERT_EQ(here[uid], 1) << uid;
    ASSERT_EQ(there[uid], 1) << uid;
  }
  RecordProperty("answered", static_cast<int>(answered.size()));
  std::cout << rounds << " rounds, " << answered.size() << " answered\n";
}

}  // namespace
