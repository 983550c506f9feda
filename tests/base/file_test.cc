#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace base {
namespace {

using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() : folder_(testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& content) const { std::ofstream(Path(name)) << content; }

  const std::string folder_;
};

TEST_F(FileTest, ReadsWhatWasWrittenAtomically) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "one").has_value());
  ASSERT_TRUE(WriteFileAtomically(Path("a"), std::string("two\0three", 9)).has_value());
  EXPECT_EQ(ReadFile(Path("a"), 9).value(), std::string("two\0three", 9));
  EXPECT_FALSE(std::filesystem::exists(Path("a.new")));
}

TEST_F(FileTest, RefusesALargerFileAFolderAndAMissingOne) {
  Write("a", "12345");
  EXPECT_THAT(ReadFile(Path("a"), 4).error().message, HasSubstr("5 bytes"));
  EXPECT_THAT(ReadFile(folder_, 4).error().message, HasSubstr("folder"));
  EXPECT_EQ(ReadFile(Path("none"), 4).error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, RefusesAnEndlessPipe) { EXPECT_THAT(ReadFile("/dev/zero", 1000).error().message, HasSubstr("larger than 1000 bytes")); }

TEST_F(FileTest, Sha256IsTheStandardOne) {
  EXPECT_EQ(Sha256("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(FileTest, WatchedFileTellsEachChangeOnce) {
  Write("a", "one");
  WatchedFile file(Path("a"), 100);
  const auto first = file.Poll();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->content.value(), "one");
  EXPECT_FALSE(file.Poll().has_value());
  Write("a", "two, longer");
  EXPECT_EQ(file.Poll()->content.value(), "two, longer");
  EXPECT_FALSE(file.Poll().has_value());
}

TEST_F(FileTest, WatchedFileSeesAKubernetesVolumeSwap) {
  std::filesystem::create_directories(Path("v1"));
  std::filesystem::create_directories(Path("v2"));
  Write("v1/policy", "same size 1");
  Write("v2/policy", "same size 2");
  std::filesystem::create_directory_symlink("v1", Path("..data"));
  std::filesystem::create_symlink("..data/policy", Path("policy"));
  WatchedFile file(Path("policy"), 100);
  EXPECT_EQ(file.Poll()->content.value(), "same size 1");
  std::filesystem::create_directory_symlink("v2", Path("..data_tmp"));
  std::filesystem::rename(Path("..data_tmp"), Path("..data"));
  EXPECT_EQ(file.Poll()->content.value(), "same size 2");
}

TEST_F(FileTest, WatchedFileTriesAgainWhatItCouldNotReadThoughNothingAboutItChanged) {
  Write("a", "here");
  WatchedFile file(Path("a"), 100);
  ASSERT_TRUE(file.Poll()->content.has_value());
  Write("a", "something else");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto failed = file.Poll();
  const auto again = file.Poll();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(failed.has_value());
  EXPECT_FALSE(failed->content.has_value());
  EXPECT_FALSE(again.has_value()) << "reported once";
  const auto back = file.Poll();
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->content.value(), "something else");
}

TEST_F(FileTest, WatchedFileReportsAnErrorOnceAndComesBack) {
  WatchedFile file(Path("a"), 100);
  EXPECT_FALSE(file.Poll()->content.has_value());
  EXPECT_FALSE(file.Poll().has_value());
  Write("a", "here");
  EXPECT_EQ(file.Poll()->content.value(), "here");
  std::filesystem::remove(Path("a"));
  EXPECT_FALSE(file.Poll()->content.has_value());
}

}  // namespace
}  // namespace base
