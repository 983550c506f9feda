// The built program as a shell sees it: exit codes, what goes to standard output and what to standard error, signals.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/cli/run.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has the program declare it

namespace cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ReadAll(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class CommandLineProgram : public ::testing::Test {
 protected:
  // Starts the program; standard error goes to `err`, or to the file "err" where that is -1.
  pid_t Start(std::vector<std::string> words, const std::string& input, int err = -1) {
    folder_.Write("in", input);
    words.insert(words.begin(), ACR_BINARY);
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, (folder_ / "in").c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, (folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (err < 0) {
      posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder_ / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    } else {
      posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    }
    pid_t child = -1;
    EXPECT_EQ(posix_spawn(&child, ACR_BINARY, &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return child;
  }

  // The exit code, or 128 and the signal that ended it.
  static int Wait(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  Ran Execute(std::vector<std::string> words, const std::string& input = {}) {
    const int exit = Wait(Start(std::move(words), input));
    return {exit, ReadAll(folder_ / "out"), ReadAll(folder_ / "err")};
  }

  void WriteServeFiles() {
    const support::TestCertificate certificate = support::MakeSelfSigned();
    folder_.Write("tls.crt", certificate.certificate_pem);
    folder_.Write("tls.key", certificate.key_pem);
    folder_.Write("registries.json", json{CompliantRegistry("contoso")}.dump());
    folder_.Write("config.yaml",
                  "server: {address: \"127.0.0.1:0\", drainDelay: 0s}\nhealth: {address: \"127.0.0.1:0\"}\n"
                  "tls: {certificate: tls.crt, key: tls.key}\ninventory: {file: registries.json}\n");
  }

  support::TempFolder folder_;
};

// A `serve` whose log lines are read as they come.
class Serving {
 public:
  template <class StartFunction>
  explicit Serving(StartFunction start) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
    pid_ = start(pipe[1]);
    close(pipe[1]);
    log_ = fdopen(pipe[0], "r");
  }
  ~Serving() { std::fclose(log_); }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // The message of the next line that holds `text`; "" when the log ends before.
  std::string WaitForLine(const std::string& text) {
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), log_) != nullptr) {
      const auto value = base::ParseJson(line.data(), "log");
      EXPECT_TRUE(value) << line.data();
      const std::string message = value ? (*value)["message"].get<std::string>() : "";
      if (message.find(text) != std::string::npos) {
        return message;
      }
    }
    return "";
  }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  FILE* log_ = nullptr;
};

std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while ((got = recv(fd, chunk.data(), chunk.size(), 0)) > 0) {
    answer.append(chunk.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  return answer;
}

int PortAfter(const std::string& text, const std::string& what) {
  const std::size_t at = text.find(what);
  return at == std::string::npos ? -1 : std::stoi(text.substr(at + what.size()));
}

TEST_F(CommandLineProgram, TellsItsVersionOnStandardOutputAlone) {
  const Ran ran = Execute({"--version"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "acr-admission " ACR_VERSION "\n");
  EXPECT_EQ(ran.err, "");
}

TEST_F(CommandLineProgram, EndsWithTwoForWrongUsageAndLeavesStandardOutputEmpty) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"frobnicate"}, {"serve"}, {"explain", "--wrong", "x"}}) {
    const Ran ran = Execute(words);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.err, "");
  }
}

TEST_F(CommandLineProgram, NamesTheCommandThatThereIsNot) { EXPECT_THAT(Execute({"frob"}).err, HasSubstr("no such command: frob")); }

TEST_F(CommandLineProgram, RefusesAnEmptyFilterOfTheAuditLog) {
  const Ran ran = Execute({"audit", "--database", "none.db", "--namespace", ""});
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("must not be empty"));
}

TEST_F(CommandLineProgram, VerifiesTheAuditLog) {
  const Ran ran = Execute({"audit", "verify", "--database", folder_ / "none.db", "--anchors", "-"});
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("none.db: there is no such file"));
}

