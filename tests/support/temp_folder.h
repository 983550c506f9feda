// A folder of a test's own, removed with all that is in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <unistd.h>

namespace support {

class TempFolder {
 public:
  TempFolder() {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = ::testing::TempDir() + test->test_suite_name() + "." + test->name() + ".XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr) << name;
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

  // Replaces the file as editors do, under a new inode: a change is seen whatever the file system's clock resolves.
  void Write(std::string_view name, std::string_view content) const {
    const std::filesystem::path temporary = path_ / (std::string(name) + ".tmp");
    std::ofstream(temporary, std::ios::binary) << content;
    std::filesystem::rename(temporary, path_ / name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace support
