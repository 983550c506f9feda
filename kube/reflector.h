// Follows a collection: a list by pages, then watches, as client-go's Reflector does. What it brings together is the consumer's; here is
// only where it stands.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/pages.h"

namespace kube {

// What whoever keeps the objects is told, by the call of Step. In a list objects lack apiVersion and kind.
struct ReflectorCallbacks {
  std::function<void()> begin_list;  // what the list does not hold when it ends is gone. Again without an end: it begins anew.
  std::function<void(const nlohmann::json& object)> put;
  std::function<void(const nlohmann::json& object)> removed;
  std::function<void()> end_list;
};

// One watch: short enough that a connection that is dead, and says nothing, delays no news for long.
inline constexpr std::chrono::seconds kWatchTimeout{240};
// From the beginning of one watch to that of the next: servers and proxies that end each at once are not asked at a gallop.
inline constexpr std::chrono::milliseconds kWatchSpacing{1'000};
// Between tries: doubled from the first to the last, with jitter, or as long as the server asks.
inline constexpr std::chrono::milliseconds kFirstPause{500};
inline constexpr std::chrono::milliseconds kLongestPause{30'000};

// For one thread.
class Reflector {
 public:
  // `api` and `clock` must outlive it. The same `seed` gives the same jitter.
  Reflector(Api& api, Collection collection, Selection selection, ReflectorCallbacks callbacks, const base::Clock& clock,
            std::uint64_t seed);

  // One list, or one watch: blocks for as long as these take. Returns how long to wait before the next Step. A watch that fails goes on
  // behind the last event that came; one that fails again, and brought none, begins with a list, lest it fail at the same place for ever.
  std::chrono::milliseconds Step();

  // Whether a list was brought to its end since the beginning: the consumer has had everything once.
  bool is_complete() const { return complete_; }
  // Of the last Step that failed; nothing when all goes well. A list does not mend a watch: only one that goes well does, and pauses grow
  // until then, so that a server that refuses every watch is not asked for lists at a gallop.
  const std::optional<ApiError>& error() const { return error_; }

 private:
  ApiResult<void> List();
  ApiResult<void> Watch();
  std::chrono::milliseconds Pause();

  Api& api_;
  const Collection collection_;
  const Selection selection_;
  const ReflectorCallbacks callbacks_;
  const base::Clock& clock_;
  std::mt19937_64 random_;

  std::string version_;  // where the next watch begins; "": a list is next
  bool complete_ = false;
  int failures_ = 0;           // in a row
  bool watch_failed_ = false;  // since the last that went well
  std::optional<ApiError> error_;
};

}  // namespace kube
