// How the commands that ask the audit log tell what they could not.
#pragma once

#include <ostream>

#include "audit/reader.h"
#include "base/result.h"

namespace cli {

// "incomplete: NAME: REASON": whose records are missing, and why.
void TellIncomplete(const audit::Incomplete& missing, std::ostream& err);

// The exit code: an error is told on `err`.
int ExitOf(const base::Result<void>& result, std::ostream& err);

}  // namespace cli
