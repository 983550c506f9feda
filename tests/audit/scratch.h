// A fresh folder for one test's database.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/query.h"
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

inline std::vector<std::string> Find(const std::string& database, const audit::Query& query) {
  std::vector<std::string> records;
  const auto result = audit::RunQuery(database, query, [&](const audit::Row& row) {
    records.push_back(row.json);
    return true;
  });
  EXPECT_TRUE(result) << result.error().ToString();
  return records;
}

}  // namespace support
