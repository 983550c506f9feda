#include "azure/paging.h"

#include <thread>

namespace azure {

using nlohmann::json;
using std::chrono::milliseconds;

void SleepPause(milliseconds time) { std::this_thread::sleep_for(time); }

ArmResult<json> CallForPage(const CallOnce& call, const Budget& budget, Patience patience, const Pause& pause) {
  for (int pauses = 0;; ++pauses) {
    ArmResult<json> answer = call(budget.Left());
    if (answer || answer.error().kind != ArmError::Kind::kThrottled || patience == Patience::kNone || pauses == kMaxPauses ||
        answer.error().retry_after >= budget.Left()) {
      return answer;
    }
    pause(answer.error().retry_after);
  }
}

std::optional<std::string> NextLink(const json& page, std::string_view name) {
  const auto next = page.find(name);
  if (next == page.end() || next->is_null()) {
    return "";
  }
  return next->is_string() ? std::optional(next->get<std::string>()) : std::nullopt;
}

}  // namespace azure
