// Long lists, a page at a time: no more of them is in memory than one page.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/api.h"

namespace kube {

// What continues a list is kept some five minutes. A list that takes longer is begun anew; one that always does has no end.
inline constexpr int kMaxBeginnings = 3;

// Each page is asked for so often, with a pause that doubles from the first, or the one that the API server tells, up to the last.
inline constexpr int kMaxPageTries = 5;
inline constexpr std::chrono::milliseconds kFirstPagePause = std::chrono::seconds(1);
inline constexpr std::chrono::milliseconds kLongestPagePause = std::chrono::seconds(30);

// A page that cannot be read may be too large: it is asked for with half of the objects, but not with fewer than these.
inline constexpr std::size_t kLeastPage = 20;

struct PageSink {
  std::function<void()> begin;                                  // the list begins, or begins anew: what was taken of it is void
  std::function<void(std::vector<nlohmann::json> items)> take;  // one page's
};

// Reads a whole list; `wait` blocks for the time it is given. The resourceVersion of the list, from which it can be watched.
ApiResult<std::string> ReadPages(Api& api, const Collection& in, Selection selection, const PageSink& sink,
                                 const std::function<void(std::chrono::milliseconds)>& wait);

}  // namespace kube
