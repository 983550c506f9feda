#include "base/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace base {
namespace {

TEST(Snapshot, IsNullBeforeTheFirstPublish) {
  Snapshot<int> snapshot;
  Snapshot<int>::Reader reader(snapshot);
  EXPECT_EQ(reader.Get(), nullptr);
  EXPECT_EQ(snapshot.Current(), nullptr);
}

TEST(Snapshot, ReadersSeeTheNewestValue) {
  Snapshot<int> snapshot;
  Snapshot<int>::Reader reader(snapshot);
  snapshot.Publish(std::make_shared<const int>(1));
  EXPECT_EQ(*reader.Get(), 1);
  snapshot.Publish(std::make_shared<const int>(2));
  EXPECT_EQ(*reader.Get(), 2);
  EXPECT_EQ(*snapshot.Current(), 2);
}

TEST(Snapshot, AnOldValueIsFreedByThePublisherNeverByAReader) {
  struct Value {
    std::thread::id* freed_by;
    ~Value() { *freed_by = std::this_thread::get_id(); }
  };
  std::thread::id freed_by;
  std::thread::id second;
  Snapshot<Value> snapshot;
  Snapshot<Value>::Reader reader(snapshot);
  snapshot.Publish(std::make_shared<const Value>(&freed_by));
  std::thread other([&] {
    (void)reader.Get();
    snapshot.Publish(std::make_shared<const Value>(&second));
    (void)reader.Get();  // lets go of the old value
  });
  other.join();
  EXPECT_EQ(freed_by, std::thread::id()) << "the reader freed it";
  snapshot.Collect();
  EXPECT_EQ(freed_by, std::this_thread::get_id());
}

TEST(Snapshot, ReadersNeverSeeAHalfPublishedValue) {
  struct Pair {
    int a, b;
  };
  Snapshot<Pair> snapshot;
  snapshot.Publish(std::make_shared<const Pair>(Pair{0, 0}));
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Snapshot<Pair>::Reader reader(snapshot);
      int last = 0;
      while (!stop) {
        const auto& value = reader.Get();
        if (value->a != value->b || value->a < last) {
          ++torn;
        }
        last = value->a;
      }
    });
  }
  for (int i = 1; i <= 2000; ++i) {
    snapshot.Publish(std::make_shared<const Pair>(Pair{i, i}));
  }
  stop = true;
  for (auto& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace base
