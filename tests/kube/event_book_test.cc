#include "kube/event_book.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace kube {
namespace {

using std::chrono::seconds;
using Outcome = EventBook::Outcome;

Event Rotated(const std::string& note = "The CA was rotated.") {
  return {{"v1", "Secret", "acr", "tls", ""}, Event::Type::kNormal, "CertificateRotated", "Rotate", note};
}

class EventBookTest : public ::testing::Test {
 protected:
  bool Note(const Event& event) { return book_.Note(event, clock_.Now(), clock_.Monotonic()); }
  std::optional<EventBook::Write> Next() { return book_.Next(clock_.Monotonic()); }
  // Writes what is due, and tells how much that was.
  int WriteAll(Outcome outcome = Outcome::kWritten) {
    int written = 0;
    while (const auto write = Next()) {
      book_.Done(*write, outcome);
      ++written;
    }
    return written;
  }

  support::FakeClock clock_;
  EventBook book_{"acr-admission-1"};
};

TEST_F(EventBookTest, TheFirstIsCreatedAtOnceAndOthersCountUpOnceAMinute) {
  EXPECT_FALSE(Next());
  Note(Rotated());
  const auto first = Next();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->create);
  EXPECT_EQ(first->count, 1U);
  EXPECT_EQ(first->first, clock_.Now());
  EXPECT_THAT(first->name, ::testing::MatchesRegex("tls\\.[0-9a-f]+"));
  book_.Done(*first, Outcome::kWritten);
  EXPECT_FALSE(Next());
  for (int i = 0; i < 1000; ++i) {
    Note(Rotated());
  }
  EXPECT_FALSE(Next());
  clock_.Advance(kSeriesInterval);
  const auto series = Next();
  ASSERT_TRUE(series);
  EXPECT_FALSE(series->create);
  EXPECT_EQ(series->name, first->name);
  EXPECT_EQ(series->count, 1001U);
}

TEST_F(EventBookTest, WhatHappensWhileOneIsWrittenIsToldOfLater) {
  Note(Rotated());
  const auto first = Next();
  ASSERT_TRUE(first);
  Note(Rotated());
  book_.Done(*first, Outcome::kWritten);
  clock_.Advance(kSeriesInterval);
  const auto series = Next();
  ASSERT_TRUE(series);
  EXPECT_EQ(series->count, 2U);
}

TEST_F(EventBookTest, DifferentThingsAreDifferentEvents) {
  Note(Rotated());
  Note(Rotated("The leaf was rotated."));
  Event other = Rotated();
  other.reason = "CertificateRefused";
  Note(other);
  other = Rotated();
  other.regarding.name = "other";
  Note(other);
  std::set<std::string> names;
  while (const auto write = Next()) {
    EXPECT_TRUE(write->create);
    names.insert(write->name);
  }
  EXPECT_EQ(names.size(), 4U);
}

TEST_F(EventBookTest, ReplicasDoNotShareNames) {
  EventBook other("acr-admission-2");
  Note(Rotated());
  other.Note(Rotated(), clock_.Now(), clock_.Monotonic());
  EXPECT_NE(Next()->name, other.Next(clock_.Monotonic())->name);
}

TEST_F(EventBookTest, ASeriesThatIsOverBeginsAnew) {
  Note(Rotated());
  WriteAll();
  clock_.Advance(kSeriesEnd);
  Note(Rotated());
  const auto write = Next();
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->create);
  EXPECT_EQ(write->count, 1U);
}

TEST_F(EventBookTest, AnEventThatIsGoneIsCreatedAgain) {
  Note(Rotated());
  WriteAll();
  Note(Rotated());
  clock_.Advance(kSeriesInterval);
  EXPECT_EQ(WriteAll(Outcome::kGone), 1);
  clock_.Advance(kSeriesInterval);
  const auto again = Next();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->create);
  EXPECT_EQ(again->count, 2U);
}

TEST_F(EventBookTest, FailedWritesAreTriedAgainAndRefusedOnesAreNot) {
  Note(Rotated());
  EXPECT_EQ(WriteAll(Outcome::kFailed), 1);
  clock_.Advance(kSeriesInterval);
  EXPECT_EQ(WriteAll(Outcome::kRefused), 1);
  clock_.Advance(kSeriesInterval);
  EXPECT_EQ(WriteAll(), 0);
}

TEST_F(EventBookTest, WritesAreLimitedByRate) {
  for (std::size_t i = 0; i < kMaxSeries; ++i) {
    EXPECT_TRUE(Note(Rotated(std::to_string(i))));
  }
  EXPECT_EQ(WriteAll(), kWriteBurst);
  clock_.Advance(kWriteRefill - seconds(1));
  EXPECT_EQ(WriteAll(), 0);
  clock_.Advance(seconds(1));
  EXPECT_EQ(WriteAll(), 1);
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(WriteAll(), kWriteBurst);
}

