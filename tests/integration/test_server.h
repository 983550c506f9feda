// A server as `serve` would start it, on loopback, with an audit log in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/integration/test_client.h"
#include "tests/support/admission_world.h"
#include "tests/support/test_certificates.h"
#include "webhook/server.h"

namespace support {

class TestServer {
 public:
  // Two io threads, both listeners on free ports, the tick short; the default policy's State and a self-signed identity.
  // `freshen` is what it asks before a denial on old facts, `audit_api` who answers for the audit log; null: nobody.
  explicit TestServer(webhook::ServerOptions options = Options(), webhook::Freshen freshen = nullptr, bool with_identity = true,
                      webhook::Query audit_api = nullptr);
  static webhook::ServerOptions Options();

  webhook::Server& operator*() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  std::uint16_t health_port() const { return server_->health_port(); }

  void Publish(std::shared_ptr<const state::State> state) { states_.Publish(std::move(state)); }
  // Returns the fingerprint of the new certificate.
  std::string PublishNewIdentity();
  const std::string& fingerprint() const { return fingerprint_; }

  TestClient Connect(const ClientOptions& options = {}) const { return TestClient::Connected(port(), options); }

  // Whole answer of the health listener, head included.
  std::string GetHealth(const std::string& path) const;
  // The value of one sample, by its name and labels as /metrics writes them after "acr_admission_"; "" when it is absent.
  std::string Metric(const std::string& sample) const;
  // Waits (by scraping) until the sample has that value.
  bool MetricBecomes(const std::string& sample, const std::string& value) const;

  std::vector<std::string> CommittedUids() const EXCLUDES(mutex_);
  // A member of every committed record.
  std::vector<std::string> Recorded(const std::string& member) const EXCLUDES(mutex_);
  void FailCommits(bool fail) EXCLUDES(mutex_);
  std::size_t lost() const EXCLUDES(mutex_);
  void SetNotReady(std::string why) EXCLUDES(mutex_);
  void SetNotes(std::string notes) EXCLUDES(mutex_);
  // Waits until a line that contains `text` was logged.
  bool Logs(std::string_view text) EXCLUDES(mutex_);
  std::string log() const EXCLUDES(mutex_);  // so far

 private:
  webhook::ServerInputs Inputs();

  base::Snapshot<state::State> states_;
  base::Snapshot<certs::Identity> identities_;
  AdmissionClock clock_;
  webhook::Metrics metrics_{"test"};
  std::string fingerprint_;
  mutable base::Mutex mutex_;
  std::vector<audit::Record> records_ GUARDED_BY(mutex_);
  std::size_t lost_ GUARDED_BY(mutex_) = 0;
  bool fail_commits_ GUARDED_BY(mutex_) = false;
  std::string not_ready_ GUARDED_BY(mutex_);
  std::string notes_ GUARDED_BY(mutex_);
  std::string log_ GUARDED_BY(mutex_);
  base::CondVar logged_;
  std::unique_ptr<webhook::Server> server_;  // last: its threads use all the others
};

}  // namespace support
