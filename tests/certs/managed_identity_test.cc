#include "certs/managed_identity.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/certs/cluster.h"

namespace certs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Optional;

TEST(ManagedIdentity, MakesTheFirstIdentityAndTellsTheApiServer) {
  Cluster cluster(1);
  ASSERT_NE(cluster[0].serving(), nullptr);
  EXPECT_THAT(cluster.world.Bundles(), Each(cluster.Stored().authority.certificate.pem));
  EXPECT_THAT(cluster[0].Reasons(), ElementsAre("CertificateIssued"));
  EXPECT_THAT(cluster[0].identity->status().repairs, IsEmpty());
}

TEST(ManagedIdentity, IsReadyWhenEveryApiServerCanHaveSeenTheCaBundle) {
  Cluster cluster(1);
  EXPECT_THAT(cluster[0].identity->status().not_ready, HasSubstr("has just been told"));
  cluster.Run(kPropagation);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, IsReadyAtOnceAfterARestart) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster.Kill("replica-0");
  cluster.Start("replica-1");
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, SaysWhyThereIsNoIdentityYet) {
  Cluster cluster;
  cluster.world.secret.reset();
  support::WorldReplica replica(cluster.world, support::SmallSettings("a"));
  EXPECT_THAT(replica.identity->status().not_ready, HasSubstr("not read yet"));
  replica.access.away = true;
  replica.Poll();
  EXPECT_THAT(replica.identity->status().not_ready, HasSubstr("connection refused"));
  EXPECT_EQ(replica.serving(), nullptr);
  replica.access.away = false;
  replica.Poll();
  EXPECT_NE(replica.serving(), nullptr);
  EXPECT_TRUE(cluster.world.secret) << "where there is no Secret at all it is made";
}

TEST(ManagedIdentity, OfTwoReplicasThatStartTogetherOneIsFirstAndTheOtherFollows) {
  Cluster two;
  support::WorldReplica a(two.world, support::SmallSettings("a"));
  support::WorldReplica b(two.world, support::SmallSettings("b"));
  bool polled = false;
  a.access.before = [&](const std::string& call) {
    if (call == "Swap" && !polled) {
      polled = true;
      b.Poll();
    }
  };
  a.Poll();
  ASSERT_TRUE(polled);
  ASSERT_NE(a.serving(), nullptr);
  EXPECT_EQ(a.serving()->fingerprint, b.serving()->fingerprint);
  EXPECT_THAT(a.Reasons(), IsEmpty());
  EXPECT_EQ(a.identity->status().problem, std::nullopt) << "a conflict is no failure";
}

TEST(ManagedIdentity, RotatesForHoursAndNobodyIsEverRefused) {
  Cluster cluster(3);
  const std::string first_authority = cluster.Stored().authority.certificate.fingerprint;
  cluster.Run(hours(3));
  cluster.ExpectHealthy();
  EXPECT_TRUE(cluster.was_ready);
  std::uint64_t leaves = 0;
  std::uint64_t authorities = 0;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    auto rotations = cluster[i].identity->status().rotations;
    leaves += rotations["leaf"];
    authorities += rotations["ca"];
    EXPECT_THAT(cluster[i].identity->status().repairs, IsEmpty());
  }
  EXPECT_THAT(leaves, AllOf(::testing::Ge(15U), ::testing::Le(30U)));
  EXPECT_EQ(authorities, 4U) << "one every 42 minutes: 40 to begin it, 2 of trust before it is used";
  EXPECT_NE(cluster.Stored().authority.certificate.fingerprint, first_authority);
}

