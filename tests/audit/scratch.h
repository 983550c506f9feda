// A fresh folder for one test's database.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/database_reader.h"
#include "audit/store.h"
#include "tests/support/fake_clock.h"

namespace support {

inline std::string ScratchDatabase() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("acr-" + std::string(test->test_suite_name()) + "." + test->name());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder / "audit.db";
}

inline std::unique_ptr<audit::Store> OpenStore(const audit::StoreOptions& options, const base::Clock& clock,
                                               std::string* notice = nullptr) {
  std::string ignored;
  auto store = audit::Store::Open(options, clock, notice != nullptr ? notice : &ignored);
  EXPECT_TRUE(store) << store.error().ToString();
  return store ? std::move(*store) : nullptr;
}

// With sqlite3 itself, as another program would.
inline void ExecuteOn(const std::string& database, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

// All pages of what a query selects.
inline std::vector<audit::Row> ReadAll(audit::Reader& reader, audit::Query query) {
  std::vector<audit::Row> rows;
  while (true) {
    auto page = reader.Read(query);
    EXPECT_TRUE(page) << page.error().ToString();
    if (!page) {
      return rows;
    }
    rows.insert(rows.end(), page->rows.begin(), page->rows.end());
    if (page->next.empty() || page->rows.empty()) {
      return rows;
    }
    query.cursor = page->next;
  }
}

inline std::vector<std::string> Find(const std::string& database, const audit::Query& query) {
  std::vector<std::string> records;
  const auto reader = audit::OpenDatabaseReader(database);
  EXPECT_TRUE(reader) << reader.error().ToString();
  if (reader) {
    for (audit::Row& row : ReadAll(**reader, query)) {
      records.push_back(std::move(row.record));
    }
  }
  return records;
}

}  // namespace support
