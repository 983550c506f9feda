// What operations that read several pages share: their time, their patience, and the way to the next page.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "azure/arm_error.h"
#include "base/clock.h"

namespace azure {

// Waits so long, or less when the program ends. Called between the pages of one answer alone, where Azure's limits ask for
// it and the deadline allows it: what was read already would else be read again, and long answers never be read to the end.
using Pause = std::function<void(std::chrono::milliseconds)>;
void SleepPause(std::chrono::milliseconds time);

// How often one page is waited for: others may draw on the same allowance in between.
inline constexpr int kMaxPauses = 5;

// The time that one operation has, over all its calls.
struct Budget {
  const base::Clock& clock;
  std::chrono::steady_clock::time_point until;

  Budget(const base::Clock& clock_in, std::chrono::milliseconds deadline) : clock(clock_in), until(clock_in.Monotonic() + deadline) {}
  std::chrono::milliseconds Left() const { return std::chrono::duration_cast<std::chrono::milliseconds>(until - clock.Monotonic()); }
};

enum class Patience {
  kNone,    // the first call of an operation: who asks has a schedule of its own
  kPauses,  // the following ones
};

// One page. `call` is given the time that is left, and called again after a pause.
using CallOnce = std::function<ArmResult<nlohmann::json>(std::chrono::milliseconds left)>;
ArmResult<nlohmann::json> CallForPage(const CallOnce& call, const Budget& budget, Patience patience, const Pause& pause);

// The member `name` ("nextLink"): "" when there is none, nothing when it is no text.
std::optional<std::string> NextLink(const nlohmann::json& page, std::string_view name);
// The same of a page whose elements are the array `value`; nothing when it has none.
std::optional<std::string> NextOfList(const nlohmann::json& page, std::string_view name);

// How the pages of one answer are read.
struct PageReading {
  const Budget& budget;
  const Pause& pause;
  std::size_t max_pages;                // beyond it an answer goes round in circles
  Patience patience = Patience::kNone;  // with the first one; with the others it is kPauses
};
using AskForPage = std::function<ArmResult<nlohmann::json>(const std::string& target, std::chrono::milliseconds left)>;
using TakePage = std::function<ArmResult<std::string>(nlohmann::json& page)>;  // where the next one is, "" after the last

// Asks for the pages from `target` on, and has each taken. False when there are more than `max_pages`. Of a page behind the first kNotFound
// becomes kUnavailable: a link has lapsed, and what it is a list of is there.
ArmResult<bool> ReadPages(std::string target, const PageReading& reading, const AskForPage& ask, const TakePage& take);

}  // namespace azure
