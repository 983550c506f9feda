// Reads the stream of a watch: one JSON object a line.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "kube/api_error.h"

namespace kube {

struct WatchEvent {
  // kBookmark: nothing happened to any object; its metadata.resourceVersion is where another watch may begin.
  enum class Kind { kAdded, kModified, kDeleted, kBookmark };
  Kind kind = Kind::kAdded;
  nlohmann::json object;
};

// False ends the watch.
using OnWatchEvent = std::function<bool(WatchEvent event)>;

class WatchReader {
 public:
  // `event` is called by Take, and must live as long.
  explicit WatchReader(const OnWatchEvent& event) : event_(event) {}

  // Takes what came next. False when nothing more is wanted: the consumer said so, or there is an error.
  bool Take(std::string_view piece);

  // Why the stream cannot be followed any further: the server said so (kExpired: too old), or it is none.
  const std::optional<ApiError>& error() const { return error_; }

 private:
  bool TakeLine(std::string_view line);

  const OnWatchEvent& event_;
  std::string line_;  // the beginning of the next one
  std::optional<ApiError> error_;
};

}  // namespace kube
