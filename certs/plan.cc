#include "certs/plan.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace certs {
namespace {

using State = TrustView::State;
using std::chrono::microseconds;

// Of a leaf. Only replicas whose configurations name different services add any.
constexpr std::size_t kMaxNames = 16;

bool ValidAt(const Identity& leaf, base::Time now) { return leaf.not_before <= now && now < leaf.not_after; }

bool Holds(const std::vector<Certificate>& certificates, const std::string& fingerprint) {
  return std::ranges::any_of(certificates, [&](const Certificate& one) { return one.fingerprint == fingerprint; });
}

bool Holds(const IdentitySecret& secret, const std::string& fingerprint) {
  return secret.authority.certificate.fingerprint == fingerprint ||
         (secret.next && secret.next->authority.certificate.fingerprint == fingerprint) || Holds(secret.retired.certificates, fingerprint);
}

// What caBundle trusts now and the Secret does not know: leaves of these may be served somewhere.
std::vector<Certificate> OthersTrusted(const TrustView& trust, const IdentitySecret* secret, base::Time now) {
  std::vector<Certificate> others;
  for (const Certificate& authority : trust.authorities) {
    if (authority.ValidAt(now) && (secret == nullptr || !Holds(*secret, authority.fingerprint))) {
      others.push_back(authority);
    }
  }
  return others;
}

// The identity in the Secret did not come from the one that this replica knows: it was put there by somebody else. When it has lost the
// next authority that we know of, others may have switched to that one before.
bool IsForeign(const IdentitySecret& secret, const std::shared_ptr<const IdentitySecret>& known) {
  if (known == nullptr || (known->next && !Holds(secret, known->next->authority.certificate.fingerprint))) {
    return true;
  }
  const std::string& authority = secret.authority.certificate.fingerprint;
  return known->authority.certificate.fingerprint != authority &&
         !(known->next && known->next->authority.certificate.fingerprint == authority);
}

// What caBundle trusts beside the Secret's authorities that are in use: as much as may be retired, the latest.
std::vector<Certificate> OldTrusted(const TrustView& trust, const IdentitySecret& secret, base::Time now) {
  std::vector<Certificate> old = trust.authorities;
  std::erase_if(old, [&](const Certificate& one) {
    return !one.ValidAt(now) || one.fingerprint == secret.authority.certificate.fingerprint ||
           (secret.next && one.fingerprint == secret.next->authority.certificate.fingerprint);
  });
  old.erase(old.begin(), old.end() - static_cast<std::ptrdiff_t>(std::min(old.size(), kMaxRetired)));
  return old;
}

// Before anything else is done about a Secret that somebody else has filled: replicas still serve what caBundle trusts now.
bool MustKeepTrusted(const Seen& seen, const Memory& memory) {
  return seen.trust.state == State::kPresent && IsForeign(*seen.secret, memory.secret) &&
         std::ranges::any_of(OldTrusted(seen.trust, *seen.secret, seen.now),
                             [&seen](const Certificate& old) { return !Holds(*seen.secret, old.fingerprint); });
}

bool HasNames(const Identity& leaf, const std::vector<std::string>& names) {
  const std::vector<std::string> has = DnsNamesOf(leaf.leaf.get());
  return std::ranges::all_of(names, [&has](const std::string& name) { return std::ranges::find(has, name) != has.end(); });
}

bool LeafIsDue(const IdentitySecret& secret, const PlanSettings& settings, base::Time now) {
  const Identity& leaf = *secret.leaf.identity;
  // A leaf that lasts as long as its authority may cannot be bettered: the authority's own renewal comes.
  const bool gains = std::min(now + settings.validity, secret.authority.certificate.not_after) > leaf.not_after + std::chrono::seconds(1);
  return (now >= RenewalOf(leaf.not_before, leaf.not_after) && gains) || !HasNames(leaf, settings.names);
}

bool AuthorityIsDue(const IdentitySecret& secret, base::Time now) {
  if (secret.next) {
    return !secret.next->authority.certificate.ValidAt(now);
  }
  const Certificate& authority = secret.authority.certificate;
  return now >= RenewalOf(authority.not_before, authority.not_after);
}

bool RetiredIsOver(const IdentitySecret& secret, const PlanSettings& settings, base::Time now) {
  const IdentitySecret::Retired& retired = secret.retired;
  if (retired.certificates.empty() || now < retired.since + settings.after) {
    return false;
  }
  const bool all_switched = std::ranges::all_of(secret.replicas, [&](const auto& entry) {
    const IdentitySecret::Replica& replica = entry.second;
    return !Holds(retired.certificates, replica.authority) && now >= replica.since + settings.after;
  });
  // Nor can a leaf of theirs be valid when they are not: `until` may have been noted by a clock that was far ahead.
  const bool any_valid = std::ranges::any_of(retired.certificates, [now](const Certificate& one) { return one.ValidAt(now); });
  return all_switched || !any_valid || now >= retired.until;
}

bool MayServe(const Seen& seen, const Memory& memory) {
  const std::string& authority = seen.secret->authority.certificate.fingerprint;
  if (!memory.serving || memory.serving->authority == authority || seen.trust.state == State::kAbsent) {
    return true;  // nothing to lose, no difference, or nobody who asks
  }
  if (seen.trust.state == State::kUnknown) {
    return false;
  }
  const bool serving_works = seen.trust.trusted.contains(memory.serving->authority) && memory.serving->not_before <= seen.now &&
                             seen.now < memory.serving->not_after;
  return seen.trust.settled.contains(authority) || (!serving_works && seen.trust.trusted.contains(authority));
}

// Which replicas' words can still matter, ours among them as it is now.
void Report(IdentitySecret& secret, const Memory& memory, const PlanSettings& settings, base::Time now) {
  if (memory.serving) {
    IdentitySecret::Replica& own = secret.replicas[settings.replica];
    if (own.authority != memory.serving->authority) {
      own = {memory.serving->authority, std::chrono::floor<std::chrono::seconds>(now)};
    }
  }
  std::erase_if(secret.replicas, [&secret](const auto& entry) { return !Holds(secret, entry.second.authority); });
  while (secret.replicas.size() > kMaxReplicas) {
    secret.replicas.erase(std::ranges::min_element(
        secret.replicas, {}, [&](const auto& entry) { return std::pair(entry.first == settings.replica, entry.second.since); }));
  }
}

bool ReportIsDue(const IdentitySecret& secret, const Memory& memory, const PlanSettings& settings) {
  if (!memory.serving || !Holds(secret, memory.serving->authority)) {
    return false;
  }
  const auto own = secret.replicas.find(settings.replica);
  return own == secret.replicas.end() || own->second.authority != memory.serving->authority;
}

Step PlanWithoutSecret(const Seen& seen, const Memory& memory) {
  // Without knowing what caBundle trusts, it could not be kept.
  if (seen.secret_failed || seen.trust.state == State::kUnknown) {
    return Step::kNothing;
  }
  return memory.secret ? Step::kRestore : Step::kInstall;
}

// What has to be mended in the Secret before anything else.
Step PlanRepair(const Seen& seen, const Memory& memory) {
  if (MustKeepTrusted(seen, memory)) {
    return Step::kKeepTrusted;
  }
  const IdentitySecret& secret = *seen.secret;
  const bool knows_trust = seen.trust.state != State::kUnknown;
  if (!secret.authority.certificate.ValidAt(seen.now) && knows_trust) {
    return secret.next && secret.next->authority.certificate.ValidAt(seen.now) ? Step::kSwitch : Step::kReplace;
  }
  if (!ValidAt(*secret.leaf.identity, seen.now) && secret.authority.certificate.ValidAt(seen.now)) {
    return Step::kRenewLeaf;
  }
  if (seen.trust.state != State::kPresent) {
    return Step::kNothing;
  }
  // A time that is yet to come was noted by a clock that was wrong: the switch would wait for it.
  if (secret.next && secret.next->trusted_since &&
      (!seen.trust.trusted.contains(secret.next->authority.certificate.fingerprint) ||
       *secret.next->trusted_since > seen.now + kBackdate)) {
    return Step::kDoubtNext;
  }
  return Step::kNothing;
}

// How long the next authority has to be trusted before it is used. One that is late is better used early than too late.
microseconds Wait(const IdentitySecret& secret, const PlanSettings& settings, base::Time now) {
  const bool late = now + kRenewalMargin >= secret.authority.certificate.not_after;
  return late ? std::min<microseconds>(settings.before, 2 * kPropagation) : settings.before;
}

// The regular course of things.
Step PlanRotation(const Seen& seen, const Memory& memory, const PlanSettings& settings) {
  const IdentitySecret& secret = *seen.secret;
  if (LeafIsDue(secret, settings, seen.now)) {
    return Step::kRenewLeaf;
  }
  if (AuthorityIsDue(secret, seen.now)) {
    return Step::kBeginAuthority;
  }
  const bool next_is_trusted =
      secret.next && seen.trust.state == State::kPresent && seen.trust.trusted.contains(secret.next->authority.certificate.fingerprint);
  if (next_is_trusted && !secret.next->trusted_since) {
    return Step::kConfirmNext;
  }
  if (next_is_trusted && seen.now >= *secret.next->trusted_since + Wait(secret, settings, seen.now)) {
    return Step::kSwitch;
  }
  if (RetiredIsOver(secret, settings, seen.now)) {
    return Step::kDropRetired;
  }
  return ReportIsDue(secret, memory, settings) ? Step::kReport : Step::kNothing;
}

void Retire(IdentitySecret& secret, std::vector<Certificate> certificates, base::Time now, base::Time until) {
  if (certificates.empty()) {
    return;
  }
  IdentitySecret::Retired& retired = secret.retired;
  std::erase_if(retired.certificates, [&](const Certificate& one) { return Holds(certificates, one.fingerprint); });
  std::move(certificates.begin(), certificates.end(), std::back_inserter(retired.certificates));
  if (retired.certificates.size() > kMaxRetired) {
    retired.certificates.erase(retired.certificates.begin(), retired.certificates.end() - kMaxRetired);
  }
  retired.since = now;
  retired.until = std::max(retired.until, until);
}

base::Result<void> BeginNext(IdentitySecret& secret, const Seen& seen, const PlanSettings& settings) {
  auto authority = MakeAuthority(seen.now, settings.authority_validity);
  if (!authority) {
    return tl::unexpected(std::move(authority.error()));
  }
  secret.next = IdentitySecret::Next{*std::move(authority), std::nullopt};
  return {};
}

base::Result<void> Issue(IdentitySecret& secret, const std::vector<std::string>& names, const Seen& seen, const PlanSettings& settings) {
  auto leaf = MakeLeaf(secret.authority, names, seen.now, settings.validity);
  if (!leaf) {
    return tl::unexpected(std::move(leaf.error()));
  }
  secret.leaf = *std::move(leaf);
  return {};
}

// Replicas of different configurations must not undo each other's leaf in turn.
std::vector<std::string> NamesFor(const Identity& leaf, const PlanSettings& settings) {
  std::vector<std::string> names = settings.names;
  if (!HasNames(leaf, settings.names)) {
    for (std::string& name : DnsNamesOf(leaf.leaf.get())) {
      if (names.size() < kMaxNames && std::ranges::find(names, name) == names.end()) {
        names.push_back(std::move(name));
      }
    }
  }
  return names;
}

}  // namespace

