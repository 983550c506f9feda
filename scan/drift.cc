#include "scan/drift.h"

#include <algorithm>
#include <cstddef>

#include "base/text.h"
#include "policy/decision.h"
#include "policy/verdict_change.h"

namespace scan {
namespace {

using policy::FindingResult;

// What the API takes of an Event's note.
constexpr std::size_t kMaxNote = 1024;

std::string Sentence(const policy::Finding& finding, policy::MessageDetail detail) {
  const std::string why = policy::WhyText(finding, detail);
  std::string text = finding.result == FindingResult::kCompliant      ? "meets " + finding.requirement + " again"
                     : finding.result == FindingResult::kNonCompliant ? "does not meet " + finding.requirement + " any more"
                                                                      : "cannot be judged by " + finding.requirement + " any more";
  text += why.empty() ? "" : ": " + why;
  return text + (finding.remedy.empty() ? "" : "; to mend: " + finding.remedy);
}

}  // namespace

std::vector<Drift> DriftsOf(const policy::Facts& before, const policy::Facts& after, const policy::Policy& policy) {
  std::vector<Drift> drifts;
  policy::ForEachVerdictChange(before, after, policy, [&](const policy::VerdictChange& change) {
    const std::string& login_server = change.before->registry.login_server;
    const bool gone = change.after == nullptr;
    auto same = std::ranges::find_if(drifts.rbegin(), drifts.rend(), [&](const Drift& drift) {
      return drift.login_server == login_server && drift.gone == gone && drift.result == change.to->result;
    });
    const bool is_new = same == drifts.rend();
    Drift& drift = is_new ? drifts.emplace_back() : *same;
    if (is_new) {
      drift.login_server = login_server;
      drift.gone = gone;
      drift.result = change.to->result;
      drift.note = login_server + " ";
    } else {
      drift.note += "; ";
    }
    drift.requirements.push_back(change.to->requirement);
    drift.note += gone ? "is not known any more: " + change.to->reason : Sentence(*change.to, policy.messages);
  });
  for (Drift& drift : drifts) {
    drift.note = base::Printable(drift.note, kMaxNote);
  }
  return drifts;
}

}  // namespace scan
