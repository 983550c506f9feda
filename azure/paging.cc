#include "azure/paging.h"

#include <thread>
#include <utility>

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

std::optional<std::string> NextOfList(const json& page, std::string_view name) {
  const auto value = page.find("value");
  return value != page.end() && value->is_array() ? NextLink(page, name) : std::nullopt;
}

ArmResult<bool> ReadPages(std::string target, const PageReading& reading, const AskForPage& ask, const TakePage& take) {
  for (std::size_t pages = 0; pages < reading.max_pages; ++pages) {
    const Patience patience = pages == 0 ? reading.patience : Patience::kPauses;
    ArmResult<json> page = CallForPage([&](milliseconds left) { return ask(target, left); }, reading.budget, patience, reading.pause);
    if (!page) {
      if (page.error().kind == ArmError::Kind::kNotFound && pages > 0) {
        page.error().kind = ArmError::Kind::kUnavailable;
      }
      return tl::unexpected(std::move(page.error()));
    }
    ArmResult<std::string> next = take(*page);
    if (!next) {
      return tl::unexpected(std::move(next.error()));
    }
    if (next->empty()) {
      return true;
    }
    target = *std::move(next);
  }
  return false;
}

}  // namespace azure
