// The program fake-azure: what it prints is what reads it.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/network_client.h"
#include "tests/azure/fake_azure_session.h"
#include "tests/support/temp_folder.h"

extern char** environ;  // POSIX has the program declare it

namespace azure {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::milliseconds kAmple = std::chrono::minutes(2);

// The program with its standard output and standard error on one pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), FAKE_AZURE_BINARY);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
      pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    EXPECT_EQ(posix_spawn(&pid_, pointers.front(), &actions, nullptr, pointers.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Program() {
    Signal(SIGKILL);
    Wait();
    std::fclose(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What it writes, up to the line with `text` or its end.
  std::string ReadUntil(const std::string& text) {
    std::string all;
    std::array<char, 4096> line{};
    while (all.find(text) == std::string::npos && std::fgets(line.data(), line.size(), output_) != nullptr) {
      all += line.data();
    }
    return all;
  }

  void Signal(int signal) const {
    if (pid_ > 0) {
      kill(pid_, signal);
    }
  }

  // Its exit code; -1 when it ended by a signal.
  int Wait() {
    int status = -1;
    if (pid_ > 0) {
      waitpid(pid_, &status, 0);
      pid_ = 0;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  FILE* output_ = nullptr;
};

class FakeAzureProgram : public ::testing::Test {
 protected:
  // What the program's configuration asks for.
  std::unique_ptr<Session> Connect(const std::string& inventory) {
    constexpr std::string_view kBefore = "resourceManager: \"";
    const std::size_t begin = inventory.find(kBefore) + kBefore.size();
    origin_ = inventory.substr(begin, inventory.find('"', begin) - begin);
    const auto cloud = CheckCloud({"FakeCloud", origin_, origin_, {"azurecr.io"}});
    http::NetworkClientOptions options;
    options.version = "1.2.3";
    options.tls.ca_file = folder_ / "ca.crt";
    options.tls.system = http::SystemTrust::kNotUsed;
    auto client = http::NetworkClient::Create(options, clock_);
    EXPECT_TRUE(cloud && client) << inventory;
    client_ = *std::move(client);
    CredentialOptions credential;
    credential.kind = CredentialKind::kClientSecret;
    credential.tenant_id = "11111111-0000-0000-0000-000000000000";
    credential.client_id = "22222222-0000-0000-0000-000000000000";
    credential.client_secret_file = folder_ / "client-secret";
    auto source = MakeTokenSource(
        credential, [](const std::string&) { return std::nullopt; }, *cloud, *client_, clock_,
        [](std::chrono::milliseconds) { return true; });
    EXPECT_TRUE(source) << inventory;
    return std::make_unique<Session>(*std::move(source), *cloud, *client_, clock_);
  }

  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    for (const char* argument :
         {"--tenant", "11111111-0000-0000-0000-000000000000", "--client-id", "22222222-0000-0000-0000-000000000000"}) {
      more.emplace_back(argument);
    }
    more.insert(more.end(), {"--directory", folder_ / "."});
    return more;
  }

  support::TempFolder folder_;
  support::FakeClock clock_;
  std::string origin_;
  std::unique_ptr<http::NetworkClient> client_;
};

TEST_F(FakeAzureProgram, ServesMadeUpRegistriesAsItsConfigurationSays) {
  Program program(Arguments({"--registries", "20", "--subscriptions", "3"}));
  const std::string inventory = program.ReadUntil("scope");
  const auto session = Connect(inventory);
  const std::string folder = folder_ / "";
  EXPECT_EQ(inventory, "inventory:\n  source: azure\n  cloud: {name: FakeCloud, resourceManager: \"" + origin_ + "\", authority: \"" +
                           origin_ + "\", registrySuffixes: [azurecr.io]}\n  ca: " + folder +
                           "ca.crt\n  azure:\n    - credential: {kind: clientSecret, tenantId: 11111111-0000-0000-0000-000000000000, "
                           "clientId: 22222222-0000-0000-0000-000000000000, clientSecretFile: " +
                           folder + "client-secret}\n      scope: {}\n");
  const auto found = session->reader->Discover({}, kAmple);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(*found, SizeIs(20));
  std::vector<std::string> without_key;
  for (const Discovered& one : *found) {
    const auto registry = session->reader->Get(one.resource_id, kAmple);
    ASSERT_TRUE(registry) << registry.error().ToString();
    if (json::parse(registry->body.Text()).at("properties").at("encryption").at("status") != "enabled") {
      without_key.push_back(registry->name);
    }
  }
  EXPECT_EQ(without_key, std::vector<std::string>{"registry00009"});
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(FakeAzureProgram, ServesTheRegistriesOfAFileAndReadsItAgain) {
  constexpr const char* kSubscription = "5f3c7a1e-0b2d-4c8e-9a61-3d2f0e7b9c45";
  std::ifstream examples(std::string(ACR_TEST_DATA) + "/../../examples/registries.json");
  json registries = json::parse(examples);
  const std::string id = registries.at(0).at("id");
  json tokens = json::array();
  tokens.push_back({{"id", id + "/tokens/ci"}, {"name", "ci"}, {"status", "enabled"}});  // as az prints it
  registries.at(0)["children"]["tokens"] = std::move(tokens);
  folder_.Write("registries.json", registries.dump());
  Program program(Arguments({"--registries-file", folder_ / "registries.json"}));
  const auto session = Connect(program.ReadUntil("scope"));
  auto listed = session->reader->List(kSubscription, kAmple);
  ASSERT_TRUE(listed) << listed.error().ToString();
  EXPECT_EQ(listed->size(), registries.size());
  const auto children = session->reader->ListChildren(id, "tokens", kAmple);
  ASSERT_TRUE(children) << children.error().ToString();
  EXPECT_EQ(json::parse(children->resources).at(0).at("properties").at("status"), "enabled");
  registries.at(0).erase("children");

  folder_.Write("registries.json", "[" + registries.at(0).dump() + "]");
  program.Signal(SIGHUP);
  program.ReadUntil("1 registries of ");
  listed = session->reader->List(kSubscription, kAmple);
  ASSERT_TRUE(listed) << listed.error().ToString();
  EXPECT_THAT(*listed, SizeIs(1));
  EXPECT_EQ(session->reader->ListChildren(id, "tokens", kAmple)->resources, "[]");

  folder_.Write("registries.json", "[");
  EXPECT_THAT(program.ReadUntil("expected JSON"), HasSubstr("registries.json")) << "noticed without a signal";
  EXPECT_THAT(*session->reader->List(kSubscription, kAmple), SizeIs(1)) << "a file that is wrong changes nothing";
}

TEST_F(FakeAzureProgram, FileThatCannotBeReadIsSaidAndEndsIt) {
  Program program(Arguments({"--registries-file", folder_ / "absent.json"}));
  EXPECT_THAT(program.ReadUntil("absent.json"), HasSubstr("fake-azure: "));
  EXPECT_EQ(program.Wait(), 1);
}

}  // namespace
}  // namespace azure
