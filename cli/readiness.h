// What /readyz says.
#pragma once

#include <optional>
#include <string>

#include "state/keeper.h"

namespace cli {

struct Health {
  state::Status state;
  bool priming_over = false;                       // inventory.primeTimeout has passed since the start
  std::optional<std::string> certificate_problem;  // the newest files were refused; the older certificate serves
  std::optional<std::string> azure_problem;        // not all that is to be read of Azure can be
  std::optional<std::string> audit_problem;        // records cannot be committed
};

// Why no admissions should be sent here yet, one reason a line; "" when they should.
std::string NotReady(const Health& health);

// What somebody ought to mend while admissions are decided, one a line; "" when all is well.
std::string ReadinessNotes(const Health& health);

}  // namespace cli
