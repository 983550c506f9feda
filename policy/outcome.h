// What a condition comes to.
#pragma once

namespace policy {

// Azure refuses a resource over which its rule fails (a number compared with a word); it never takes the failure for false.
enum class Outcome {
  kFalse,
  kTrue,
  kFailed,
  kUnknown,  // what it comes to in Azure cannot be told here
};

constexpr Outcome ToOutcome(bool value) { return value ? Outcome::kTrue : Outcome::kFalse; }

// kFailed and kUnknown have no opposite: they stay.
constexpr Outcome Opposite(Outcome outcome) {
  return outcome == Outcome::kTrue ? Outcome::kFalse : outcome == Outcome::kFalse ? Outcome::kTrue : outcome;
}

}  // namespace policy