TEST(ManagedIdentity, DestroysTheOldKeyAtTheSwitchAndForgetsTheOldAuthorityWhenItsTimeIsOver) {
  Cluster cluster(2);
  const std::string old_key = cluster.Stored().authority.key_pem;
  const std::string old_authority = cluster.Stored().authority.certificate.fingerprint;
  cluster.Run(minutes(41));
  ASSERT_TRUE(cluster.Stored().next);
  EXPECT_EQ(cluster.Stored().authority.certificate.fingerprint, old_authority) << "not trusted for long enough";
  cluster.Run(minutes(2));
  ASSERT_NE(cluster.Stored().authority.certificate.fingerprint, old_authority);
  for (const auto& [key, text] : cluster.world.secret->data) {
    EXPECT_THAT(text, Not(HasSubstr(old_key)));
  }
  ASSERT_EQ(cluster.Stored().retired.certificates.size(), 1U);
  cluster.Run(minutes(4));
  EXPECT_EQ(cluster.Stored().retired.certificates.size(), 1U);
  cluster.Run(minutes(2));
  EXPECT_THAT(cluster.Stored().retired.certificates, IsEmpty());
  EXPECT_THAT(cluster.world.Bundles(), Each(cluster.Stored().authority.certificate.pem));
}

TEST(ManagedIdentity, AReplicaThatDidNotSwitchHoldsTheOldAuthorityNoLongerThanItsLeafLasts) {
  Cluster cluster(2);
  cluster.Run(minutes(39));
  ASSERT_THAT(cluster.Stored().replicas, Contains(Key("replica-1")));
  cluster.Kill("replica-1");
  cluster.Run(minutes(5));
  ASSERT_EQ(cluster.Stored().retired.certificates.size(), 1U);
  const base::Time until = cluster.Stored().retired.until;
  cluster.Run(std::chrono::duration_cast<seconds>(until - cluster.world.now()) - seconds(15));
  EXPECT_EQ(cluster.Stored().retired.certificates.size(), 1U);
  cluster.Run(seconds(30));
  EXPECT_THAT(cluster.Stored().retired.certificates, IsEmpty());
  EXPECT_THAT(cluster.Stored().replicas, Not(Contains(Key("replica-1"))));
}

TEST(ManagedIdentity, AReplicaThatLeavesHoldsNothing) {
  Cluster cluster(2);
  cluster.Run(minutes(1));
  ASSERT_THAT(cluster.Stored().replicas, Contains(Key("replica-1")));
  cluster[1].identity->Leave();
  EXPECT_THAT(cluster.Stored().replicas, Not(Contains(Key("replica-1"))));
  EXPECT_THAT(cluster.Stored().replicas, Contains(Key("replica-0")));
}

TEST(ManagedIdentity, LeavingGivesUpWhenTheApiServerIsAway) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster[0].access.away = true;
  cluster[0].access.calls = 0;
  cluster[0].identity->Leave();
  EXPECT_EQ(cluster[0].access.calls, 1);
}

TEST(ManagedIdentity, LeavingTakesNoLongerThanASecondTryThatWasBegunInTime) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster[0].access.before = [&](const std::string& call) {
    cluster.world.Advance(std::chrono::milliseconds(400));
    if (call == "Swap") {
      cluster.world.SetSecret(cluster.world.secret->data);  // others leave as well: a conflict each time
    }
  };
  cluster[0].access.calls = 0;
  cluster[0].identity->Leave();
  EXPECT_EQ(cluster[0].access.calls, 2) << "0.8 s";
}

TEST(ManagedIdentity, AStartWaitsForAnApiServerThatIsSlowNoLongerThanForOneThatIsSilent) {
  Cluster cluster;
  support::WorldReplica replica(cluster.world, support::SmallSettings("a"));
  replica.access.before = [&](const std::string&) { cluster.world.Advance(seconds(2)); };
  const base::Time began = cluster.world.now();
  replica.Poll();
  EXPECT_LE(cluster.world.now() - began, seconds(10));
  for (int i = 0; i < 5; ++i) {
    replica.Poll();
  }
  EXPECT_THAT(cluster.world.Bundles(), Each(replica.serving() ? cluster.Stored().authority.certificate.pem : "nothing is served"))
      << "something is done each time";
}

