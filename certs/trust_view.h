// What a replica knows of whom the API server believes: what caBundle holds now, and since when it has been seen there.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "certs/identity_store.h"
#include "certs/x509.h"

namespace certs {

// The API server sees a change of caBundle a moment after it was written: what every entry has held for this long is settled.
inline constexpr std::chrono::seconds kPropagation{10};
// Of what caBundle holds; ours are 3 or 4.
inline constexpr std::size_t kMaxBundleCertificates = 32;

struct TrustView {
  enum class State {
    kUnknown,  // could not be read
    kAbsent,   // there is no configuration that calls us
    kPresent,
  };
  State state = State::kUnknown;
  std::set<std::string> texts;           // caBundle of all entries; one when they agree
  std::vector<Certificate> authorities;  // certificate authorities that any entry holds
  std::set<std::string> trusted;         // fingerprints of those that every entry holds
  std::set<std::string> settled;         // of these, those that have been there for kPropagation
};

// For one thread.
class TrustWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // What is in the first configuration that it sees is taken for settled, but for authorities that were made only just before.
  const TrustView& Saw(const std::optional<Configuration>& configuration, base::Time now, Instant instant);
  // It could not be read: what was seen keeps its age.
  const TrustView& SawNothing();

 private:
  void Read(const Configuration& configuration);

  TrustView view_;
  std::map<std::string, Instant> first_seen_;  // by fingerprint
  bool began_ = false;
};

}  // namespace certs
