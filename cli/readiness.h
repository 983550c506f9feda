// What /readyz says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "state/keeper.h"

namespace cli {

struct Health {
  state::Status state;
  bool priming_over = false;                       // inventory.primeTimeout has passed since the start
  std::string certificate_not_ready;               // mode managed: why nothing should be sent here yet, "" when it should
  std::optional<std::string> certificate_problem;  // the newest certificate could not be had; the older one serves
  std::vector<std::string> certificate_notes;      // mode managed: what else somebody ought to mend
  std::optional<std::string> azure_problem;        // not all that is to be read of Azure can be
  std::optional<std::string> audit_problem;        // records cannot be committed
  std::optional<std::string> audit_age_doubt;      // no record is deleted for its age
  std::optional<std::string> forwarding_problem;   // PostgreSQL does not get them
};

// Why no admissions should be sent here yet, one reason a line; "" when they should.
std::string NotReady(const Health& health);

// What somebody ought to mend while admissions are decided, one a line; "" when all is well.
std::string ReadinessNotes(const Health& health);

}  // namespace cli
