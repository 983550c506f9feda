// What tests of whole admissions share: a State of the default policy with two real registries, and reviews about them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "state/state.h"

namespace support {

inline constexpr const char* kCompliantImage = "compliant.azurecr.io/shop/cart:1.4";
inline constexpr const char* kNonCompliantImage = "open.azurecr.io/shop/cart:1.4";

// Goes on as time does, and begins half a minute after DefaultState's facts were learned, whenever a test runs: facts grow too old for a
// policy.
class AdmissionClock final : public base::Clock {
 public:
  base::Time Now() const override { return begin_ + std::chrono::duration_cast<base::Time::duration>(Monotonic() - began_); }
  std::chrono::steady_clock::time_point Monotonic() const override { return std::chrono::steady_clock::now(); }

 private:
  const base::Time begin_ = base::ParseTime("2026-11-23T12:00:00Z").value();
  const std::chrono::steady_clock::time_point began_ = Monotonic();
};

// The default policy and both registries, judged by it; `policy_text` "" is the default policy's own.
std::shared_ptr<const state::State> DefaultState(std::string_view policy_text = {});

// The same after somebody has mended what kNonCompliantImage's registry lacked.
std::shared_ptr<const state::State> MendedState();

// An AdmissionReview of a new Pod with a container for each image.
std::string PodReview(std::string_view uid, const std::vector<std::string>& images);
std::string PodReview(std::string_view uid, std::string_view image);

}  // namespace support