TEST(ManagedIdentity, RestoresADeletedSecretAndGetsNewKeysWithoutLosingAnAdmission) {
  Cluster cluster(3);
  cluster.Run(minutes(5));
  const IdentitySecret before = cluster.Stored();
  cluster.world.SetSecret(std::nullopt);
  cluster.Run(kHealing);
  EXPECT_EQ(cluster.Stored().authority.certificate.fingerprint, before.authority.certificate.fingerprint);
  EXPECT_TRUE(cluster.Stored().next);
  EXPECT_EQ(cluster.Repairs("secret_missing"), 1U);
  cluster.ExpectHealthy();
  cluster.Run(minutes(3));
  EXPECT_NE(cluster.Stored().authority.certificate.fingerprint, before.authority.certificate.fingerprint);
  EXPECT_NE(cluster.Stored().authority.key_pem, before.authority.key_pem);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, ADeletedSecretThatANewReplicaFindsFirstLosesNoAdmission) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  cluster.world.SetSecret(std::nullopt);
  support::WorldReplica fresh(cluster.world, support::SmallSettings("fresh"));
  fresh.Poll();
  ASSERT_NE(fresh.serving(), nullptr);
  EXPECT_EQ(cluster.Stored().retired.certificates.size(), 1U) << "what caBundle trusted before";
  cluster.Check();
  cluster.Run(minutes(1));
  fresh.Poll();
  cluster.ExpectHealthy();
  EXPECT_EQ(fresh.identity->status().not_ready, "");
  cluster.Run(minutes(10));
  EXPECT_THAT(cluster.Stored().retired.certificates, IsEmpty());
}

TEST(ManagedIdentity, AReplicaThatRemembersAnOlderSecretTakesNothingFromOneThatServesANewerOne) {
  Cluster cluster(2);
  cluster.Run(minutes(41));
  ASSERT_TRUE(cluster.Stored().next);
  // One switches, the other has not looked since; then the Secret is lost.
  while (cluster.Stored().next) {
    cluster.world.Advance(seconds(1));
    cluster[0].Poll();
  }
  ASSERT_NE(cluster[0].serving()->fingerprint, cluster[1].serving()->fingerprint);
  cluster.world.SetSecret(std::nullopt);
  cluster[1].Poll();
  cluster.Check();
  cluster.Run(minutes(1));
  cluster.ExpectHealthy();
}

class Garbage : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Garbage, IsReplacedFromMemoryWithinTheTimeForHealing) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  Data data = cluster.world.secret->data;
  data[GetParam().first] = GetParam().second;
  cluster.world.SetSecret(data);
  cluster.Run(kHealing);
  EXPECT_EQ(cluster.Repairs("secret_invalid"), 1U);
  cluster.ExpectHealthy();
  EXPECT_THAT(cluster.world.secret->data, Not(Contains(::testing::Pair(GetParam().first, GetParam().second))));
}

INSTANTIATE_TEST_SUITE_P(Keys, Garbage,
                         ::testing::Values(std::pair("ca.crt", "garbage"), std::pair("ca.key", ""), std::pair("tls.crt", "garbage"),
                                           std::pair("tls.key", "garbage"), std::pair("replicas", "[]"), std::pair("next-ca.crt", "x"),
                                           std::pair("retired-ca.since", "yesterday")));

TEST(ManagedIdentity, GarbageThatNobodyRemembersIsReplaced) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster.Kill("replica-0");
  cluster.world.SetSecret(Data{{"tls.crt", "garbage"}});
  cluster.Start("fresh");
  const support::WorldReplica& fresh = cluster[0];
  cluster.Broke();
  EXPECT_EQ(cluster.Repairs("secret_invalid"), 1U);
  EXPECT_THAT(fresh.Reasons(), Contains("CertificateSecretInvalid"));
  cluster.Run(kHealing);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, ASecretOfAnotherTimeIsTakenWithoutLosingAnAdmission) {
  Cluster cluster(3);
  cluster.Run(minutes(1));
  const Data old = cluster.world.secret->data;
  cluster.Run(minutes(58));
  ASSERT_NE(cluster.Stored().authority.certificate.pem, old.at("ca.crt"));
  const std::string lost = cluster.Stored().authority.certificate.pem;
  cluster.world.SetSecret(old);  // from a backup
  cluster.Run(seconds(10));
  EXPECT_THAT(cluster.world.Bundles(), Each(HasSubstr(lost)));
  cluster.Run(minutes(30));
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, KeepsWhatWasTrustedThoughThatFailsAtFirst) {
  for (const bool conflict : {false, true}) {
    Cluster cluster(1);
    cluster.Run(minutes(1));
    const Data old = cluster.world.secret->data;
    cluster.Run(minutes(58));
    const std::string lost = cluster.Stored().authority.certificate.pem;
    ASSERT_NE(lost, old.at("ca.crt"));
    cluster.world.SetSecret(old);
    bool failed = false;
    cluster[0].access.before = [&](const std::string& call) {
      if (conflict && call == "Swap" && !failed) {
        failed = true;
        cluster.world.SetSecret(old);  // by somebody else, meanwhile
      }
    };
    cluster[0].access.no_read = !conflict;
    cluster[0].Poll();
    failed |= cluster[0].identity->status().problem.has_value();
    EXPECT_TRUE(failed);
    cluster[0].access.no_read = false;
    cluster[0].Poll();
    EXPECT_THAT(cluster.world.Bundles(), Each(HasSubstr(lost))) << conflict;
    cluster.Check();
  }
}

