// One admission from body to answer, without sockets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/state.h"
#include "webhook/metrics.h"
#include "webhook/review_decoder.h"

namespace webhook {

struct HandlerOptions {
  std::string cluster;
  std::string replica;
  bool record = true;          // false: auditing is off
  bool record_allowed = true;  // false: what was allowed without a warning leaves no record
};

// Who asks.
struct Caller {
  std::string_view peer;         // address without port
  std::string_view certificate;  // subject of a verified client certificate, or ""
};

// What becomes of a denial that fresher facts could turn (policy/freshness.h).
enum class Denial {
  kMayWait,  // it is none yet: Outcome::needs_fresh
  kFinal,    // it stands
};

struct Outcome {
  unsigned status = 200;  // 200: answered, by a decision or because there was nothing to decide
  std::string body = {};
  std::optional<audit::Record> record = {};  // to be committed before the answer goes out
  bool denied = false;                       // by a decision

  // Not empty: there is no answer yet, and nothing was counted. It is to be handled again, as Denial::kFinal, when there are
  // fresher facts about these login servers or none can be waited for.
  std::vector<std::string> needs_fresh = {};
};

// One for each io thread.
class Handler {
 public:
  Handler(HandlerOptions options, const base::Clock& clock, base::Log log, MetricsShard& metrics)
      : options_(std::move(options)), clock_(clock), log_(std::move(log)), metrics_(metrics) {}

  // `body` keeps its text, so that it can be handled again; its capacity may grow. Throws nothing: a defect is a 500, by
  // which the API server's failurePolicy decides.
  Outcome Handle(const state::State& state, std::string& body, const Caller& caller, Denial denial) noexcept;

 private:
  Outcome Decide(const state::State& state, std::string& body, const Caller& caller, Denial denial);
  Outcome Fail(std::string_view what);

  const HandlerOptions options_;
  const base::Clock& clock_;
  const base::Log log_;
  MetricsShard& metrics_;
  ReviewDecoder decoder_;
  bool failed_before_ = false;  // a client may choose how often: only the first is logged
};

}  // namespace webhook
