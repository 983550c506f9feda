#include "kube/watch_reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/api.h"

namespace kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Line(const std::string& type, const std::string& name) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name + R"(","resourceVersion":"7"}}})" + "\n";
}

struct Reading {
  std::vector<std::string> seen;
  std::size_t enough = 1'000;
  OnWatchEvent on_event = [this](const WatchEvent& event) {
    seen.push_back(std::to_string(static_cast<int>(event.kind)) + event.object["metadata"]["name"].get<std::string>());
    return seen.size() < enough;
  };
  WatchReader reader{on_event};
};

TEST(WatchReader, EventsComeInOrderHoweverTheStreamIsCut) {
  const std::string stream = Line("ADDED", "a") + "\n" + Line("MODIFIED", "b") + Line("DELETED", "c") + Line("BOOKMARK", "d");
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    Reading reading;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      EXPECT_TRUE(reading.reader.Take(std::string_view(stream).substr(at, size)));
    }
    EXPECT_THAT(reading.seen, ElementsAre("0a", "1b", "2c", "3d"));
    EXPECT_FALSE(reading.reader.error());
  }
}

TEST(WatchReader, TheConsumerEndsIt) {
  Reading reading;
  reading.enough = 2;
  EXPECT_FALSE(reading.reader.Take(Line("ADDED", "a") + Line("ADDED", "b") + Line("ADDED", "c")));
  EXPECT_THAT(reading.seen, ElementsAre("0a", "0b"));
  EXPECT_FALSE(reading.reader.error());
}

TEST(WatchReader, AnErrorOfTheServersIsTheRefusalThatItStandsFor) {
  Reading reading;
  EXPECT_FALSE(reading.reader.Take(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
                                   "\n"));
  ASSERT_TRUE(reading.reader.error());
  EXPECT_EQ(reading.reader.error()->kind, ApiError::Kind::kExpired);
  EXPECT_EQ(reading.reader.error()->message, "too old");
}

TEST(WatchReader, WhatIsNoWatchIsAnError) {
  for (const std::string line : {"<html>\n", "[]\n", "{}\n",
                                 R"({"type":"ADDED","object":7})"
                                 "\n",
                                 R"({"type":"GONE","object":{"metadata":{"resourceVersion":"7"}}})"
                                 "\n",
                                 R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
                                 "\n"}) {
    Reading reading;
    EXPECT_FALSE(reading.reader.Take(line)) << line;
    ASSERT_TRUE(reading.reader.error()) << line;
    EXPECT_EQ(reading.reader.error()->kind, ApiError::Kind::kUnavailable);
    EXPECT_TRUE(reading.seen.empty());
  }
}

TEST(WatchReader, ALineHasAnEnd) {
  Reading reading;
  const std::string piece(std::size_t{1} << 20, 'x');
  std::size_t taken = 0;
  while (reading.reader.Take(piece) && taken <= 2 * kMaxAnswerBytes) {
    taken += piece.size();
  }
  EXPECT_EQ(taken, kMaxAnswerBytes);
  ASSERT_TRUE(reading.reader.error());
  EXPECT_THAT(reading.reader.error()->message, HasSubstr("16 MiB"));
}

}  // namespace
}  // namespace kube