TEST_F(CommandLineProgram, MigratesTheAuditSchema) {
  const Ran ran = Execute({"audit", "migrate", "--config", folder_ / "none.yaml", "--user", "owner", "--password-file", "password"});
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("none.yaml"));
  EXPECT_THAT(Execute({"audit", "migrate"}).err, HasSubstr("--config is required"));
}

TEST_F(CommandLineProgram, RefusesFiltersInFrontOfACommandOfAuditWhereTheyWouldMeanNothing) {
  const Ran migrate = Execute({"audit", "--namespace", "shop", "migrate", "--config", "none.yaml"});
  EXPECT_EQ(migrate.exit, kExitError);
  EXPECT_THAT(migrate.err, HasSubstr("behind `migrate`"));
  const Ran ran = Execute({"audit", "--namespace", "shop", "verify"});
  EXPECT_EQ(ran.exit, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("behind `verify`"));
}

TEST_F(CommandLineProgram, CheckEndsWithItsDecision) {
  folder_.Write("registries.json", json{CompliantRegistry("contoso")}.dump());
  const std::vector<std::string> words = {"check", "--registries", folder_ / "registries.json", "-o", "json", "-"};
  EXPECT_EQ(Execute(words, PodWithImage("contoso.azurecr.io/app:1").dump()).exit, 0);
  EXPECT_EQ(Execute(words, PodWithImage("evil.azurecr.io/app:1").dump()).exit, 1);
  EXPECT_EQ(Execute(words, "a: [").exit, 2);
}

TEST_F(CommandLineProgram, PrintsJsonAndNothingElse) {
  const Ran ran = Execute({"explain", "-o", "json", "nginx", "-"}, "busybox\n");
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.err, "");
  const auto rows = base::ParseJson(ran.out, "output");
  ASSERT_TRUE(rows) << ran.out;
  EXPECT_EQ(rows->size(), 2U);
}

TEST_F(CommandLineProgram, UsesNoColoursInAFile) { EXPECT_EQ(Execute({"explain", "nginx"}).out.find('\x1b'), std::string::npos); }

TEST_F(CommandLineProgram, SaysWhenStandardOutputCannotBeWritten) {
  const std::string command = std::string(ACR_BINARY) + " explain nginx >/dev/full 2>" + (folder_ / "err");
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(ReadAll(folder_ / "err"), "standard output cannot be written\n");
}

