#include "cli/readiness.h"

#include <string_view>

namespace cli {
namespace {

void AddLine(std::string& text, std::string_view what, const std::string& why) {
  text += text.empty() ? "" : "\n";
  text += what;
  text += why;
}

std::optional<std::string> InventoryProblem(const Health& health) {
  return health.state.inventory_problem ? health.state.inventory_problem : health.azure_problem;
}

}  // namespace

std::string NotReady(const Health& health) {
  std::string reasons = health.certificate_not_ready;
  if (!health.state.primed && !health.priming_over) {
    AddLine(reasons, "inventory: not read yet: ", InventoryProblem(health).value_or("reading"));
  }
  return reasons;
}

std::string ReadinessNotes(const Health& health) {
  std::string notes;
  if (!health.state.primed) {
    AddLine(notes, "inventory: not all read, what is missing is unknown: ", InventoryProblem(health).value_or("reading"));
  } else if (health.state.inventory_problem) {
    AddLine(notes, "inventory: the older one is in force: ", *health.state.inventory_problem);
  }
  if (health.state.primed && health.azure_problem) {
    AddLine(notes, "inventory: some facts grow old: ", *health.azure_problem);
  }
  if (health.state.policy_problem) {
    AddLine(notes,
            health.state.policy_last_good ? "policy: the last good one, kept in the cluster, is in force: "
                                          : "policy: the older one is in force: ",
            *health.state.policy_problem);
  }
  if (health.certificate_problem) {
    AddLine(notes, "certificate: the older one serves: ", *health.certificate_problem);
  }
  for (const std::string& note : health.certificate_notes) {
    AddLine(notes, "certificate: ", note);
  }
  if (health.forwarding_problem) {
    AddLine(notes, "audit: records wait for PostgreSQL: ", *health.forwarding_problem);
  }
  if (health.audit_problem) {
    AddLine(notes, "audit: records go to standard output, the database fails: ", *health.audit_problem);
  }
  if (health.audit_age_doubt) {
    AddLine(notes, "audit: no record is deleted for its age: ", *health.audit_age_doubt);
  }
  return notes;
}

}  // namespace cli