TEST(ManagedIdentity, WritesAnEmptiedCaBundleAgain) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  cluster.world.SetBundles({"", ""});
  cluster.Broke();
  cluster.Run(kHealing);
  EXPECT_THAT(cluster.world.Bundles(), Each(BundleOf(cluster.Stored())));
  EXPECT_EQ(cluster.Repairs("ca_bundle"), 1U);
  cluster.Run(kPropagation);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, WritesAForeignCaBundleAgainInOneEntryToo) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  Cluster other(1);
  cluster.world.SetBundles({cluster.world.Bundles()[0], other.world.Bundles()[0]});
  cluster.Broke();
  cluster.Run(kHealing);
  EXPECT_THAT(cluster.world.Bundles(), Each(BundleOf(cluster.Stored())));
  EXPECT_THAT(cluster.Stored().retired.certificates, IsEmpty()) << "what a stranger put there is not kept";
  cluster.Run(kPropagation);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, WaitsAnewWhenTheNextAuthorityWasNotTrustedAllTheTime) {
  Cluster cluster(2);
  cluster.Run(minutes(41));
  ASSERT_TRUE(cluster.Stored().next && cluster.Stored().next->trusted_since);
  const base::Time since = *cluster.Stored().next->trusted_since;
  cluster.world.SetBundles({cluster.Stored().authority.certificate.pem, cluster.Stored().authority.certificate.pem});
  cluster.Run(kHealing);
  ASSERT_TRUE(cluster.Stored().next && cluster.Stored().next->trusted_since);
  EXPECT_GT(*cluster.Stored().next->trusted_since, since);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, NeverMakesADeletedConfigurationAgainAndGoesOnServing) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  cluster.world.DeleteConfiguration();
  cluster.Run(minutes(30));
  EXPECT_FALSE(cluster.world.configuration);
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    EXPECT_EQ(cluster[i].identity->status().configuration_present, false);
    EXPECT_EQ(std::ranges::count(cluster[i].Reasons(), "WebhookConfigurationMissing"), 1);
    EXPECT_GT(cluster[i].serving()->not_after, cluster.world.now());
  }
  cluster.world.SetBundles({"", ""});  // applied again, by somebody
  cluster.Broke();
  cluster.Run(kHealing + kPropagation);
  EXPECT_EQ(cluster[0].identity->status().configuration_present, true);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, AConfigurationThatIsGoneLongerThanAnAuthorityLastsIsServedWhenItComesBack) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  const auto bundles = cluster.world.Bundles();
  cluster.world.DeleteConfiguration();
  cluster.Run(hours(3));
  cluster.world.SetBundles(bundles);
  cluster.Broke();
  cluster.Run(kHealing + kPropagation);
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, ServesOnWhileTheApiServerIsAwayAndMendsAllWhenItIsBack) {
  Cluster cluster(2);
  cluster.Run(minutes(5));
  const std::string served = cluster[0].serving()->fingerprint;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster[i].access.away = true;
  }
  cluster.Run(minutes(1));
  EXPECT_EQ(cluster[0].serving()->fingerprint, served);
  EXPECT_EQ(cluster[0].identity->status().not_ready, "");
  EXPECT_THAT(cluster[0].identity->status().problem, Optional(HasSubstr("connection refused")));
  EXPECT_EQ(std::ranges::count_if(cluster[0].logged, [](const auto& line) { return line.find("refused") != line.npos; }), 1);
  cluster.world.Advance(hours(5));  // all has expired
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster[i].access.away = false;
  }
  cluster.Broke();
  cluster.Run(kHealing + kPropagation);
  cluster.ExpectHealthy();
  EXPECT_EQ(cluster.Repairs("expired"), 1U);
}

