// Bytes of the database that something else wrote: whatever they are, the log goes on, and nothing ends the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "audit/store.h"
#include "audit/verify.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/faulty_vfs.h"

namespace audit {
namespace {

using support::SampleRecord;
using namespace std::chrono_literals;

constexpr std::size_t kPage = 4096;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

class DamageTest : public testing::Test {
 protected:
  // A log with rows of both classes, overflow pages, tombstones and a gap. With `suffix` "-wal" a part of it is in the write-ahead log.
  void SetUp() override {
    const support::FakeClock clock;
    options_.retention_bytes = 1 << 20;
    {
      const auto store = support::OpenStore(options_, clock);
      for (int i = 0; i < 8; ++i) {
        Commit(*store, 20, 8'000);
        ASSERT_TRUE(store->Maintain());
      }
    }
    database_ = ReadFile(options_.database);
    const auto store = support::OpenStore(options_, clock);
    Commit(*store, 5, 8'000);
    ASSERT_TRUE(store->SaveCursor("stdout", 7));
    log_ = ReadFile(options_.database + "-wal");
  }

  static void Commit(Store& store, int count, std::size_t padding) {
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      const auto decision = i % 3 == 0 ? policy::DecisionKind::kAllowed : policy::DecisionKind::kDenied;
      records.push_back(SampleRecord{.decision = decision, .padding = std::string(padding, 'p')}.Make());
    }
    ASSERT_TRUE(store.Commit(records));
  }

  // Lives on with these bytes: after all that a start, an audit thread and a query do, a commit is taken.
  void Live(const std::string& database, const std::string& log) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(options_.database + suffix);
    }
    WriteFile(options_.database, database);
    if (!log.empty()) {
      WriteFile(options_.database + "-wal", log);
    }
    static_cast<void>(Verify(options_.database, {}));
    support::FakeClock clock;
    std::string notice;
    auto store = Store::Open(options_, clock, &notice);
    if (!store) {
      // It looks like another program's, or another version's: that is left alone.
      EXPECT_EQ(store.error().code, base::ErrorCode::kInvalidArgument) << store.error().ToString();
      ++refused_;
      return;
    }
    for (int i = 0; i < 3; ++i) {
      std::int64_t cursor = 0;
      static_cast<void>((*store)->ReadCommitted(&cursor, 1000));
      static_cast<void>((*store)->ReadLink(cursor));
      static_cast<void>((*store)->SaveCursor("stdout", cursor));
      clock.Advance(options_.retention_age);
      static_cast<void>((*store)->Maintain());
    }
    const Record record = SampleRecord{.uid = "after"}.Make();
    auto committed = (*store)->Commit({&record, 1});
    for (int i = 0; i < 3 && !committed; ++i) {  // the damage showed only now
      clock.Advance(1min);
      static_cast<void>((*store)->Maintain());
      committed = (*store)->Commit({&record, 1});
    }
    EXPECT_TRUE(committed) << committed.error().ToString();
    set_aside_ += (*store)->Measure().set_aside > 0 ? 1 : 0;
    store->reset();
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(options_.database).parent_path())) {
      if (entry.path().filename().string().find(".corrupt-") != std::string::npos) {
        std::filesystem::remove(entry.path());
      }
    }
    static_cast<void>(Verify(options_.database, {}));
  }

  support::FaultyVfs vfs_;  // which does not sync
  StoreOptions options_{.database = support::ScratchDatabase()};
  std::string database_, log_;
  int set_aside_ = 0;
  int refused_ = 0;
};

TEST_F(DamageTest, AnyPageMayBeGarbage) {
  ASSERT_GT(database_.size(), 50 * kPage);
  for (std::size_t page = 0; page * kPage < database_.size(); page += 1 + page / 40) {
    SCOPED_TRACE("page " + std::to_string(page + 1));
    for (const char fill : {'\0', '\xff', '\x0d'}) {
      std::string bytes = database_;
      bytes.replace(page * kPage, kPage, kPage, fill);
      Live(bytes, "");
    }
  }
  EXPECT_GT(set_aside_, 20);
}

TEST_F(DamageTest, AnyByteMayBeAnother) {
  std::minstd_rand random(20261123);
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE("try " + std::to_string(i));
    std::string bytes = database_;
    std::string log = i % 2 == 0 ? log_ : std::string();
    for (int flips = 1 + i % 20; flips > 0; --flips) {
      std::string& target = i % 4 == 0 ? log : bytes;
      // Most of them where pages keep their structure.
      const std::size_t page = random() % (target.size() / kPage) * kPage;
      target[page + random() % (flips % 2 == 0 ? 64 : kPage)] = static_cast<char>(random());
    }
    Live(bytes, log);
  }
  EXPECT_GT(set_aside_, 20);
}

TEST_F(DamageTest, ItMayEndAnywhere) {
  std::minstd_rand random(20261123);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE("try " + std::to_string(i));
    Live(database_.substr(0, random() % database_.size()), log_.substr(0, random() % log_.size()));
  }
  EXPECT_GT(set_aside_, 10);
}

}  // namespace
}  // namespace audit