std::string_view ToString(Step step) {
  switch (step) {
    case Step::kNothing:
      return "nothing";
    case Step::kInstall:
      return "make the first certificate authority";
    case Step::kRestore:
      return "restore the Secret";
    case Step::kReplace:
      return "replace the certificate authority";
    case Step::kKeepTrusted:
      return "keep what caBundle trusted";
    case Step::kRenewLeaf:
      return "renew the certificate";
    case Step::kBeginAuthority:
      return "make the next certificate authority";
    case Step::kConfirmNext:
      return "note that the next certificate authority is trusted";
    case Step::kDoubtNext:
      return "note that the next certificate authority is not trusted";
    case Step::kSwitch:
      return "switch to the next certificate authority";
    case Step::kDropRetired:
      return "drop the retired certificate authority";
    case Step::kReport:
      return "note what this replica serves";
    case Step::kWriteBundle:
      return "write caBundle";
    case Step::kServe:
      return "serve the certificate";
  }
  return "";
}

Memory::Serving ServingOf(const IdentitySecret& secret) {
  return {secret.leaf.identity->fingerprint, secret.authority.certificate.fingerprint, secret.leaf.identity->not_before,
          secret.leaf.identity->not_after};
}

Step Plan(const Seen& seen, const Memory& memory, const PlanSettings& settings) {
  if (!seen.secret) {
    return PlanWithoutSecret(seen, memory);
  }
  if (!memory.serving) {
    return Step::kServe;  // whatever it is: nothing is worse than nothing
  }
  if (!seen.secret_failed) {
    if (const Step repair = PlanRepair(seen, memory); repair != Step::kNothing) {
      return repair;
    }
  }
  // One that could not be kept in the Secret stays in caBundle at least.
  const bool may_write_bundle = seen.trust.state == State::kPresent && !MustKeepTrusted(seen, memory);
  if (may_write_bundle && seen.trust.texts != std::set<std::string>{BundleOf(*seen.secret)}) {
    return Step::kWriteBundle;
  }
  if (memory.serving->leaf != seen.secret->leaf.identity->fingerprint && MayServe(seen, memory)) {
    return Step::kServe;
  }
  return seen.secret_failed ? Step::kNothing : PlanRotation(seen, memory, settings);
}

