#include "certs/plan.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "certs/x509.h"

namespace certs {

void PrintTo(Step step, std::ostream* out) { *out << ToString(step); }

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using State = TrustView::State;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

// A replica that serves what the Secret holds, which was made at kNow, and a caBundle that is right and settled.
class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    secret_.authority = MakeAuthority(kNow, settings_.authority_validity).value();
    secret_.leaf = MakeLeaf(secret_.authority, settings_.names, kNow, settings_.validity).value();
    secret_.replicas["a"] = {secret_.authority.certificate.fingerprint, kNow};
    memory_.serving = ServingOf(secret_);
    seen_.now = kNow + minutes(1);
    Settle();
  }

  // Of the Secret as it is now.
  void Settle() {
    memory_.secret = std::make_shared<const IdentitySecret>(secret_);
    Trust(BundleOf(secret_));
  }
  void Trust(const std::string& bundle) {
    seen_.trust = {};
    seen_.trust.state = State::kPresent;
    seen_.trust.texts = {bundle};
    if (auto authorities = ReadCertificates(bundle, 10)) {
      seen_.trust.authorities = *authorities;
    }
    for (const Certificate& authority : seen_.trust.authorities) {
      seen_.trust.trusted.insert(authority.fingerprint);
    }
    seen_.trust.settled = seen_.trust.trusted;
  }
  Authority BeginNext(std::optional<base::Time> trusted_since) {
    secret_.next = IdentitySecret::Next{MakeAuthority(kNow, settings_.authority_validity).value(), trusted_since};
    Settle();
    return secret_.next->authority;
  }
  void Retire(base::Time since, base::Time until) {
    secret_.retired = {{Other()}, since, until};
    Settle();
  }
  static Certificate Other() { return MakeAuthority(kNow, hours(24))->certificate; }

  Step Next() {
    seen_.secret = std::make_shared<const IdentitySecret>(secret_);
    return Plan(seen_, memory_, settings_);
  }
  IdentitySecret Changed(Step step) {
    seen_.secret = std::make_shared<const IdentitySecret>(secret_);
    auto changed = Change(step, seen_, memory_, settings_);
    EXPECT_TRUE(changed) << changed.error().ToString();
    return *std::move(changed);
  }
  static std::vector<std::string> Fingerprints(const std::vector<Certificate>& certificates) {
    std::vector<std::string> fingerprints;
    for (const Certificate& one : certificates) {
      fingerprints.push_back(one.fingerprint);
    }
    return fingerprints;
  }

  PlanSettings settings_{.replica = "a",
                         .names = {"acr-admission.acr.svc", "acr-admission"},
                         .validity = hours(3),
                         .authority_validity = hours(30),
                         .before = minutes(10),
                         .after = hours(1)};
  IdentitySecret secret_;
  Memory memory_;
  Seen seen_;
};

TEST_F(PlanTest, NothingIsDueWhenAllIsWell) { EXPECT_EQ(Next(), Step::kNothing); }

// No Secret, or none that can be used.

TEST_F(PlanTest, WithoutASecretMemoryIsRestored) { EXPECT_EQ(Plan(seen_, memory_, settings_), Step::kRestore); }

TEST_F(PlanTest, WithoutASecretAndMemoryOneIsInstalled) { EXPECT_EQ(Plan(seen_, {}, settings_), Step::kInstall); }

TEST_F(PlanTest, WithoutASecretNothingIsMadeWhileNobodyKnowsWhatIsTrusted) {
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Plan(seen_, memory_, settings_), Step::kNothing);
  EXPECT_EQ(Plan(seen_, {}, settings_), Step::kNothing);
}

TEST_F(PlanTest, WithoutASecretAndWithoutAConfigurationOneIsInstalled) {
  seen_.trust = {};
  seen_.trust.state = State::kAbsent;
  EXPECT_EQ(Plan(seen_, {}, settings_), Step::kInstall);
}

TEST_F(PlanTest, AnInstallationKeepsWhatCaBundleTrusted) {
  const Certificate valid = Other();
  const Certificate expired = MakeAuthority(kNow - hours(9), hours(1))->certificate;
  Trust(valid.pem + expired.pem);
  const auto installed = Change(Step::kInstall, seen_, {}, settings_);
  ASSERT_TRUE(installed);
  EXPECT_THAT(Fingerprints(installed->retired.certificates), UnorderedElementsAre(valid.fingerprint));
  EXPECT_EQ(installed->retired.since, seen_.now);
  EXPECT_EQ(installed->leaf.identity->not_after, seen_.now + settings_.validity);
  EXPECT_TRUE(IsIssuedBy(installed->leaf.identity->leaf.get(), installed->authority.certificate.x509.get()));
}

