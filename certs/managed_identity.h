// The serving identity that the replicas make and rotate themselves, with a Secret that they share and the caBundle of their webhook
// configuration. There is no leader: whoever looks first does what is due, by compare and swap. docs/certificates.md tells the whole
// story; plan.h decides.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/snapshot.h"
#include "certs/identity.h"
#include "certs/identity_store.h"
#include "certs/plan.h"
#include "certs/trust_view.h"

namespace certs {

// How often to call Poll: what is wrong is mended within this.
inline constexpr std::chrono::seconds kPollInterval{10};
// A replica's clock that differs more from the API server's is told of. Certificates are judged by the API server's alone.
inline constexpr std::chrono::minutes kMaxClockSkew{1};

// For people: becomes an Event.
struct Notice {
  bool warning = false;
  std::string reason;  // "CertificateAuthorityRotated"
  std::string action;  // "Rotate"
  std::string note;
};

// Poll and Leave from one thread at a time; all else from any.
class ManagedIdentity {
 public:
  struct Hooks {
    base::Log log;
    std::function<void(const Notice& notice)> notice;
  };

  // `store`, `trust` and `clock` must outlive it.
  ManagedIdentity(PlanSettings settings, IdentityStore& store, TrustBundle& trust, Hooks hooks, const base::Clock& clock);

  // Looks at the Secret and at caBundle, and does what is due. Blocks for as long as the calls to the API server do; when that is away,
  // for two calls, when it is slow, for five seconds and the three calls of one more step. Whatever fails, what is served goes on being
  // served.
  void Poll() EXCLUDES(mutex_);

  // For the end of the program: nobody need wait any longer for this replica to switch. Poll must not follow. Blocks for half a second
  // and two calls at most.
  void Leave();

  const base::Snapshot<Identity>& identities() const { return identities_; }

  struct Status {
    std::string not_ready;                            // why nothing should be sent here yet; "" once that is over, for good
    std::optional<std::string> problem;               // what the last Poll could not do
    std::optional<std::chrono::seconds> clock_ahead;  // of the API server's, when it differs by more than kMaxClockSkew
    std::optional<bool> configuration_present;        // none: not known yet
    std::optional<base::Time> authority_not_after;
    std::string authorities;                              // PEM: of every leaf that a replica may serve; "" while none is known
    std::map<std::string_view, std::uint64_t> repairs;    // secret_missing, secret_invalid, ca_bundle, clock, expired
    std::map<std::string_view, std::uint64_t> rotations;  // leaf, ca
    std::uint64_t failures = 0;                           // Polls that could not do all they should
  };
  Status status() const EXCLUDES(mutex_);

 private:
  enum class Done { kYes, kConflict, kNo };

  bool Look() EXCLUDES(mutex_);
  void LookAtTrust();
  void JudgeClock(const std::optional<base::Time>& server) EXCLUDES(mutex_);
  void ReadStored();
  Done CarryOut(Step step) EXCLUDES(mutex_);
  Done WriteSecret(Step step) EXCLUDES(mutex_);
  Done WriteBundle() EXCLUDES(mutex_);
  void Serve() EXCLUDES(mutex_);
  void Tell(Step step, const IdentitySecret& written) EXCLUDES(mutex_);
  void TellConfiguration(bool present) EXCLUDES(mutex_);
  void Count(std::map<std::string_view, std::uint64_t> Status::* counters, std::string_view what) EXCLUDES(mutex_);
  void Fail(const std::string& what, const base::Error& error);
  void Publish() EXCLUDES(mutex_);
  void Say(bool warning, const char* reason, const char* action, const std::string& note);

  const PlanSettings settings_;
  IdentityStore& store_;
  TrustBundle& trust_;
  const Hooks hooks_;
  const base::Clock& clock_;
  base::Snapshot<Identity> identities_;

  // Of the polling thread alone.
  Memory memory_;
  TrustWatch watch_;
  Seen seen_;
  std::optional<Configuration> configuration_;  // as last read
  std::optional<Stored> stored_;                // the same
  std::optional<Stored> parsed_;                // what seen_.secret and seen_.invalid were read from
  std::string right_bundle_;                    // what caBundle was when it was right
  std::optional<std::string> problem_;          // of this Poll
  bool trust_failed_ = false;                   // in this Poll

  mutable base::Mutex mutex_;
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace certs