TEST(ManagedIdentity, ReplicasWithWrongClocksRotateAsTheOthersDo) {
  Cluster cluster;
  cluster.Start("right");
  cluster.Start("ahead", hours(50));
  cluster.Start("behind", -hours(50));
  cluster.Run(hours(2));
  cluster.ExpectHealthy();
  EXPECT_THAT(cluster[0].Reasons(), Not(Contains("ClockSkew")));
  EXPECT_EQ(std::ranges::count(cluster[1].Reasons(), "ClockSkew"), 1);
  EXPECT_EQ(std::ranges::count(cluster[2].Reasons(), "ClockSkew"), 1);
  EXPECT_EQ(cluster[1].identity->status().clock_ahead, seconds(hours(50)));
  EXPECT_EQ(cluster.Repairs("expired") + cluster.Repairs("clock"), 0U);
}

TEST(ManagedIdentity, TheOwnClockCountsWhereTheApiServerTellsNoTime) {
  Cluster cluster;
  cluster.world.tells_time = false;
  cluster.Start("a");
  cluster.Run(minutes(10));
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, AnApiServersClockThatWasWrongIsHealed) {
  for (const auto& [step, repair] : {std::pair(hours(9), "expired"), std::pair(-hours(9), "clock")}) {
    Cluster cluster(2);
    cluster.Run(minutes(5));
    cluster.world.clock.Step(step);
    cluster.Broke();
    for (int second = 0; second < kHealing.count(); ++second) {
      cluster.world.Advance(seconds(1));
      if (second == 4) {
        cluster[0].Poll();
      }
      if (second == 9) {
        cluster[1].Poll();
      }
    }
    cluster.world.Advance(kPropagation);
    cluster.ExpectHealthy();
    EXPECT_EQ(cluster.Repairs(repair), 1U) << repair;
  }
}

TEST(ManagedIdentity, ServesALeafForTheNamesOfEveryReplicasConfiguration) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  PlanSettings settings = support::SmallSettings("new");
  settings.names.emplace_back("other.acr.svc");
  cluster.Start(settings);
  cluster.Run(minutes(1));
  cluster.ExpectHealthy();
  EXPECT_THAT(DnsNamesOf(cluster[0].serving()->leaf.get()), Contains("other.acr.svc"));
  EXPECT_EQ(cluster[0].identity->status().rotations["leaf"] + cluster[1].identity->status().rotations["leaf"], 1U)
      << "the replicas must not undo each other's";
}

TEST(ManagedIdentity, RenewsTheLeafThoughItMayNotReadOrWriteTheConfiguration) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  const std::string served = cluster[0].serving()->fingerprint;
  cluster[0].access.no_read = true;
  cluster.Run(minutes(10));
  EXPECT_NE(cluster[0].serving()->fingerprint, served);
  EXPECT_THAT(cluster[0].identity->status().problem, Optional(HasSubstr("webhook configuration")));
  cluster[0].access.no_read = false;
  cluster[0].access.no_write = true;
  cluster.world.SetBundles({"", ""});
  cluster.Broke(minutes(20));
  cluster.Run(minutes(20));
  EXPECT_GT(cluster[0].serving()->not_after, cluster.world.now());
  EXPECT_THAT(cluster[0].identity->status().problem, Optional(HasSubstr("caBundle")));
}

TEST(ManagedIdentity, ServesAndTrustsWhatIsThereThoughItMayNotWriteTheSecret) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster.Start("other");
  support::WorldReplica& other = cluster[1];
  other.access.no_swap = true;
  cluster.Run(minutes(10));
  EXPECT_EQ(other.serving()->fingerprint, cluster[0].serving()->fingerprint);
  cluster.world.SetBundles({"", ""});
  cluster.Kill("replica-0");
  cluster.Broke();
  cluster.Run(kHealing);
  EXPECT_THAT(cluster.world.Bundles(), Each(BundleOf(cluster.Stored())));
}