TEST_F(PlanTest, WhatIsKeptIsBounded) {
  for (std::size_t i = 0; i < kMaxRetired; ++i) {
    secret_.retired.certificates.push_back(Other());
  }
  Trust(BundleOf(secret_));
  const auto installed = Change(Step::kInstall, seen_, {}, settings_);
  EXPECT_THAT(installed->retired.certificates, SizeIs(kMaxRetired));
  EXPECT_THAT(Fingerprints(installed->retired.certificates), Contains(secret_.authority.certificate.fingerprint))
      << "the one that is served";
}

TEST_F(PlanTest, ARestorationKeepsAuthorityAndLeafAndBeginsAnotherAuthority) {
  const Certificate other = Other();
  const Authority exposed = BeginNext(kNow);
  Trust(BundleOf(secret_) + other.pem);
  const IdentitySecret restored = Changed(Step::kRestore);
  EXPECT_EQ(restored.authority.certificate.fingerprint, secret_.authority.certificate.fingerprint);
  EXPECT_EQ(restored.leaf.identity->fingerprint, secret_.leaf.identity->fingerprint);
  ASSERT_TRUE(restored.next);
  EXPECT_NE(restored.next->authority.certificate.fingerprint, exposed.certificate.fingerprint) << "that key was lost with the Secret";
  EXPECT_EQ(restored.next->trusted_since, std::nullopt);
  EXPECT_THAT(Fingerprints(restored.retired.certificates), Contains(other.fingerprint));
  EXPECT_THAT(restored.replicas, Contains(Key("a")));
}

// The leaf.

TEST_F(PlanTest, ServesWhateverThereIsWhenItServesNothing) {
  memory_ = {};
  seen_.now = kNow + hours(100);
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Next(), Step::kServe);
}

TEST_F(PlanTest, TheLeafIsRenewedAtTwoThirds) {
  seen_.now = kNow + hours(2) - seconds(1);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = kNow + hours(2);
  EXPECT_EQ(Next(), Step::kRenewLeaf);
  const IdentitySecret renewed = Changed(Step::kRenewLeaf);
  EXPECT_EQ(renewed.leaf.identity->not_after, seen_.now + settings_.validity);
  EXPECT_EQ(renewed.authority.certificate.fingerprint, secret_.authority.certificate.fingerprint);
}

TEST_F(PlanTest, ALeafThatLastsAsLongAsItsAuthorityIsNotRenewedAgainAndAgain) {
  seen_.now = kNow + hours(29);
  BeginNext(std::nullopt);
  secret_.leaf = MakeLeaf(secret_.authority, settings_.names, seen_.now, settings_.validity).value();
  secret_.next->trusted_since = seen_.now;
  Settle();
  memory_.serving = ServingOf(secret_);
  seen_.now += minutes(50);
  secret_.next->trusted_since = seen_.now;
  EXPECT_EQ(Next(), Step::kNothing);
}

TEST_F(PlanTest, ALeafThatIsNotValidNowIsIssuedAnew) {
  secret_.leaf = MakeLeaf(secret_.authority, settings_.names, kNow + hours(9), settings_.validity).value();
  Settle();
  EXPECT_EQ(Next(), Step::kRenewLeaf);
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Next(), Step::kRenewLeaf) << "the same authority issues it";
}

TEST_F(PlanTest, ALeafWithoutOneOfOurNamesIsIssuedForItsNamesAndOurs) {
  settings_.names = {"new.acr.svc"};
  EXPECT_EQ(Next(), Step::kRenewLeaf);
  EXPECT_THAT(DnsNamesOf(Changed(Step::kRenewLeaf).leaf.identity->leaf.get()),
              UnorderedElementsAre("new.acr.svc", "acr-admission.acr.svc", "acr-admission"));
}

TEST_F(PlanTest, AnotherLeafOfTheSameAuthorityIsServedAtOnce) {
  memory_.serving->leaf = "other";
  EXPECT_EQ(Next(), Step::kServe);
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Next(), Step::kServe);
}