base::Result<IdentitySecret> Change(Step step, const Seen& seen, const Memory& memory, const PlanSettings& settings) {
  const base::Time now = std::chrono::floor<std::chrono::seconds>(seen.now);
  IdentitySecret secret;
  if (step == Step::kRestore) {
    secret = *memory.secret;
  } else if (step != Step::kInstall) {
    secret = *seen.secret;
  }
  // Of authorities that were not ours to make: how long their leaves are valid, nobody can tell.
  const base::Time unknown_until = now + std::max(settings.validity, settings.after);
  base::Result<void> made;
  switch (step) {
    case Step::kInstall:
    case Step::kReplace: {
      auto authority = MakeAuthority(seen.now, settings.authority_validity);
      if (!authority) {
        return tl::unexpected(std::move(authority.error()));
      }
      std::vector<Certificate> retired = OthersTrusted(seen.trust, step == Step::kReplace ? &secret : nullptr, seen.now);
      if (step == Step::kReplace) {
        retired.push_back(secret.authority.certificate);
      }
      secret.authority = *std::move(authority);
      secret.next.reset();
      Retire(secret, std::move(retired), now, unknown_until);
      made = Issue(secret, settings.names, seen, settings);
      break;
    }
    case Step::kRestore:
      made = BeginNext(secret, seen, settings);
      Retire(secret, OthersTrusted(seen.trust, &secret, seen.now), now, unknown_until);
      break;
    case Step::kKeepTrusted:
      Retire(secret, OldTrusted(seen.trust, secret, seen.now), now, unknown_until);
      break;
    case Step::kRenewLeaf:
      made = Issue(secret, NamesFor(*secret.leaf.identity, settings), seen, settings);
      break;
    case Step::kBeginAuthority:
      made = BeginNext(secret, seen, settings);
      break;
    case Step::kConfirmNext:
      secret.next->trusted_since = now;
      break;
    case Step::kDoubtNext:
      secret.next->trusted_since.reset();
      break;
    case Step::kSwitch: {
      const base::Time until = std::max(secret.leaf.identity->not_after, now + settings.after);
      std::vector<Certificate> retired = {secret.authority.certificate};
      secret.authority = std::move(secret.next->authority);
      secret.next.reset();
      Retire(secret, std::move(retired), now, until);
      made = Issue(secret, settings.names, seen, settings);
      break;
    }
    case Step::kDropRetired:
      secret.retired = {};
      break;
    case Step::kReport:
    case Step::kNothing:
    case Step::kWriteBundle:
    case Step::kServe:
      break;
  }
  if (!made) {
    return tl::unexpected(std::move(made.error()));
  }
  Report(secret, memory, settings, now);
  return secret;
}

}  // namespace certs
