#include "kube/leadership.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// What others may ask for: a Lease of a second is none, one of a year would keep everybody from writing.
constexpr seconds kLeastDuration{1};
constexpr seconds kMostDuration{600};

Collection Leases(std::string namespace_name) { return {"coordination.k8s.io", "v1", "leases", std::move(namespace_name)}; }

seconds DurationOf(const json& spec) {
  const json& told = MemberOf(spec, "leaseDurationSeconds");
  return told.is_number_integer() ? std::clamp(seconds(told.get<std::int32_t>()), kLeastDuration, kMostDuration) : kLeaseDuration;
}

// Whatever somebody wrote there: Kubernetes has an int32, which one more must fit into.
std::int64_t TransitionsOf(const json& spec) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const json& told = MemberOf(spec, "leaseTransitions");
  const std::int64_t transitions = told.is_number_integer() ? told.get<std::int64_t>() : 0;
  return transitions >= 0 && transitions < kMost ? transitions : 0;
}

}  // namespace

Leadership::Leadership(Api& api, LeadershipOptions options, const base::Clock& clock, base::Log log)
    : api_(api), options_(std::move(options)), clock_(clock), log_(std::move(log)) {}

bool Leadership::Leads() const { return held_ && clock_.Monotonic() - *held_ < kRenewDeadline; }

void Leadership::Tick() {
  problem_.reset();
  Look();
  if (const bool leads = Leads(); leads != led_) {
    led_ = leads;
    log_(base::LogLevel::kInfo, leads ? "this replica holds the Lease " + options_.lease + " now"
                                      : "this replica does not hold the Lease " + options_.lease + " any more");
  }
}

void Leadership::Look() {
  const Instant began = clock_.Monotonic();  // a renewal counts from before it was sent
  auto lease = api_.Get(Leases(options_.namespace_name), options_.lease, kLeaseCallDeadline);
  if (!lease) {
    lease.error().kind == ApiError::Kind::kNotFound ? Make(began) : Note(lease.error());
    return;
  }
  const json& spec = MemberOf(*lease, "spec");
  const Instant now = clock_.Monotonic();
  if (std::string text = spec.dump(-1, ' ', false, json::error_handler_t::replace); text != seen_) {
    seen_ = std::move(text);
    seen_at_ = now;
  }
  const std::string holder = TextOf(spec, "holderIdentity");
  if (holder != options_.identity && !holder.empty() && now - seen_at_ < DurationOf(spec)) {
    held_.reset();
    return;
  }
  Write(*std::move(lease), began);
}

void Leadership::Make(Instant began) {
  json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"name", options_.lease}, {"namespace", options_.namespace_name}}}};
  const std::string now = base::FormatTime(clock_.Now());
  lease["spec"] = {{"holderIdentity", options_.identity},
                   {"leaseDurationSeconds", kLeaseDuration.count()},
                   {"acquireTime", now},
                   {"renewTime", now},
                   {"leaseTransitions", 0}};
  const auto made = api_.Create(Leases(options_.namespace_name), lease, kLeaseCallDeadline);
  if (made) {
    held_ = began;
  } else if (made.error().kind != ApiError::Kind::kAlreadyExists) {
    Note(made.error());
  }
}

void Leadership::Write(json lease, Instant began) {
  json spec = MemberOf(lease, "spec");
  spec = spec.is_object() ? std::move(spec) : json::object();
  const std::string now = base::FormatTime(clock_.Now());
  if (TextOf(spec, "holderIdentity") != options_.identity) {
    spec["leaseTransitions"] = TransitionsOf(spec) + 1;
    spec["acquireTime"] = now;
  }
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = kLeaseDuration.count();
  spec["renewTime"] = now;
  lease["spec"] = std::move(spec);
  const auto written = api_.Update(Leases(options_.namespace_name), lease, kLeaseCallDeadline);
  if (written) {
    held_ = began;
  } else if (written.error().kind == ApiError::Kind::kConflict) {
    // Somebody else was faster, or an answer to our own last renewal was lost: the next look tells.
  } else {
    Note(written.error());
  }
}

void Leadership::GiveUp() {
  if (!Leads()) {
    return;
  }
  held_.reset();
  led_ = false;
  auto lease = api_.Get(Leases(options_.namespace_name), options_.lease, kLeaseCallDeadline);
  if (!lease || TextOf(MemberOf(*lease, "spec"), "holderIdentity") != options_.identity) {
    return;
  }
  (*lease)["spec"]["holderIdentity"] = "";
  (*lease)["spec"]["leaseDurationSeconds"] = kLeastDuration.count();
  // Where it fails, the others wait until it has expired.
  (void)api_.Update(Leases(options_.namespace_name), *lease, kLeaseCallDeadline);
}

void Leadership::Note(const ApiError& error) { problem_ = "the Lease " + options_.lease + ": " + error.ToString(); }

}  // namespace kube