TEST(ManagedIdentity, DoesNotFightSomebodyWhoUndoesWhatItDoesMoreThanOnceAPoll) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster[0].access.after = [&](const std::string& call) {
    if (call == "Write") {
      cluster.world.SetBundles({""});
    }
  };
  cluster.world.SetBundles({""});
  cluster[0].access.calls = 0;
  cluster[0].Poll();
  EXPECT_LE(cluster[0].access.calls, 12);
  EXPECT_THAT(cluster[0].identity->status().problem, Optional(HasSubstr("undone again and again")));
}

TEST(ManagedIdentity, APollWithNothingToDoAsksTwice) {
  Cluster cluster(1);
  cluster.Run(minutes(1));
  cluster[0].access.calls = 0;
  cluster[0].Poll();
  EXPECT_EQ(cluster[0].access.calls, 2);
}

TEST(ManagedIdentity, KeepsKeysThatAreNotItsOwn) {
  Cluster cluster(1);
  Data data = cluster.world.secret->data;
  data["note"] = "of a newer version";
  cluster.world.SetSecret(data);
  cluster.Run(hours(1));
  EXPECT_EQ(cluster.world.secret->data["note"], "of a newer version");
}

TEST(ManagedIdentity, NeitherNoticesNorLogsNorProblemsHoldAKey) {
  Cluster cluster(2);
  cluster.Run(minutes(50));
  Data data = cluster.world.secret->data;
  data["tls.key"] = data["ca.key"];
  cluster.world.SetSecret(data);
  cluster.Run(minutes(5));
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    for (const std::string& line : cluster[i].logged) {
      EXPECT_THAT(line, Not(HasSubstr("PRIVATE")));
    }
    for (const Notice& notice : cluster[i].notices) {
      EXPECT_THAT(notice.note, Not(HasSubstr("PRIVATE")));
      EXPECT_LE(notice.note.size(), 1024U);
    }
  }
}

TEST(ManagedIdentity, ASecretOfAnotherTimeThatANewReplicaFindsFirstLosesNoAdmission) {
  Cluster cluster(2);
  cluster.Run(minutes(1));
  const Data old = cluster.world.secret->data;
  cluster.Run(minutes(58));
  const std::string lost = cluster.Stored().authority.certificate.pem;
  ASSERT_NE(lost, old.at("ca.crt"));
  cluster.world.SetSecret(old);  // from a backup
  support::WorldReplica fresh(cluster.world, support::SmallSettings("fresh"));
  fresh.Poll();
  EXPECT_THAT(cluster.world.Bundles(), Each(HasSubstr(lost))) << "replicas still serve a leaf of it";
  cluster.Check();
  cluster.Run(minutes(30));
  fresh.Poll();
  cluster.ExpectHealthy();
}

TEST(ManagedIdentity, KeepsAsManyOfWhatWasTrustedAsThereIsRoomForAndGoesOn) {
  for (const bool fresh : {true, false}) {
    Cluster cluster(1);
    cluster.Run(minutes(1));
    Cluster other(1);  // a backup of another release's
    std::string foreign;
    for (std::size_t i = 0; i < 2 * kMaxRetired + 3; ++i) {
      foreign += MakeAuthority(cluster.world.now(), hours(9))->certificate.pem;
    }
    cluster.world.SetBundles({foreign, foreign});
    cluster.Broke();
    cluster.world.SetSecret(other.world.secret->data);
    if (fresh) {
      cluster.Kill("replica-0");
      cluster.Start("fresh");
    }
    cluster.Run(kHealing + kPropagation);
    EXPECT_THAT(cluster.world.Bundles(), Each(BundleOf(cluster.Stored()))) << fresh;
    EXPECT_EQ(cluster.Stored().retired.certificates.size(), kMaxRetired);
    cluster.Run(kPropagation);
    cluster.ExpectHealthy();
  }
}

}  // namespace
}  // namespace certs
