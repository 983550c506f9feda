#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "tests/support/test_certificates.h"

extern char** environ;  // POSIX has the program declare it

namespace support {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr std::chrono::seconds kPatience{60};

[[noreturn]] void GiveUp(const std::string& why) {
  std::cerr << "PostgreSQL for the tests: " << why << '\n';
  std::exit(1);  // every test of the program would fail
}

// PostgreSQL refuses to run as root.
const passwd* Unprivileged() {
  if (geteuid() != 0) {
    return nullptr;
  }
  const passwd* const postgres = getpwnam("postgres");
  return postgres != nullptr ? postgres : getpwnam("nobody");
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    GiveUp("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

void WaitForEnd(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd >= 0) {
    pollfd wanted{fd, POLLIN, 0};
    poll(&wanted, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    close(fd);
  }
}

}  // namespace

class ServerLog {
 public:
  ServerLog() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      GiveUp("no pipe");
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
  }
  ~ServerLog() {
    if (write_end_ >= 0) {
      close(write_end_);
    }
    if (reader_.joinable()) {
      reader_.join();
    }
    close(read_end_);
  }
  ServerLog(const ServerLog&) = delete;
  ServerLog& operator=(const ServerLog&) = delete;

  int write_end() const { return write_end_; }
  void Begin() {
    close(std::exchange(write_end_, -1));
    reader_ = std::thread([this] { Read(); });
  }
  // False when the process ended without having written it.
  bool WaitFor(const std::string& words) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    while (!ended_ && text_.find(words) == std::string::npos) {
      changed_.Wait(mutex_);
    }
    return text_.find(words) != std::string::npos;
  }
  std::string All() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    return text_;
  }

 private:
  void Read() EXCLUDES(mutex_) {
    std::array<char, 4096> chunk{};
    while (true) {
      const ssize_t size = read(read_end_, chunk.data(), chunk.size());
      const base::MutexLock lock(mutex_);
      changed_.NotifyAll();
      if (size <= 0) {
        ended_ = true;
        return;
      }
      text_.append(chunk.data(), static_cast<std::size_t>(size));
    }
  }

  int read_end_ = -1;
  int write_end_ = -1;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::string text_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

PostgresServer::PostgresServer(Disk disk) : disk_(disk), folder_("/tmp/acr-postgres.XXXXXX"), port_(FreePort()) {
  if (access((std::string(kPrograms) + "initdb").c_str(), X_OK) != 0) {
    GiveUp(std::string(kPrograms) + "initdb is not there; apt-get install postgresql-15");
  }
  if (mkdtemp(folder_.data()) == nullptr) {
    GiveUp("no folder in /tmp");
  }
  const TestCertificate ca = MakeCa();
  const TestCertificate leaf = MakeLeaf(ca);
  std::ofstream(Path("ca.crt")) << ca.certificate_pem;
  std::ofstream(Path("tls.crt")) << leaf.certificate_pem;
  std::ofstream(Path("tls.key")) << leaf.key_pem;
  chmod(Path("tls.key").c_str(), S_IRUSR | S_IWUSR);
  if (const passwd* const user = Unprivileged()) {
    for (const std::string& path : {folder_, Path("tls.key")}) {
      if (chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
        GiveUp("cannot give " + path + " to " + user->pw_name);
      }
    }
  }
  Run({"initdb", "--pgdata", Path("data"), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8",
       "--no-sync", "--no-instructions"});
  std::ofstream(Path("hba.conf")) << "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
  Start();
}

PostgresServer::~PostgresServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

pid_t PostgresServer::Spawn(const std::vector<std::string>& words, int error) const {
  std::vector<std::string> command = {"/usr/bin/setpriv", "--pdeathsig", "KILL"};
  if (const passwd* const user = Unprivileged()) {
    command.insert(command.end(), {"--reuid", std::to_string(user->pw_uid), "--regid", std::to_string(user->pw_gid), "--clear-groups"});
  }
  command.push_back(kPrograms + words.front());
  command.insert(command.end(), words.begin() + 1, words.end());
  std::vector<char*> pointers;
  for (std::string& word : command) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder_.c_str());
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
  pid_t pid = 0;
  if (posix_spawn(&pid, pointers.front(), &actions, nullptr, pointers.data(), environ) != 0) {
    GiveUp("cannot start " + command.front());
  }
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void PostgresServer::Run(const std::vector<std::string>& words) {
  ServerLog log;
  const pid_t pid = Spawn(words, log.write_end());
  log.Begin();
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) {
    GiveUp(words.front() + " failed: " + log.All());
  }
}

