// Decides what a replica does next about its certificates. Pure: everything that counts is handed in, so every transition is tested
// alone, and a replica that dies between any two steps leaves something that the next one to look goes on from.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "certs/identity_secret.h"
#include "certs/trust_view.h"

namespace certs {

struct PlanSettings {
  std::string replica;                             // our name in the Secret
  std::vector<std::string> names;                  // DNS names of the leaf, the one for people first
  std::chrono::microseconds validity{};            // of a leaf
  std::chrono::microseconds authority_validity{};  // of a certificate authority
  std::chrono::microseconds before{};              // an authority is trusted this long before any leaf of it is served
  std::chrono::microseconds after{};               // and this long after the last replica switched to the next
};

// One look at the world.
struct Seen {
  base::Time now{};                              // by the API server's clock
  std::shared_ptr<const IdentitySecret> secret;  // null: there is none that can be used
  std::string invalid;                           // why it cannot be used; "" when there is nothing in it, or no Secret
  bool secret_failed = false;                    // it could not be written a moment ago: nothing that needs that is planned
  TrustView trust;
};

// What a replica knows beyond that.
struct Memory {
  struct Serving {
    std::string leaf, authority;  // fingerprints
    base::Time not_before{}, not_after{};
    bool operator==(const Serving&) const = default;
  };
  std::shared_ptr<const IdentitySecret> secret;  // the last good one that was seen
  std::optional<Serving> serving;                // nothing: handshakes fail
};

enum class Step {
  kNothing,
  // These write the Secret, by compare and swap:
  kInstall,      // an authority and a leaf where there was nothing, and nobody who remembers
  kRestore,      // what was lost or spoilt is put back from memory, and an authority with a new key begun
  kReplace,      // authority and leaf at once: the authority is not valid now
  kKeepTrusted,  // somebody put another identity in: what caBundle trusted until now stays a while
  kRenewLeaf,
  kBeginAuthority,  // the next authority, to be trusted before it is used
  kConfirmNext,     // caBundle holds it, from now on
  kDoubtNext,       // caBundle does not hold it any more: the wait begins anew
  kSwitch,          // the next authority becomes the one, and issues the leaf; the last one's key is destroyed
  kDropRetired,
  kReport,  // what this replica serves
  // These do not:
  kWriteBundle,
  kServe,  // the Secret's leaf
};
std::string_view ToString(Step step);

// The most urgent thing to do. After it was done, failed, or met a conflict: look again, and ask again.
Step Plan(const Seen& seen, const Memory& memory, const PlanSettings& settings);

// What the Secret is to be after a step that writes it. Not pure in that it makes keys.
base::Result<IdentitySecret> Change(Step step, const Seen& seen, const Memory& memory, const PlanSettings& settings);

// What a replica serves that serves this Secret's leaf.
Memory::Serving ServingOf(const IdentitySecret& secret);

}  // namespace certs
