#include "base/periodic.h"

#include <gtest/gtest.h>

#include <future>

namespace base {
namespace {

TEST(Periodic, WorksAgainAndAgain) {
  std::promise<void> third;
  int calls = 0;
  Periodic periodic("test", std::chrono::milliseconds(1), [&] {
    if (++calls == 3) {
      third.set_value();
    }
  });
  third.get_future().wait();
}

TEST(Periodic, WakeDoesNotWaitForTheInterval) {
  std::promise<void> called;
  Periodic periodic("test", std::chrono::hours(1), [&] { called.set_value(); });
  periodic.Wake();
  called.get_future().wait();
}

TEST(Periodic, StopEndsAWaitingThreadAndMayBeCalledTwice) {
  bool called = false;
  Periodic periodic("test", std::chrono::hours(1), [&] { called = true; });
  periodic.Stop();
  periodic.Stop();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace base
