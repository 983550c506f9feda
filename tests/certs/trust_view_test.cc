#include "certs/trust_view.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "certs/authority.h"
#include "tests/support/test_certificates.h"

namespace certs {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();
const TrustWatch::Instant kStart{};

class TrustWatchTest : public ::testing::Test {
 protected:
  static Configuration With(std::initializer_list<std::string> bundles) {
    Configuration configuration{"1", {}};
    for (const std::string& bundle : bundles) {
      configuration.entries.push_back({"entry", bundle});
    }
    return configuration;
  }
  const TrustView& See(const std::optional<Configuration>& configuration, seconds after) {
    return watch_.Saw(configuration, kNow + after, kStart + after);
  }

  const Certificate one_ = MakeAuthority(kNow - hours(2), hours(24))->certificate;
  const Certificate two_ = MakeAuthority(kNow - hours(2), hours(24))->certificate;
  TrustWatch watch_;
};

TEST_F(TrustWatchTest, TrustsWhatEveryEntryHolds) {
  const TrustView& view = See(With({one_.pem + two_.pem, two_.pem}), seconds(0));
  EXPECT_EQ(view.state, TrustView::State::kPresent);
  EXPECT_THAT(view.trusted, ElementsAre(two_.fingerprint));
  EXPECT_THAT(view.authorities, SizeIs(2)) << "what one entry holds may be served too";
  EXPECT_THAT(view.texts, SizeIs(2));
}

TEST_F(TrustWatchTest, AnEntryWithoutACaBundleTrustsNobody) { EXPECT_THAT(See(With({one_.pem, ""}), seconds(0)).trusted, IsEmpty()); }

TEST_F(TrustWatchTest, TakesWhatIsThereAtFirstForSettled) {
  EXPECT_THAT(See(With({one_.pem}), seconds(0)).settled, ElementsAre(one_.fingerprint));
}

TEST_F(TrustWatchTest, WhatWasMadeJustNowIsNotSettledThough) {
  const Certificate young = MakeAuthority(kNow - seconds(5), hours(24))->certificate;
  EXPECT_THAT(See(With({young.pem}), seconds(0)).settled, IsEmpty());
  EXPECT_THAT(See(With({young.pem}), kPropagation).settled, ElementsAre(young.fingerprint));
}

TEST_F(TrustWatchTest, WhatComesLaterSettlesAfterAWhile) {
  See(With({one_.pem}), seconds(0));
  EXPECT_THAT(See(With({one_.pem + two_.pem}), seconds(1)).settled, ElementsAre(one_.fingerprint));
  EXPECT_THAT(See(With({one_.pem + two_.pem}), seconds(10)).settled, ElementsAre(one_.fingerprint));
  EXPECT_THAT(See(With({one_.pem + two_.pem}), seconds(11)).settled, SizeIs(2));
}

TEST_F(TrustWatchTest, WhatWentAndCameBackIsNotSettled) {
  See(With({one_.pem}), seconds(0));
  See(With({""}), seconds(10));
  EXPECT_THAT(See(With({one_.pem}), seconds(20)).settled, IsEmpty());
}

TEST_F(TrustWatchTest, WhatCouldNotBeReadKeepsItsAge) {
  See(With({""}), seconds(0));
  See(With({one_.pem}), seconds(1));
  EXPECT_EQ(watch_.SawNothing().state, TrustView::State::kUnknown);
  EXPECT_THAT(See(With({one_.pem}), seconds(11)).settled, ElementsAre(one_.fingerprint));
}

TEST_F(TrustWatchTest, AConfigurationThatIsGoneIsForgotten) {
  See(With({one_.pem}), seconds(0));
  const TrustView& gone = See(std::nullopt, seconds(10));
  EXPECT_EQ(gone.state, TrustView::State::kAbsent);
  EXPECT_THAT(gone.trusted, IsEmpty());
  const TrustView& back = See(With({one_.pem}), seconds(20));
  EXPECT_THAT(back.trusted, ElementsAre(one_.fingerprint));
  EXPECT_THAT(back.settled, IsEmpty());
}

TEST_F(TrustWatchTest, GarbageAndLeavesAreNotTrusted) {
  EXPECT_THAT(See(With({"garbage"}), seconds(0)).authorities, IsEmpty());
  EXPECT_THAT(See(With({support::MakeSelfSigned().certificate_pem}), seconds(1)).authorities, IsEmpty());
  std::string many;
  for (std::size_t i = 0; i <= kMaxBundleCertificates; ++i) {
    many += one_.pem;
  }
  EXPECT_THAT(See(With({many}), seconds(2)).authorities, IsEmpty());
}

}  // namespace
}  // namespace certs
