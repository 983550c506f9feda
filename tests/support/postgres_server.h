// A PostgreSQL of a test's own: Debian's programs on a fresh cluster in a temporary folder.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "audit/postgresql.h"

namespace support {

// A process's standard error, read as it comes.
class ServerLog;

// For one thread. Over the Unix socket everybody is believed; over TCP, at 127.0.0.1, the connection has TLS and the login is SCRAM.
class PostgresServer {
 public:
  enum class Disk { kSynced, kNotSynced };  // whether it waits for the disk, as a server does that may crash

  explicit PostgresServer(Disk disk);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // And waits until it takes connections. `settings`: NAME=VALUE.
  void Start(const std::vector<std::string>& settings = {});
  void Kill();   // SIGKILL to all its processes, and waits until they are gone
  void Pause();  // SIGSTOP to all its processes
  void Resume();

  // An empty database, and who to ask for it.
  std::string CreateDatabase();
  audit::postgresql::Server OverSocket(const std::string& database, const std::string& user = "postgres") const;
  audit::postgresql::Server OverTls(const std::string& database, const std::string& user, const std::string& password_file) const;

  // A file of the server's folder.
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  void Run(const std::vector<std::string>& words);
  pid_t Spawn(const std::vector<std::string>& words, int error) const;
  std::vector<pid_t> Processes() const;  // the postmaster last

  const Disk disk_;
  std::string folder_;
  int port_ = 0;
  pid_t postmaster_ = 0;
  int databases_ = 0;
  std::unique_ptr<ServerLog> log_;
};

// Not synced, started at the first call, ended with the test program.
PostgresServer& SharedPostgres();

// Names of the loopback alone: tests' certificates are for them.
base::Result<std::vector<std::string>> ResolveLoopback(const std::string& host, const base::Until& until);

audit::postgresql::Connection Connect(const audit::postgresql::Server& server);

// Runs statements; the first column of what the last one brings. What fails fails the test.
std::vector<std::string> Sql(const audit::postgresql::Server& server, const std::string& script);

}  // namespace support
