#include "tests/integration/test_server.h"

#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace support {

webhook::ServerOptions TestServer::Options() {
  webhook::ServerOptions options;
  options.address = "127.0.0.1:0";
  options.health_address = "127.0.0.1:0";
  options.threads = 2;
  options.drain_delay = std::chrono::milliseconds(0);
  options.limits.first_request_at_stop = std::chrono::milliseconds(10);
  options.limits.tick = std::chrono::milliseconds(5);
  return options;
}

TestServer::TestServer(webhook::ServerOptions options, webhook::Freshen freshen, bool with_identity, webhook::Query audit_api) {
  if (with_identity) {
    PublishNewIdentity();
  }
  states_.Publish(DefaultState());
  webhook::ServerInputs inputs = Inputs();
  inputs.freshen = std::move(freshen);
  inputs.audit_api = std::move(audit_api);
  auto server = webhook::Server::Start(options, std::move(inputs));
  if (!server) {
    throw std::runtime_error(server.error().ToString());
  }
  server_ = std::move(*server);
}

webhook::ServerInputs TestServer::Inputs() {
  webhook::ServerInputs inputs{states_, identities_, clock_, metrics_, nullptr, nullptr, nullptr, nullptr, nullptr};
  inputs.commit = [this](std::span<const audit::Record> records) -> base::Result<void> {
    base::MutexLock lock(mutex_);
    if (fail_commits_) {
      return base::Fail(base::ErrorCode::kUnavailable, "database or disk is full");
    }
    records_.insert(records_.end(), records.begin(), records.end());
    return {};
  };
  inputs.lost = [this](std::span<const audit::Record> records) {
    base::MutexLock lock(mutex_);
    lost_ += records.size();
  };
  inputs.log = [this](base::LogLevel, std::string_view message) {
    base::MutexLock lock(mutex_);
    log_.append(message).append("\n");
    logged_.NotifyAll();
  };
  inputs.not_ready = [this] {
    base::MutexLock lock(mutex_);
    return not_ready_;
  };
  inputs.readiness_notes = [this] {
    base::MutexLock lock(mutex_);
    return notes_;
  };
  return inputs;
}

std::string TestServer::PublishNewIdentity() {
  const TestCertificate made = MakeSelfSigned();
  auto identity = certs::ParseIdentity(made.certificate_pem, made.key_pem);
  if (!identity) {
    throw std::runtime_error(identity.error().message);
  }
  fingerprint_ = (*identity)->fingerprint;
  identities_.Publish(*identity);
  return fingerprint_;
}

std::string TestServer::GetHealth(const std::string& path) const {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(health_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  // The sockets interface takes any address family behind one pointer type.
  if (connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    [[maybe_unused]] const auto sent = send(client, request.data(), request.size(), MSG_NOSIGNAL);
    std::array<char, 4096> chunk;
    for (ssize_t size = 0; (size = recv(client, chunk.data(), chunk.size(), 0)) > 0;) {
      answer.append(chunk.data(), static_cast<std::size_t>(size));
    }
  }
  close(client);
  return answer;
}

std::string TestServer::Metric(const std::string& sample) const {
  const std::string text = GetHealth("/metrics");
  const std::string line = "\nacr_admission_" + sample + " ";
  const std::size_t at = text.find(line);
  if (at == std::string::npos) {
    return "";
  }
  const std::size_t begin = at + line.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

bool TestServer::MetricBecomes(const std::string& sample, const std::string& value) const {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (Metric(sample) == value) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> TestServer::CommittedUids() const {
  base::MutexLock lock(mutex_);
  std::vector<std::string> uids;
  for (const auto& record : records_) {
    uids.push_back(record.uid);
  }
  return uids;
}

std::vector<std::string> TestServer::Recorded(const std::string& member) const {
  base::MutexLock lock(mutex_);
  std::vector<std::string> values;
  for (const auto& record : records_) {
    values.push_back(nlohmann::json::parse(record.json)[member]);
  }
  return values;
}

bool TestServer::Logs(std::string_view text) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  base::MutexLock lock(mutex_);
  while (log_.find(text) == std::string::npos) {
    if (!logged_.WaitUntil(mutex_, until)) {
      return false;
    }
  }
  return true;
}

std::string TestServer::log() const {
  base::MutexLock lock(mutex_);
  return log_;
}

void TestServer::FailCommits(bool fail) {
  base::MutexLock lock(mutex_);
  fail_commits_ = fail;
}

std::size_t TestServer::lost() const {
  base::MutexLock lock(mutex_);
  return lost_;
}

void TestServer::SetNotReady(std::string why) {
  base::MutexLock lock(mutex_);
  not_ready_ = std::move(why);
}

void TestServer::SetNotes(std::string notes) {
  base::MutexLock lock(mutex_);
  notes_ = std::move(notes);
}

}  // namespace support
