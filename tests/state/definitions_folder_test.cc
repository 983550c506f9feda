#include "state/definitions_folder.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DefinitionsFolderTest : public ::testing::Test {
 protected:
  std::vector<std::string> Contents() const {
    std::vector<std::string> contents;
    for (const auto& [path, content] : folder_.files()) {
      contents.push_back(std::filesystem::path(path).filename().string() + "=" + content.value_or("unreadable"));
    }
    return contents;
  }

  support::TempFolder temp_;
  DefinitionsFolder folder_{temp_ / ""};
};

TEST_F(DefinitionsFolderTest, ReadsEveryJsonFileSorted) {
  temp_.Write("b.json", "2");
  temp_.Write("a.json", "1");
  temp_.Write("README.md", "no definition");
  temp_.Write(".hidden.json", "no definition either");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_THAT(Contents(), ElementsAre("a.json=1", "b.json=2"));
}

TEST_F(DefinitionsFolderTest, TellsWhenAFileIsAddedChangedOrRemoved) {
  temp_.Write("a.json", "1");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_FALSE(folder_.Poll());

  temp_.Write("b.json", "2");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_FALSE(folder_.Poll());

  temp_.Write("a.json", "3");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_THAT(Contents(), ElementsAre("a.json=3", "b.json=2"));

  std::filesystem::remove(temp_ / "a.json");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_THAT(Contents(), ElementsAre("b.json=2"));
  EXPECT_FALSE(folder_.Poll());
}

TEST_F(DefinitionsFolderTest, FollowsASwappedLinkAsConfigMapVolumesDoIt) {
  std::filesystem::create_directory(temp_ / "..v1");
  std::filesystem::create_directory(temp_ / "..v2");
  temp_.Write("..v1/a.json", "1");
  temp_.Write("..v2/a.json", "2");
  std::filesystem::create_directory_symlink("..v1", temp_ / "..data");
  std::filesystem::create_symlink("..data/a.json", temp_ / "a.json");
  folder_.Poll();
  EXPECT_THAT(Contents(), ElementsAre("a.json=1"));

  std::filesystem::create_directory_symlink("..v2", temp_ / "..data_tmp");
  std::filesystem::rename(temp_ / "..data_tmp", temp_ / "..data");
  EXPECT_TRUE(folder_.Poll());
  EXPECT_THAT(Contents(), ElementsAre("a.json=2"));
}

TEST_F(DefinitionsFolderTest, KeepsWhatCannotBeReadAsAnError) {
  std::filesystem::create_directory(temp_ / "a.json");
  folder_.Poll();
  ASSERT_EQ(folder_.files().size(), 1U);
  EXPECT_THAT(folder_.files().begin()->second.error().message, HasSubstr("a.json"));
}

TEST_F(DefinitionsFolderTest, TellsWhenTheFolderGoesAndComesBack) {
  DefinitionsFolder folder(temp_ / "definitions");
  EXPECT_TRUE(folder.Poll());
  ASSERT_TRUE(folder.error());
  EXPECT_THAT(folder.error()->message, HasSubstr("definitions: cannot be listed"));
  EXPECT_FALSE(folder.Poll());

  std::filesystem::create_directory(temp_ / "definitions");
  EXPECT_TRUE(folder.Poll());
  EXPECT_FALSE(folder.error());
  EXPECT_FALSE(folder.Poll());
}

TEST_F(DefinitionsFolderTest, RefusesAFolderOfTooManyFiles) {
  for (std::size_t i = 0; i <= kMaxDefinitionFiles; ++i) {
    temp_.Write(std::to_string(i) + ".json", "");
  }
  folder_.Poll();
  ASSERT_TRUE(folder_.error());
  EXPECT_THAT(folder_.error()->message, HasSubstr("more than 200 definition files"));
  EXPECT_THAT(folder_.files(), IsEmpty());
}

TEST(DefinitionsFolder, IsEmptyWithoutAFolder) {
  DefinitionsFolder none("");
  EXPECT_TRUE(none.Poll()) << "the first Poll always says so";
  EXPECT_FALSE(none.Poll());
  EXPECT_FALSE(none.error());
  EXPECT_THAT(none.files(), IsEmpty());
}

}  // namespace
}  // namespace state