TEST_F(CommandLineProgram, ServeRefusesABadConfigurationWithItsPlace) {
  folder_.Write("config.yaml", "tls: {}\n");
  const Ran ran = Execute({"serve", "--config", folder_ / "config.yaml"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("config.yaml:1:"));
}

TEST_F(CommandLineProgram, ServeRefusesToStartWithABadPolicy) {
  WriteServeFiles();
  std::ofstream(folder_ / "config.yaml", std::ios::app) << "policy: policy.yaml\n";
  folder_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nfoo: 1\n");
  const Ran ran = Execute({"serve", "--config", folder_ / "config.yaml"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, StartsWith("{\"time\":"));
  EXPECT_THAT(ran.err, HasSubstr("policy.yaml:3:1"));
}

TEST_F(CommandLineProgram, ServeIsReadyOnceItSaysSoAndDrainsOnSigterm) {
  WriteServeFiles();
  Serving serving([&](int err) { return Start({"serve", "--config", folder_ / "config.yaml"}, "", err); });
  const std::string started = serving.WaitForLine("serving on ");
  EXPECT_THAT(started, HasSubstr("1 registries"));
  EXPECT_THAT(started, HasSubstr("policy sha256:"));
  const int health = PortAfter(started, "health on 127.0.0.1:");
  ASSERT_GT(health, 0) << started;
  EXPECT_THAT(HttpGet(health, "/readyz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(HttpGet(health, "/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(HttpGet(health, "/metrics"), HasSubstr("registries"));
  kill(serving.pid(), SIGTERM);
  EXPECT_NE(serving.WaitForLine("stopped"), "");
  EXPECT_EQ(Wait(serving.pid()), 0);
  const std::string out = ReadAll(folder_ / "out");
  EXPECT_THAT(out, StartsWith("{\"anchor\":"));
  EXPECT_EQ(out.find('\n'), out.size() - 1) << out;  // nothing else, for there was no decision

  // By what it wrote there, its log can be verified.
  const Ran verified = Execute({"audit", "verify", "--config", folder_ / "config.yaml", "--anchors", "-"}, out);
  EXPECT_EQ(verified.exit, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("\nwhole: "));
}

TEST_F(CommandLineProgram, ServeWaitsForItsInventoryBeforeItIsReady) {
  WriteServeFiles();
  folder_.Write("registries.json", "not json");
  Serving serving([&](int err) { return Start({"serve", "--config", folder_ / "config.yaml"}, "", err); });
  const std::string started = serving.WaitForLine("serving on ");
  const int health = PortAfter(started, "health on 127.0.0.1:");
  ASSERT_GT(health, 0) << started;
  const std::string answer = HttpGet(health, "/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("registries.json"));
  kill(serving.pid(), SIGINT);
  EXPECT_EQ(Wait(serving.pid()), 0);
}

TEST_F(CommandLineProgram, ServeEndsAtOnceOnASecondSignal) {
  WriteServeFiles();
  std::ofstream(folder_ / "config.yaml") << "server: {address: \"127.0.0.1:0\", drainDelay: 60s}\nhealth: {address: \"127.0.0.1:0\"}\n"
                                            "tls: {certificate: tls.crt, key: tls.key}\ninventory: {file: registries.json}\n";
  Serving serving([&](int err) { return Start({"serve", "--config", folder_ / "config.yaml"}, "", err); });
  ASSERT_NE(serving.WaitForLine("serving on "), "");
  kill(serving.pid(), SIGTERM);
  ASSERT_NE(serving.WaitForLine("draining"), "");
  kill(serving.pid(), SIGTERM);
  EXPECT_EQ(Wait(serving.pid()), 128 + SIGTERM);
}

TEST_F(CommandLineProgram, ServeEndsAtOnceWhenItIsStoppedBeforeItServes) {
  ASSERT_EQ(mkfifo((folder_ / "config.yaml").c_str(), 0600), 0);
  const pid_t child = Start({"serve", "--config", folder_ / "config.yaml"}, "");
  const int fifo = open((folder_ / "config.yaml").c_str(), O_WRONLY | O_CLOEXEC);  // returns when it is being read
  kill(child, SIGTERM);
  EXPECT_EQ(Wait(child), 0);
  close(fifo);
}

TEST_F(CommandLineProgram, TwoServersNeverShareAPort) {
  WriteServeFiles();
  Serving first([&](int err) { return Start({"serve", "--config", folder_ / "config.yaml"}, "", err); });
  const std::string port = std::to_string(PortAfter(first.WaitForLine("serving on "), "serving on 127.0.0.1:"));
  folder_.Write("second.yaml", "server: {address: \"127.0.0.1:" + port +
                                   "\"}\nhealth: {address: \"127.0.0.1:0\"}\naudit: {database: second.db}\n"
                                   "tls: {certificate: tls.crt, key: tls.key}\ninventory: {file: registries.json}\n");
  const Ran second = Execute({"serve", "--config", folder_ / "second.yaml"});
  EXPECT_EQ(second.exit, 2);
  EXPECT_THAT(second.err, HasSubstr(port));
  kill(first.pid(), SIGTERM);
  EXPECT_EQ(Wait(first.pid()), 0);
}

TEST_F(CommandLineProgram, MakesFilesThatAreItsOwnersAlone) {
  WriteServeFiles();
  Serving serving([&](int err) { return Start({"serve", "--config", folder_ / "config.yaml"}, "", err); });
  ASSERT_NE(serving.WaitForLine("serving on "), "");
  const auto permissions = std::filesystem::status(folder_ / "audit.db").permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::mask, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  kill(serving.pid(), SIGTERM);
  EXPECT_EQ(Wait(serving.pid()), 0);
}

}  // namespace
}  // namespace cli
