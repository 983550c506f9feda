#include "certs/managed_identity.h"

#include <utility>

namespace certs {
namespace {

using base::LogLevel;

// Steps of one Poll. An installation takes 5; more come from conflicts with other replicas.
constexpr int kMaxSteps = 12;
// How often one step is done in a Poll: also twice in turn, when other replicas write between.
constexpr int kMaxRepeats = 3;
// A Poll of which the calls have taken so long is over, whatever is left to do: an API server that is slow must not keep a start from
// listening. The next one goes on.
constexpr std::chrono::seconds kPatience{5};
// Tries to leave, and when no further one is begun.
constexpr int kMaxLeaveTries = 3;
constexpr std::chrono::milliseconds kLeavePatience{500};

std::string Until(const IdentitySecret& secret) {
  return "until " + base::FormatTimeSeconds(secret.leaf.identity->not_after) + ", its certificate authority until " +
         base::FormatTimeSeconds(secret.authority.certificate.not_after);
}

}  // namespace

ManagedIdentity::ManagedIdentity(PlanSettings settings, IdentityStore& store, TrustBundle& trust, Hooks hooks, const base::Clock& clock)
    : settings_(std::move(settings)), store_(store), trust_(trust), hooks_(std::move(hooks)), clock_(clock) {
  base::MutexLock lock(mutex_);
  status_.not_ready = "certificate: the Secret was not read yet";
}

ManagedIdentity::Status ManagedIdentity::status() const {
  base::MutexLock lock(mutex_);
  return status_;
}

void ManagedIdentity::Poll() {
  identities_.Collect();
  problem_.reset();
  trust_failed_ = false;
  seen_.secret_failed = false;
  std::map<Step, int> done;
  const auto began = clock_.Monotonic();
  for (int i = 0; i < kMaxSteps && clock_.Monotonic() - began < kPatience && Look(); ++i) {
    const Step step = Plan(seen_, memory_, settings_);
    // One of somebody else's is remembered when what caBundle trusted before is known, and kept; so is the first that is seen, which
    // may be that. What is served first of all is not asked about.
    if (seen_.secret && memory_.serving && step != Step::kKeepTrusted && !seen_.secret_failed &&
        seen_.trust.state != TrustView::State::kUnknown) {
      memory_.secret = seen_.secret;
    }
    if (step == Step::kNothing) {
      break;
    }
    if (done[step] == kMaxRepeats) {  // somebody undoes what we do: again at the next Poll, not at once
      Fail("to " + std::string(ToString(step)), {base::ErrorCode::kUnavailable, "it is undone again and again", "see who else changes it"});
      break;
    }
    done[step] += CarryOut(step) == Done::kYes ? 1 : 0;
  }
  if (!seen_.secret && !seen_.invalid.empty()) {
    Fail("to use the Secret", {base::ErrorCode::kInvalidArgument, seen_.invalid, ""});
  }
  Publish();
}

bool ManagedIdentity::Look() {
  // In this order: a caBundle that is written is of a Secret that was read after the caBundle it replaces, so that of two replicas
  // one that is late cannot undo what the other has done.
  LookAtTrust();
  auto loaded = store_.Load();
  if (!loaded) {
    Fail("to read the Secret", loaded.error());
    return false;
  }
  JudgeClock(loaded->now);
  seen_.now = loaded->now.value_or(clock_.Now());
  stored_ = std::move(loaded->stored);
  ReadStored();
  seen_.trust = trust_failed_ ? watch_.SawNothing() : watch_.Saw(configuration_, seen_.now, clock_.Monotonic());
  if (!trust_failed_) {
    TellConfiguration(configuration_.has_value());
  }
  return true;
}

void ManagedIdentity::LookAtTrust() {
  if (trust_failed_) {
    return;
  }
  auto read = trust_.Read();
  if (!read) {
    trust_failed_ = true;
    Fail("to read the webhook configuration", read.error());
    return;
  }
  configuration_ = *std::move(read);
}

void ManagedIdentity::JudgeClock(const std::optional<base::Time>& server) {
  if (!server) {
    return;
  }
  const auto ahead = std::chrono::round<std::chrono::seconds>(clock_.Now() - *server);
  const bool skewed = std::chrono::abs(ahead) > kMaxClockSkew;
  bool began = false;
  {
    base::MutexLock lock(mutex_);
    began = skewed && !status_.clock_ahead;
    status_.clock_ahead = skewed ? std::make_optional(ahead) : std::nullopt;
  }
  if (began) {
    Say(true, "ClockSkew", "Compare",
        "this replica's clock is " + std::to_string(std::chrono::abs(ahead).count()) + " s " + (ahead.count() > 0 ? "ahead of" : "behind") +
            " the API server's; certificates follow the API server's; see to the node's time synchronisation");
  }
}

void ManagedIdentity::ReadStored() {
  if (stored_ && parsed_ && stored_->data == parsed_->data) {
    return;  // as it was: no need to parse and verify it again
  }
  parsed_ = stored_;
  seen_.secret = nullptr;
  seen_.invalid.clear();
  if (!stored_) {
    return;
  }
  auto secret = ReadIdentitySecret(stored_->data);
  if (!secret) {
    seen_.invalid = secret.error().message;
  } else if (*secret) {
    seen_.secret = std::make_shared<const IdentitySecret>(**std::move(secret));
  }
}

ManagedIdentity::Done ManagedIdentity::CarryOut(Step step) {
  switch (step) {
    case Step::kServe:
      Serve();
      return Done::kYes;
    case Step::kWriteBundle:
      return WriteBundle();
    default:
      return WriteSecret(step);
  }
}

void ManagedIdentity::Serve() {
  const bool first = !memory_.serving;
  memory_.serving = ServingOf(*seen_.secret);
  identities_.Publish(seen_.secret->leaf.identity);
  hooks_.log(LogLevel::kInfo, std::string(first ? "serving" : "now serving") + " the Secret's certificate, valid " + Until(*seen_.secret));
}

ManagedIdentity::Done ManagedIdentity::WriteBundle() {
  const std::string pem = BundleOf(*seen_.secret);
  // Right for this very Secret before, and no longer: somebody else did that.
  const bool repair = right_bundle_ == pem;
  const auto written = trust_.Write(*configuration_, pem);
  if (!written) {
    trust_failed_ = true;
    Fail("to write caBundle", written.error());
    return Done::kNo;
  }
  if (*written == Outcome::kConflict) {
    return Done::kConflict;
  }
  right_bundle_ = pem;
  if (repair) {
    Count(&Status::repairs, "ca_bundle");
    Say(true, "CaBundleRepaired", "Repair",
        "the caBundle of the webhook configuration was not what it has to be, and was written again; see who changes it");
  } else {
    hooks_.log(LogLevel::kInfo, "caBundle written");
  }
  return Done::kYes;
}

ManagedIdentity::Done ManagedIdentity::WriteSecret(Step step) {
  auto changed = Change(step, seen_, memory_, settings_);
  if (!changed) {
    seen_.secret_failed = true;
    Fail("to " + std::string(ToString(step)), changed.error());
    return Done::kNo;
  }
  const auto swapped = store_.Swap(stored_ ? std::make_optional(stored_->version) : std::nullopt, WriteIdentitySecret(*changed));
  if (!swapped) {
    seen_.secret_failed = true;
    Fail("to " + std::string(ToString(step)) + " in the Secret", swapped.error());
    return Done::kNo;
  }
  if (*swapped == Outcome::kConflict) {
    return Done::kConflict;
  }
  Tell(step, *changed);
  return Done::kYes;
}

void ManagedIdentity::Tell(Step step, const IdentitySecret& written) {
  const Certificate* old = seen_.secret ? &seen_.secret->authority.certificate : nullptr;
  const bool not_yet = old != nullptr && seen_.now < old->not_before;
  switch (step) {
    case Step::kInstall:
      if (!seen_.invalid.empty()) {
        Count(&Status::repairs, "secret_invalid");
        Say(true, "CertificateSecretInvalid", "Replace", "the certificates' Secret could not be used (" + seen_.invalid + "): made anew");
      } else {
        Say(false, "CertificateIssued", "Issue", "made a certificate authority and a certificate, valid " + Until(written));
      }
      break;
    case Step::kRestore:
      Count(&Status::repairs, seen_.invalid.empty() ? "secret_missing" : "secret_invalid");
      Say(true, seen_.invalid.empty() ? "CertificateSecretMissing" : "CertificateSecretInvalid", "Restore",
          (seen_.invalid.empty() ? std::string("the certificates' Secret was deleted or emptied")
                                 : "the certificates' Secret could not be used (" + seen_.invalid + ")") +
              ": restored, and a certificate authority with a new key begun");
      break;
    case Step::kReplace:
      Count(&Status::repairs, not_yet ? "clock" : "expired");
      Count(&Status::rotations, "ca");
      Say(true, not_yet ? "CertificateNotYetValid" : "CertificateExpired", "Replace",
          std::string("the certificate authority ") + (not_yet ? "is not valid yet" : "has expired") +
              " by the API server's clock: replaced, the certificate is valid " + Until(written));
      break;
    case Step::kKeepTrusted:
      Say(true, "CertificateSecretReplaced", "Keep",
          "the certificates' Secret holds others than before: what caBundle trusted until now is kept for a while");
      break;
    case Step::kRenewLeaf:
      if (seen_.now < seen_.secret->leaf.identity->not_before) {
        Count(&Status::repairs, "clock");
      }
      Count(&Status::rotations, "leaf");
      Say(false, "CertificateRenewed", "Renew", "renewed the certificate, valid " + Until(written));
      break;
    case Step::kBeginAuthority:
      Say(false, "CertificateAuthorityBegun", "Rotate", "made the next certificate authority, which is to be trusted before it is used");
      break;
    case Step::kSwitch:
      if (!old->ValidAt(seen_.now)) {
        Count(&Status::repairs, not_yet ? "clock" : "expired");
      }
      Count(&Status::rotations, "ca");
      Say(false, "CertificateAuthorityRotated", "Rotate",
          "switched to the next certificate authority; the certificate is valid " + Until(written));
      break;
    case Step::kDropRetired:
      Say(false, "CertificateAuthorityRetired", "Rotate", "every replica serves with the new certificate authority: dropped the old one");
      break;
    default:
      hooks_.log(LogLevel::kDebug, "certificates: " + std::string(ToString(step)));
      break;
  }
}

void ManagedIdentity::TellConfiguration(bool present) {
  std::optional<bool> before;
  {
    base::MutexLock lock(mutex_);
    before = std::exchange(status_.configuration_present, present);
  }
  if (!present && before != false) {
    Say(true, "WebhookConfigurationMissing", "Watch",
        "there is no webhook configuration that calls this service: nothing is checked. It is never made again by itself; if that was not "
        "meant, upgrade the Helm release or apply its manifests");
  } else if (present && before == false) {
    Say(false, "WebhookConfigurationPresent", "Watch", "there is a webhook configuration that calls this service again");
  }
}

void ManagedIdentity::Leave() {
  const auto began = clock_.Monotonic();
  for (int i = 0; i < kMaxLeaveTries && clock_.Monotonic() - began < kLeavePatience; ++i) {
    auto loaded = store_.Load();
    if (!loaded || !loaded->stored) {
      return;
    }
    const auto secret = ReadIdentitySecret(loaded->stored->data);
    if (!secret || !*secret || !(*secret)->replicas.contains(settings_.replica)) {
      return;
    }
    IdentitySecret without = **secret;
    without.replicas.erase(settings_.replica);
    const auto swapped = store_.Swap(loaded->stored->version, WriteIdentitySecret(without));
    if (!swapped || *swapped == Outcome::kDone) {
      return;  // one that could not be removed holds a retired authority until its leaf's end, and that is all
    }
  }
}

void ManagedIdentity::Publish() {
  const TrustView& trust = seen_.trust;
  if (seen_.secret && trust.state == TrustView::State::kPresent && trust.texts == std::set<std::string>{BundleOf(*seen_.secret)}) {
    right_bundle_ = *trust.texts.begin();
  }
  std::string not_ready;
  if (!memory_.serving) {
    not_ready = "certificate: there is none yet: " + problem_.value_or("reading");
  } else if (trust.state == TrustView::State::kUnknown) {
    not_ready = "certificate: caBundle was not seen yet: " + problem_.value_or("reading");
  } else if (trust.state == TrustView::State::kPresent && !trust.settled.contains(memory_.serving->authority)) {
    not_ready = "certificate: the API server has just been told to trust it";
  }
  const std::optional<std::string> before = status().problem;
  if (problem_ && problem_ != before) {
    hooks_.log(LogLevel::kError, "certificates: " + *problem_);
  }
  base::MutexLock lock(mutex_);
  status_.failures += problem_ ? 1 : 0;
  status_.problem = problem_;
  if (!status_.not_ready.empty()) {
    status_.not_ready = std::move(not_ready);
  }
  if (memory_.secret) {
    status_.authority_not_after = memory_.secret->authority.certificate.not_after;
    status_.authorities = BundleOf(*memory_.secret);
  }
}

void ManagedIdentity::Count(std::map<std::string_view, std::uint64_t> Status::* counters, std::string_view what) {
  base::MutexLock lock(mutex_);
  ++(status_.*counters)[what];
}

// The first failure of a Poll is what it tells of: the others follow from it.
void ManagedIdentity::Fail(const std::string& what, const base::Error& error) {
  if (!problem_) {
    problem_ = "failed " + what + ": " + error.ToString();
  }
}

void ManagedIdentity::Say(bool warning, const char* reason, const char* action, const std::string& note) {
  hooks_.log(warning ? LogLevel::kWarning : LogLevel::kInfo, "certificates: " + note);
  hooks_.notice({warning, reason, action, note});
}

}  // namespace certs
