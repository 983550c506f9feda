#include "kube/reflector.h"

#include <algorithm>
#include <utility>

#include "kube/object.h"

namespace kube {

using std::chrono::milliseconds;

Reflector::Reflector(Api& api, Collection collection, Selection selection, ReflectorCallbacks callbacks, const base::Clock& clock,
                     std::uint64_t seed)
    : api_(api),
      collection_(std::move(collection)),
      selection_(std::move(selection)),
      callbacks_(std::move(callbacks)),
      clock_(clock),
      random_(seed) {}

milliseconds Reflector::Step() {
  const auto began = clock_.Monotonic();
  const std::string from = version_;
  const bool watches = !from.empty();
  const auto done = watches ? Watch() : List();
  if (!done) {
    error_ = done.error();
    watch_failed_ = watch_failed_ || watches;
    const bool brings_nothing = watches && failures_ > 0 && version_ == from;
    if (done.error().kind == ApiError::Kind::kExpired || brings_nothing) {
      version_.clear();
    }
    return Pause();
  }
  if (watches || !watch_failed_) {
    error_.reset();
    watch_failed_ = false;
    failures_ = 0;
  }
  const auto spent = std::chrono::duration_cast<milliseconds>(clock_.Monotonic() - began);
  return watches ? std::max(kWatchSpacing - spent, milliseconds(0)) : milliseconds(0);
}

ApiResult<void> Reflector::List() {
  callbacks_.begin_list();
  std::string token;
  do {
    auto page = api_.List(collection_, selection_, token, kPageDeadline);
    if (!page) {
      return tl::unexpected(std::move(page.error()));
    }
    for (const nlohmann::json& item : page->items) {
      callbacks_.put(item);
    }
    token = std::move(page->continue_token);
    if (token.empty()) {
      version_ = std::move(page->resource_version);
    }
  } while (!token.empty());
  callbacks_.end_list();
  complete_ = true;
  return {};
}

ApiResult<void> Reflector::Watch() {
  const OnWatchEvent take = [this](const WatchEvent& event) {
    switch (event.kind) {
      case WatchEvent::Kind::kAdded:
      case WatchEvent::Kind::kModified:
        callbacks_.put(event.object);
        break;
      case WatchEvent::Kind::kDeleted:
        callbacks_.removed(event.object);
        break;
      case WatchEvent::Kind::kBookmark:
        break;
    }
    version_ = ResourceVersionOf(event.object);
    return true;
  };
  return api_.Watch(collection_, selection_, version_, kWatchTimeout, take);
}

milliseconds Reflector::Pause() {
  const milliseconds longest = std::min(kLongestPause, kFirstPause * (1 << std::min(failures_, 10)));
  ++failures_;
  const auto jittered = std::uniform_int_distribution<milliseconds::rep>(longest.count() / 2, longest.count())(random_);
  return std::max(milliseconds(jittered), error_->retry_after);
}

}  // namespace kube
