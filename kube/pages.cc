#include "kube/pages.h"

#include <algorithm>
#include <utility>

namespace kube {
namespace {

using std::chrono::milliseconds;
using Kind = ApiError::Kind;

bool MayPass(const ApiError& error) { return error.kind == Kind::kUnavailable || error.kind == Kind::kTooManyRequests; }

// One page, in several tries. `limit` is less afterwards where it had to be.
ApiResult<Page> ReadPage(Api& api, const Collection& in, Selection& selection, const std::string& continue_token,
                         const std::function<void(milliseconds)>& wait) {
  milliseconds pause = kFirstPagePause;
  for (int tries = 1;; ++tries) {
    auto page = api.List(in, selection, continue_token, kPageDeadline);
    if (page || !MayPass(page.error()) || tries == kMaxPageTries) {
      return page;
    }
    if (page.error().kind == Kind::kUnavailable) {
      selection.limit = std::max(kLeastPage, selection.limit / 2);
    }
    wait(std::clamp(page.error().retry_after, pause, kLongestPagePause));
    pause = std::min(pause * 2, kLongestPagePause);
  }
}

}  // namespace

ApiResult<std::string> ReadPages(Api& api, const Collection& in, Selection selection, const PageSink& sink,
                                 const std::function<void(milliseconds)>& wait) {
  int beginnings = 1;
  sink.begin();
  std::string continue_token;
  for (;;) {
    auto page = ReadPage(api, in, selection, continue_token, wait);
    if (!page && page.error().kind == Kind::kExpired && beginnings < kMaxBeginnings) {
      ++beginnings;
      continue_token.clear();
      sink.begin();
      continue;
    }
    if (!page) {
      return tl::unexpected(std::move(page.error()));
    }
    sink.take(std::move(page->items));
    continue_token = std::move(page->continue_token);
    if (continue_token.empty()) {
      return std::move(page->resource_version);
    }
  }
}

}  // namespace kube
