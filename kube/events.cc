#include "kube/events.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kube {
namespace {

using nlohmann::json;
using Kind = ApiError::Kind;
using Outcome = EventBook::Outcome;

// For one write; what is not told within it is told a minute later.
constexpr std::chrono::seconds kDeadline{10};

// Events about objects of the cluster are kept here; anywhere else they are refused.
constexpr const char* kNamespaceOfClusterEvents = "default";

Collection CollectionOf(const Event& event) {
  const std::string& own = event.regarding.namespace_name;
  return {"events.k8s.io", "v1", "events", own.empty() ? kNamespaceOfClusterEvents : own};
}

json SeriesOf(const EventBook::Write& write) { return {{"count", write.count}, {"lastObservedTime", base::FormatTime(write.last)}}; }

json ObjectOf(const EventBook::Write& write, const Reporter& reporter, const std::string& namespace_name) {
  const Event& event = write.event;
  json regarding = {{"kind", event.regarding.kind}, {"name", event.regarding.name}};
  if (!event.regarding.api_version.empty()) {
    regarding["apiVersion"] = event.regarding.api_version;
  }
  if (!event.regarding.namespace_name.empty()) {
    regarding["namespace"] = event.regarding.namespace_name;
  }
  if (!event.regarding.uid.empty()) {  // kubectl describe asks for Events by it
    regarding["uid"] = event.regarding.uid;
  }
  json object = {{"apiVersion", "events.k8s.io/v1"},
                 {"kind", "Event"},
                 {"metadata", {{"namespace", namespace_name}, {"name", write.name}}},
                 {"eventTime", base::FormatTime(write.first)},
                 {"regarding", std::move(regarding)},
                 {"type", event.type == Event::Type::kWarning ? "Warning" : "Normal"},
                 {"reason", event.reason},
                 {"action", event.action},
                 {"note", event.note},
                 {"reportingController", reporter.controller},
                 {"reportingInstance", reporter.instance}};
  if (write.count > 1) {  // a series of one is refused
    object["series"] = SeriesOf(write);
  }
  return object;
}

Outcome OutcomeOf(const EventBook::Write& write, const ApiResult<json>& answer) {
  if (answer) {
    return Outcome::kWritten;
  }
  switch (answer.error().kind) {
    case Kind::kAlreadyExists:  // an earlier try, whose answer was lost
      return Outcome::kWritten;
    case Kind::kNotFound:
      return write.create ? Outcome::kRefused : Outcome::kGone;
    case Kind::kInvalid:
    case Kind::kRejected:
      return Outcome::kRefused;
    case Kind::kForbidden:
      // A missing role may be granted. Else it is the namespace that takes no more (a quota, its end, a policy of its own): others do.
      return MissingVerb(answer.error()).empty() ? Outcome::kRefused : Outcome::kFailed;
    default:
      return Outcome::kFailed;
  }
}

}  // namespace

Events::Events(Api& api, const base::Clock& clock, base::Log log, Reporter reporter)
    : api_(api), clock_(clock), log_(std::move(log)), reporter_(std::move(reporter)), book_(reporter_.instance) {}

void Events::Record(const Event& event) {
  base::MutexLock lock(mutex_);
  ++counters_.recorded;
  if (!book_.Note(event, clock_.Now(), clock_.Monotonic())) {
    ++counters_.dropped;
  }
}

void Events::Flush() {
  for (;;) {
    std::optional<EventBook::Write> write;
    {
      base::MutexLock lock(mutex_);
      if (const auto now = clock_.Monotonic(); now >= quiet_until_) {
        write = book_.Next(now);
      }
    }
    if (!write) {
      return;
    }
    const auto [outcome, retry_after] = Send(*write);
    base::MutexLock lock(mutex_);
    book_.Done(*write, outcome);
    counters_.written += outcome == Outcome::kWritten ? 1 : 0;
    counters_.dropped += outcome == Outcome::kRefused ? 1 : 0;
    counters_.failed += outcome == Outcome::kFailed ? 1 : 0;
    if (outcome == Outcome::kFailed) {
      quiet_until_ = clock_.Monotonic() + std::max<std::chrono::milliseconds>(kSeriesInterval, retry_after);
    }
  }
}

Events::Sent Events::Send(const EventBook::Write& write) {
  const Collection in = CollectionOf(write.event);
  const auto answer = write.create ? api_.Create(in, ObjectOf(write, reporter_, in.namespace_name), kDeadline)
                                   : api_.MergePatch(in, write.name, {{"series", SeriesOf(write)}}, kDeadline);
  const Outcome outcome = OutcomeOf(write, answer);
  if (outcome == Outcome::kRefused || outcome == Outcome::kFailed) {
    log_(base::LogLevel::kWarning, "an Event (" + write.event.reason + ") was not written: " + answer.error().ToString());
  }
  return {outcome, answer ? std::chrono::milliseconds(0) : answer.error().retry_after};
}

Events::Counters Events::counters() const {
  base::MutexLock lock(mutex_);
  return counters_;
}

}  // namespace kube