TEST_F(EventBookTest, WhatThereIsNoRoomForIsDropped) {
  for (std::size_t i = 0; i < kMaxSeries; ++i) {
    Note(Rotated(std::to_string(i)));
  }
  EXPECT_FALSE(Note(Rotated("one more")));
  EXPECT_TRUE(Note(Rotated("0")));
  WriteAll();  // a burst of them, and another "0" to be told of
  clock_.Advance(kSeriesEnd);
  EXPECT_TRUE(Note(Rotated("one more")));
}

Event Denied(const std::string& namespace_name, const std::string& name, const std::string& note = "denied") {
  return {{"apps/v1", "ReplicaSet", namespace_name, name, "uid-" + name}, Event::Type::kWarning, "ImageDenied", "Deny", note};
}

TEST_F(EventBookTest, WhatSaysSomethingNewEachTimeIsOneSeriesWhereItIsTheSame) {
  Event event = Denied("shop", "cart", "observed 29 s ago, audit uid 1");
  event.sameness = "private-link";
  Note(event);
  event.note = "observed 30 s ago, audit uid 2";
  Note(event);
  const auto write = Next();
  ASSERT_TRUE(write);
  EXPECT_EQ(write->count, 2U);
  EXPECT_EQ(write->event.note, "observed 29 s ago, audit uid 1");
  book_.Done(*write, Outcome::kWritten);
  event.sameness = "customer-managed-key";
  Note(event);
  EXPECT_EQ(WriteAll(), 1) << "another thing";
}

TEST_F(EventBookTest, AnObjectThatWasMadeAnewIsAnother) {
  Note(Denied("shop", "cart"));
  Event again = Denied("shop", "cart");
  again.regarding.uid = "another";
  Note(again);
  EXPECT_EQ(WriteAll(), 2);
}

TEST_F(EventBookTest, ANamespaceThatFillsTheBookGivesWayToOthers) {
  for (std::size_t i = 0; i < kMaxSeries; ++i) {
    EXPECT_TRUE(Note(Denied("loud", std::to_string(i))));
  }
  EXPECT_FALSE(Note(Denied("loud", "one more")));
  // Each takes the place of one of the loud namespace's that was not told: dropped.
  for (std::size_t i = 0; i < kMaxSeries / 2; ++i) {
    EXPECT_FALSE(Note(Denied("quiet", std::to_string(i))));
  }
  EXPECT_FALSE(Note(Denied("quiet", "one more")));
  std::map<std::string, std::size_t> written;
  std::size_t all = 0;
  for (int i = 0; i < 10000 && all < kMaxSeries; ++i) {
    while (const auto write = Next()) {
      book_.Done(*write, Outcome::kWritten);
      ++written[write->event.regarding.namespace_name];
      ++all;
    }
    clock_.Advance(kWriteRefill);
  }
  EXPECT_EQ(written["loud"], kMaxSeries / 2);
  EXPECT_EQ(written["quiet"], kMaxSeries / 2);
}

TEST_F(EventBookTest, WhatIsToldGivesWayFirstAndIsNotMissed) {
  for (std::size_t i = 0; i < kMaxSeries; ++i) {
    Note(Denied("loud", std::to_string(i)));
  }
  EXPECT_EQ(WriteAll(), kWriteBurst);
  for (int i = 0; i < kWriteBurst; ++i) {
    EXPECT_TRUE(Note(Denied("quiet", std::to_string(i)))) << i;
  }
  EXPECT_FALSE(Note(Denied("quiet", "one more"))) << "at the expense of one that nobody was told of";
}

TEST_F(EventBookTest, ANamespaceThatIsLoudDoesNotHoldUpAnother) {
  for (std::size_t i = 0; i < kMaxSeries / 2; ++i) {
    Note(Denied("loud", std::to_string(i)));
  }
  EXPECT_EQ(WriteAll(), kWriteBurst);
  clock_.Advance(kWriteRefill - seconds(1));
  Note(Denied("quiet", "cart"));
  clock_.Advance(seconds(1));
  const auto write = Next();
  ASSERT_TRUE(write);
  EXPECT_EQ(write->event.regarding.namespace_name, "quiet") << "though the others have waited longer";
}

TEST_F(EventBookTest, WhatIsNewIsToldBeforeWhatGoesOn) {
  for (int i = 0; i < kWriteBurst; ++i) {
    Note(Denied("shop", std::to_string(i)));
  }
  EXPECT_EQ(WriteAll(), kWriteBurst);
  for (int i = 0; i < kWriteBurst; ++i) {
    Note(Denied("shop", std::to_string(i)));
  }
  clock_.Advance(kSeriesInterval);
  Note(Denied("shop", "new"));
  const auto write = Next();
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->create);
}

TEST_F(EventBookTest, NotesAndNamesAreCut) {
  Event event = Rotated(std::string(5000, 'n'));
  event.regarding.name = std::string(199, 'a') + "-" + std::string(50, 'b');
  Note(event);
  Note(event);
  const auto write = Next();
  ASSERT_TRUE(write);
  EXPECT_EQ(write->count, 2U);
  EXPECT_EQ(write->event.note.size(), kMaxNoteBytes);
  EXPECT_EQ(write->name.substr(0, 200), std::string(199, 'a') + ".");
  EXPECT_LE(write->name.size(), 253U);
}

}  // namespace
}  // namespace kube
