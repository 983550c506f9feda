// The record of a verdict that turned, in the same log as decisions and in the same chain: docs/audit.md, "When a verdict turns".
#pragma once

#include <string_view>

#include "audit/record.h"
#include "base/time.h"
#include "policy/policy.h"
#include "policy/verdict_change.h"

namespace audit {

// What is known of a change beside itself.
struct ChangeContext {
  base::Time time{};         // when it was seen
  std::string_view cluster;  // from the configuration, "" → null
  std::string_view replica;  // this process's host name
};

// `policy`: by which what is known after was judged. The uid is made of what changed: whoever sees the same change, of the same
// observations, makes the same uid of it.
Record MakeVerdictRecord(const policy::VerdictChange& change, const policy::Policy& policy, const ChangeContext& context);

// Whether a record as it is stored is one of a verdict that turned. Cheap: nothing is parsed.
bool IsVerdictChange(std::string_view record);

}  // namespace audit
