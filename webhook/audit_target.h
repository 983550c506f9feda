// What a request to the audit API asks for, read from its path and query. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "audit/reader.h"
#include "base/time.h"
#include "webhook/audit_endpoint.h"

namespace webhook {

struct AuditQuestion {
  AuditEndpoint endpoint = AuditEndpoint::kOther;
  audit::Query query = {};    // kSummary: its filter alone; kDecision: one row of that uid
  bool replica_only = false;  // scope=replica: the log of the replica that is asked
};

// The names that may stand in the endpoint's query, each at most once.
std::span<const std::string_view> AuditParametersOf(AuditEndpoint endpoint);

// Durations count back from `now`. Strict, since what is misread here would be shown to somebody: unknown, repeated and empty parameters,
// escapes that are none, and values that are too long, no UTF-8 or hold control characters are errors, which name the parameter and are
// meant for the client.
tl::expected<AuditQuestion, std::string> ParseAuditTarget(std::string_view target, base::Time now);

}  // namespace webhook