TEST_F(PlanTest, ALeafOfAnotherAuthorityIsServedWhenEveryApiServerTrustsThat) {
  const Certificate old = Other();
  secret_.retired = {{old}, kNow, kNow + hours(9)};
  Settle();
  memory_.serving = Memory::Serving{"old", old.fingerprint, kNow, kNow + hours(9)};
  secret_.replicas["a"].authority = old.fingerprint;
  EXPECT_EQ(Next(), Step::kServe);
  seen_.trust.settled = {old.fingerprint};
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.trust.state = State::kAbsent;
  EXPECT_EQ(Next(), Step::kServe) << "nobody calls";
}

TEST_F(PlanTest, ALeafOfAnotherAuthorityIsServedAtOnceWhenThereIsNothingToLose) {
  const Certificate old = Other();
  secret_.retired = {{old}, kNow, kNow + hours(9)};
  Settle();
  seen_.trust.settled = {old.fingerprint};
  memory_.serving = Memory::Serving{"old", old.fingerprint, kNow, kNow};  // expired
  EXPECT_EQ(Next(), Step::kServe);
  memory_.serving = Memory::Serving{"old", old.fingerprint, kNow + hours(1), kNow + hours(2)};  // not yet valid
  EXPECT_EQ(Next(), Step::kServe);
  memory_.serving = Memory::Serving{"old", "unknown", kNow, kNow + hours(2)};  // not trusted
  EXPECT_EQ(Next(), Step::kServe);
}

// caBundle.

TEST_F(PlanTest, ACaBundleThatIsNotWhatItHasToBeIsWritten) {
  const std::vector<std::string> wrong = {"", "garbage", BundleOf(secret_) + Other().pem, BundleOf(secret_) + "\n"};
  for (const std::string& bundle : wrong) {
    Trust(bundle);
    EXPECT_EQ(Next(), Step::kWriteBundle) << bundle;
  }
  Trust(BundleOf(secret_));
  seen_.trust.texts.insert("");
  EXPECT_EQ(Next(), Step::kWriteBundle) << "one of two entries";
}

TEST_F(PlanTest, NoCaBundleIsWrittenWhereThereIsNoneOrNobodyKnows) {
  Trust("");
  seen_.trust.state = State::kAbsent;
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.trust.state = State::kUnknown;
  EXPECT_EQ(Next(), Step::kNothing);
}

TEST_F(PlanTest, WhatAStrangersSecretWouldTakeFromCaBundleIsKeptFirst) {
  const Certificate served = Other();
  Trust(served.pem);
  IdentitySecret known = secret_;
  known.authority.certificate = served;
  memory_.secret = std::make_shared<const IdentitySecret>(known);
  EXPECT_EQ(Next(), Step::kKeepTrusted);
  EXPECT_THAT(Fingerprints(Changed(Step::kKeepTrusted).retired.certificates), UnorderedElementsAre(served.fingerprint));
  seen_.secret_failed = true;
  EXPECT_NE(Next(), Step::kWriteBundle) << "it could not be kept";
  seen_.secret_failed = false;
  secret_ = Changed(Step::kKeepTrusted);
  EXPECT_EQ(Next(), Step::kWriteBundle);
}

// A replica that did not look while the others switched, and then a backup from before that.
TEST_F(PlanTest, TheNextAuthorityThatABackupHasLostIsKeptForWhoSwitchedToIt) {
  const Authority next = BeginNext(kNow);
  secret_.next.reset();
  EXPECT_EQ(Next(), Step::kKeepTrusted);
  EXPECT_THAT(Fingerprints(Changed(Step::kKeepTrusted).retired.certificates), ElementsAre(next.certificate.fingerprint));
}

TEST_F(PlanTest, ThereIsAlwaysRoomForWhatIsKept) {
  secret_.retired = {{}, kNow, kNow + hours(1)};
  for (std::size_t i = 0; i < kMaxRetired; ++i) {
    secret_.retired.certificates.push_back(Other());
  }
  Settle();
  const Certificate lost = Other();
  Trust(BundleOf(secret_) + lost.pem);
  memory_.secret = nullptr;
  ASSERT_EQ(Next(), Step::kKeepTrusted);
  secret_ = Changed(Step::kKeepTrusted);
  EXPECT_THAT(Fingerprints(secret_.retired.certificates), AllOf(SizeIs(kMaxRetired), Contains(lost.fingerprint)));
  EXPECT_NE(Next(), Step::kKeepTrusted) << "once is enough";
}

TEST_F(PlanTest, WhatAStrangerPutsIntoCaBundleIsNotKept) {
  Trust(Other().pem);
  EXPECT_EQ(Next(), Step::kWriteBundle);
}

// The authority.

