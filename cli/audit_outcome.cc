#include "cli/audit_outcome.h"

#include <cstddef>

#include "base/text.h"
#include "cli/streams.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShown = 512;  // bytes of a text that another replica sent

}  // namespace

void TellIncomplete(const audit::Incomplete& missing, std::ostream& err) {
  err << "incomplete: " << base::Printable(missing.replica, kMaxShown) << ": " << base::Printable(missing.reason, kMaxShown) << '\n';
}

int ExitOf(const base::Result<void>& result, std::ostream& err) {
  if (!result) {
    err << result.error().ToString() << '\n';
    return kExitError;
  }
  return kExitOk;
}

}  // namespace cli
