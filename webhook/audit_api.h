// The audit API without sockets: from a request to its answer. Knows who keeps the log by audit::Reader, and who may read it by a
// function.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "audit/reader.h"
#include "base/time.h"

namespace webhook {

struct AuditRequest {
  std::string target;  // path and query, at most Limits::audit_target_bytes
  std::string token;   // secret: of the Authorization header
  std::string peer;    // address of the client, without port
  // Nobody waits for an answer any longer than this.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

struct AuditAnswer {
  unsigned status = 200;
  std::string body = {};     // JSON, ends with a newline
  unsigned retry_after = 0;  // seconds; 0: not said
  bool challenge = false;    // 401: WWW-Authenticate
};

struct Authorization {
  enum class Kind {
    kAllowed,
    kForbidden,
    kUnauthenticated,  // the token is nobody's
    kUnknown,          // it could not be told, and may be later
    kTooMany,          // asks too often
  };
  Kind kind = Kind::kUnknown;
  std::string user = {};    // whose token it is; of kAllowed and kForbidden
  std::string reason = {};  // for the client; may be empty
};

// Whether the owner of `token` may `verb` the resource decisions.acr-admission.io in a namespace, or, with "", in all of them. Blocks.
using Authorize = std::function<Authorization(std::string_view token, std::string_view verb, std::string_view namespace_name)>;

inline constexpr const char* kAuditGroup = "acr-admission.io";
inline constexpr const char* kAuditResource = "decisions";

// Who is asked.
struct AuditLogs {
  audit::Reader& replica;         // the log of this replica
  audit::Reader& cluster;         // what answers for all; may be the same
  std::string cluster_name = {};  // what the records of `cluster` must be of: permissions are this cluster's. "": of it, by their nature
};

// Reads nothing before its caller's permission is known. Blocks as long as the logs and `authorize` do.
AuditAnswer Answer(const AuditRequest& request, const AuditLogs& logs, const Authorize& authorize, base::Time now);

// {"error": message}. `retry_after` in seconds; 0: not said.
AuditAnswer AuditError(unsigned status, std::string_view message, unsigned retry_after = 0);

// What who shows no token, or one that is nobody's, is told.
AuditAnswer AuditUnauthenticated(std::string_view message);

}  // namespace webhook