TEST_F(PlanTest, TheNextAuthorityIsBegunAtTwoThirds) {
  seen_.now = kNow + hours(20) - seconds(1);
  secret_.leaf = MakeLeaf(secret_.authority, settings_.names, seen_.now, settings_.validity).value();
  memory_.serving = ServingOf(secret_);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now += seconds(1);
  EXPECT_EQ(Next(), Step::kBeginAuthority);
  const IdentitySecret begun = Changed(Step::kBeginAuthority);
  ASSERT_TRUE(begun.next);
  EXPECT_EQ(begun.next->trusted_since, std::nullopt);
  EXPECT_EQ(begun.authority.certificate.fingerprint, secret_.authority.certificate.fingerprint);
}

TEST_F(PlanTest, ANextAuthorityThatIsNotValidNowIsBegunAnew) {
  secret_.next = IdentitySecret::Next{MakeAuthority(kNow - hours(9), hours(1)).value(), kNow};
  Settle();
  EXPECT_EQ(Next(), Step::kBeginAuthority);
}

TEST_F(PlanTest, TheNextAuthoritysTrustIsNotedAndDoubted) {
  BeginNext(std::nullopt);
  EXPECT_EQ(Next(), Step::kConfirmNext);
  secret_ = Changed(Step::kConfirmNext);
  EXPECT_EQ(secret_.next->trusted_since, seen_.now);
  Settle();
  EXPECT_EQ(Next(), Step::kNothing);
  Trust(secret_.authority.certificate.pem);
  EXPECT_EQ(Next(), Step::kDoubtNext);
  EXPECT_EQ(Changed(Step::kDoubtNext).next->trusted_since, std::nullopt);
}

TEST_F(PlanTest, ATrustThatBeginsInTheFutureIsNotedAnew) {
  BeginNext(kNow + minutes(2) + kBackdate);  // by an API server's clock that was ahead
  EXPECT_EQ(Next(), Step::kDoubtNext) << "the switch would wait for that time";
  secret_ = Changed(Step::kDoubtNext);
  Settle();
  EXPECT_EQ(Next(), Step::kConfirmNext);
  BeginNext(kNow + minutes(2));
  EXPECT_EQ(Next(), Step::kNothing) << "clocks of API servers differ a little";
}

TEST_F(PlanTest, ANextAuthorityIsNeverConfirmedWithoutAConfiguration) {
  BeginNext(std::nullopt);
  seen_.trust = {};
  seen_.trust.state = State::kAbsent;
  EXPECT_EQ(Next(), Step::kNothing);
}

TEST_F(PlanTest, SwitchesWhenTheNextAuthorityWasTrustedForLongEnough) {
  const Authority next = BeginNext(kNow);
  seen_.now = kNow + settings_.before - seconds(1);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = kNow + settings_.before;
  EXPECT_EQ(Next(), Step::kSwitch);
  const IdentitySecret switched = Changed(Step::kSwitch);
  EXPECT_EQ(switched.authority.certificate.fingerprint, next.certificate.fingerprint);
  EXPECT_TRUE(IsIssuedBy(switched.leaf.identity->leaf.get(), next.certificate.x509.get()));
  EXPECT_FALSE(switched.next);
  EXPECT_THAT(Fingerprints(switched.retired.certificates), UnorderedElementsAre(secret_.authority.certificate.fingerprint));
  EXPECT_EQ(switched.retired.since, seen_.now);
  EXPECT_EQ(switched.retired.until, secret_.leaf.identity->not_after);
}

TEST_F(PlanTest, SwitchesEarlyRatherThanTooLate) {
  seen_.now = secret_.authority.certificate.not_after - kRenewalMargin;
  secret_.leaf = MakeLeaf(secret_.authority, settings_.names, seen_.now - minutes(1), settings_.validity).value();
  BeginNext(seen_.now - seconds(20));
  memory_.serving = ServingOf(secret_);
  EXPECT_EQ(Next(), Step::kSwitch);
}

TEST_F(PlanTest, AnAuthorityThatIsNotValidNowIsReplacedAtOnce) {
  for (const base::Time now : {kNow - hours(2), kNow + hours(31)}) {
    seen_.now = now;
    EXPECT_EQ(Next(), Step::kReplace);
    const IdentitySecret replaced = Changed(Step::kReplace);
    EXPECT_TRUE(replaced.authority.certificate.ValidAt(now));
    EXPECT_NE(replaced.authority.certificate.fingerprint, secret_.authority.certificate.fingerprint);
    EXPECT_THAT(Fingerprints(replaced.retired.certificates), UnorderedElementsAre(secret_.authority.certificate.fingerprint));
  }
}

