// The HTTPS server that the API server calls, and the plain one for probes and metrics.
//
// Threads: `threads` io threads, each with an io_context of its own and its own connections, and one health thread. All
// public functions are for the thread that owns the Server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audit/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/snapshot.h"
#include "certs/identity.h"
#include "state/state.h"
#include "webhook/audit_api.h"
#include "webhook/limits.h"
#include "webhook/metrics.h"

namespace webhook {

struct ServerOptions {
  std::string address = "0.0.0.0:8443";  // IP:PORT, [IPV6]:PORT; port 0: any, see port()
  std::string health_address = "0.0.0.0:8080";
  int threads = 1;
  std::string client_ca_pem;  // "": client certificates are not asked for
  std::chrono::milliseconds drain_delay{5000};
  std::size_t max_connections = 1000;
  std::size_t memory_limit = 0;  // bytes: bodies take at most a quarter of it together, each at most a 32nd; 0: no such bounds
  std::string cluster;
  std::string replica;
  bool record_allowed = true;         // audit.record: all | denied
  bool refuse_without_audit = false;  // audit.onFailure: refuse; the answer is then a 500
  Limits limits;                      // for tests: no configuration sets them
};

// Asks for fresher facts about these login servers, before a denial on old ones. Called on io threads, by several at a time; it
// must not block. It calls `done` once, from any thread or before it returns, when all that can be learned by `deadline` is in
// the State, or when nothing more will be. A `done` that comes late, twice, or when the server is gone does nothing.
using Freshen =
    std::function<void(std::vector<std::string> login_servers, std::chrono::steady_clock::time_point deadline, std::function<void()> done)>;

// Asks the audit log. Called on io threads, by several at a time; it must not block, and must not throw. It calls `done` once, from any
// thread or before it returns; a `done` that comes late (Limits::audit), twice, never, or when the server is gone does nothing.
using Query = std::function<void(AuditRequest request, std::function<void(AuditAnswer)> done)>;

// What the server needs of other rooms; references must outlive it. `commit` and `lost` are called on io threads and hold up
// their connections while they run; `not_ready` and `readiness_notes` on the health thread; `log` on any. None may throw.
struct ServerInputs {
  const base::Snapshot<state::State>& states;
  const base::Snapshot<certs::Identity>& identities;
  const base::Clock& clock;
  Metrics& metrics;
  std::function<base::Result<void>(std::span<const audit::Record>)> commit;  // null: auditing is off
  std::function<void(std::span<const audit::Record>)> lost;                  // the store failed: standard output gets them
  base::Log log;
  std::function<std::string()> not_ready;        // "" when ready, else why not (one line each); null: nothing to add
  std::function<std::string()> readiness_notes;  // what /readyz also says (the store fails, an old policy); null: nothing
  Freshen freshen = nullptr;                     // null: there is nobody to ask, and every decision is final
  Query audit_api = nullptr;                     // null: there is no GET /audit/v1/…
};

class Server {
 public:
  // Binds both sockets (an error names the address; a port that another process listens on is an error, never shared) and
  // starts the threads. The server answers 503 with Retry-After until the first State is there.
  static base::Result<std::unique_ptr<Server>> Start(const ServerOptions& options, ServerInputs inputs);
  virtual ~Server() = default;  // without a Drain: like one with no delay

  virtual std::uint16_t port() const = 0;
  virtual std::uint16_t health_port() const = 0;

  // Ready goes false and answers carry `Connection: close`; new connections and requests are still served for
  // `drain_delay`; then the listener closes, requests that are being answered end, and threads are joined, within 2 s.
  // Returns when all that is done; a second call does nothing.
  virtual void Drain() = 0;
};

}  // namespace webhook