void PostgresServer::Start(const std::vector<std::string>& settings) {
  std::vector<std::string> words = {"postgres", "-D", Path("data")};
  const auto set = [&](const std::string& setting) { words.insert(words.end(), {"-c", setting}); };
  set("port=" + std::to_string(port_));
  set("unix_socket_directories=" + folder_);
  set("listen_addresses=127.0.0.1");
  set("hba_file=" + Path("hba.conf"));
  set("ssl=on");
  set("ssl_cert_file=" + Path("tls.crt"));
  set("ssl_key_file=" + Path("tls.key"));
  set("shared_buffers=16MB");
  set("max_connections=40");
  set("timezone=Asia/Tokyo");  // days are UTC's whatever the server thinks
  if (disk_ == Disk::kNotSynced) {
    set("fsync=off");
    set("full_page_writes=off");
  }
  std::for_each(settings.begin(), settings.end(), set);
  log_ = std::make_unique<ServerLog>();
  postmaster_ = Spawn(words, log_->write_end());
  log_->Begin();
  if (!log_->WaitFor("database system is ready to accept connections")) {
    GiveUp("postgres ended: " + log_->All());
  }
}

std::vector<pid_t> PostgresServer::Processes() const {
  std::vector<pid_t> processes;
  std::ifstream children("/proc/" + std::to_string(postmaster_) + "/task/" + std::to_string(postmaster_) + "/children");
  for (pid_t pid = 0; children >> pid;) {
    processes.push_back(pid);
  }
  processes.push_back(postmaster_);
  return processes;
}

void PostgresServer::Kill() {
  if (postmaster_ == 0) {
    return;
  }
  kill(postmaster_, SIGSTOP);  // it starts no more
  const std::vector<pid_t> processes = Processes();
  for (const pid_t pid : processes) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  waitpid(std::exchange(postmaster_, 0), &status, 0);
  for (const pid_t pid : processes) {
    WaitForEnd(pid);
  }
  log_.reset();
}

void PostgresServer::Pause() {
  for (const pid_t pid : Processes()) {
    kill(pid, SIGSTOP);
  }
}

void PostgresServer::Resume() {
  for (const pid_t pid : Processes()) {
    kill(pid, SIGCONT);
  }
}

std::string PostgresServer::CreateDatabase() {
  std::string name = "test" + std::to_string(++databases_);
  Sql(OverSocket("postgres"), "CREATE DATABASE " + name);
  return name;
}

audit::postgresql::Server PostgresServer::OverSocket(const std::string& database, const std::string& user) const {
  audit::postgresql::Server server;
  server.host = folder_;
  server.port = port_;
  server.database = database;
  server.user = user;
  return server;
}

audit::postgresql::Server PostgresServer::OverTls(const std::string& database, const std::string& user,
                                                  const std::string& password_file) const {
  audit::postgresql::Server server = OverSocket(database, user);
  server.host = "localhost";
  server.password_file = password_file;
  server.ca = Path("ca.crt");
  return server;
}

PostgresServer& SharedPostgres() {
  static PostgresServer server(PostgresServer::Disk::kNotSynced);
  return server;
}

base::Result<std::vector<std::string>> ResolveLoopback(const std::string&, const base::Until&) {
  return std::vector<std::string>{"127.0.0.1"};
}

audit::postgresql::Connection Connect(const audit::postgresql::Server& server) {
  const base::Event never;
  auto connection = audit::postgresql::Connection::Open(server, ResolveLoopback, {std::chrono::steady_clock::now() + kPatience, &never});
  if (!connection) {
    GiveUp(connection.error().ToString());
  }
  return *std::move(connection);
}

std::vector<std::string> Sql(const audit::postgresql::Server& server, const std::string& script) {
  const base::Event never;
  audit::postgresql::Connection connection = Connect(server);
  const auto rows = connection.Execute(script, {std::chrono::steady_clock::now() + kPatience, &never});
  EXPECT_TRUE(rows) << script << ": " << rows.error().ToString();
  std::vector<std::string> texts;
  for (int row = 0; rows && row < rows->size(); ++row) {
    texts.emplace_back(rows->Text(row, 0));
  }
  return texts;
}

}  // namespace support