TEST_F(PlanTest, AnAuthorityThatIsNotValidNowIsReplacedByTheNextIfThatIs) {
  seen_.now = kNow + hours(31);
  secret_.next = IdentitySecret::Next{MakeAuthority(kNow + hours(30), hours(30)).value(), std::nullopt};
  Settle();
  EXPECT_EQ(Next(), Step::kSwitch);
}

TEST_F(PlanTest, TheRetiredAuthorityStaysAWhileAfterTheLastReplicaSwitched) {
  Retire(kNow, kNow + hours(2));
  secret_.replicas["b"] = {secret_.retired.certificates[0].fingerprint, kNow - hours(1)};
  seen_.now = kNow + settings_.after;
  EXPECT_EQ(Next(), Step::kNothing) << "b has not switched";
  secret_.replicas["b"] = {secret_.authority.certificate.fingerprint, kNow + minutes(10)};
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = kNow + minutes(10) + settings_.after;
  EXPECT_EQ(Next(), Step::kDropRetired);
  EXPECT_THAT(Changed(Step::kDropRetired).retired.certificates, IsEmpty());
}

TEST_F(PlanTest, TheRetiredAuthorityStaysNoLongerThanALeafOfItCanBeValid) {
  Retire(kNow - hours(1), kNow + minutes(30));
  secret_.replicas["b"] = {secret_.retired.certificates[0].fingerprint, kNow - hours(9)};
  seen_.now = kNow + minutes(29);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = kNow + minutes(30);
  EXPECT_EQ(Next(), Step::kDropRetired);
  EXPECT_THAT(Changed(Step::kDropRetired).replicas, Not(Contains(Key("b")))) << "that can matter no more";
}

// What replicas say of themselves.

// Its time may have been noted by a clock that was years ahead.
TEST_F(PlanTest, TheRetiredAuthorityStaysNoLongerThanItIsValid) {
  const base::Time expires = kNow + hours(2);
  secret_.retired = {
      {MakeAuthority(kNow, hours(2))->certificate, MakeAuthority(kNow + days(3650), hours(2))->certificate}, kNow, kNow + days(3650)};
  secret_.replicas["dead"] = {secret_.retired.certificates.front().fingerprint, kNow};
  Settle();
  seen_.now = expires - seconds(1);
  secret_.leaf = MakeLeaf(secret_.authority, settings_.names, seen_.now, settings_.validity).value();
  memory_.serving = ServingOf(secret_);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = expires;
  EXPECT_EQ(Next(), Step::kDropRetired);
}

TEST_F(PlanTest, TellsWhatItServesWhenThatChanged) {
  secret_.replicas.clear();
  Settle();
  EXPECT_EQ(Next(), Step::kReport);
  const IdentitySecret told = Changed(Step::kReport);
  EXPECT_EQ(told.replicas.at("a"), (IdentitySecret::Replica{secret_.authority.certificate.fingerprint, seen_.now}));
}

TEST_F(PlanTest, DoesNotTellAnewOfAnotherLeafOfTheSameAuthority) {
  const IdentitySecret renewed = Changed(Step::kRenewLeaf);
  EXPECT_EQ(renewed.replicas.at("a").since, kNow);
}

TEST_F(PlanTest, AMultitudeOfReplicasIsBoundedAndWeAreOfThem) {
  for (std::size_t i = 0; i < kMaxReplicas + 5; ++i) {
    secret_.replicas["dead-" + std::to_string(i)] = {secret_.authority.certificate.fingerprint, kNow + seconds(i)};
  }
  const IdentitySecret told = Changed(Step::kReport);
  EXPECT_THAT(told.replicas, SizeIs(kMaxReplicas));
  EXPECT_THAT(told.replicas, Contains(Key("a")));
  EXPECT_THAT(told.replicas, Not(Contains(Key("dead-0"))));
}

TEST_F(PlanTest, NothingThatWritesTheSecretIsPlannedRightAfterThatFailed) {
  seen_.secret_failed = true;
  seen_.now = kNow + hours(2);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.now = kNow + hours(31);
  EXPECT_EQ(Next(), Step::kNothing);
  seen_.secret = nullptr;
  EXPECT_EQ(Plan(seen_, memory_, settings_), Step::kNothing);
}

}  // namespace
}  // namespace certs
