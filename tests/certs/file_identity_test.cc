#include "certs/file_identity.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace certs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

class FileIdentityTest : public ::testing::Test {
 protected:
  void Write(const support::TestCertificate& made) {
    folder_.Write("tls.crt", made.certificate_pem);
    folder_.Write("tls.key", made.key_pem);
  }
  std::string Serving() const { return files_.identities().Current()->fingerprint; }

  support::TempFolder folder_;
  std::vector<std::string> logged_;
  FileIdentity files_{folder_ / "tls.crt", folder_ / "tls.key",
                      [this](base::LogLevel, std::string_view message) { logged_.emplace_back(message); }};
};

TEST_F(FileIdentityTest, LoadsAPair) {
  Write(support::MakeSelfSigned());
  ASSERT_TRUE(files_.Load());
  EXPECT_FALSE(Serving().empty());
  EXPECT_EQ(files_.problem(), std::nullopt);
}

TEST_F(FileIdentityTest, LoadNamesTheFileThatIsMissing) {
  folder_.Write("tls.crt", support::MakeSelfSigned().certificate_pem);
  const auto loaded = files_.Load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr(folder_ / "tls.key"));
}

TEST_F(FileIdentityTest, LoadNamesTheFilesThatDoNotMatch) {
  Write({support::MakeSelfSigned().certificate_pem, support::MakeSelfSigned().key_pem});
  const auto loaded = files_.Load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr(folder_ / "tls.crt"));
}

TEST_F(FileIdentityTest, ServesTheNewPairOnceBothFilesAreThere) {
  Write(support::MakeSelfSigned());
  ASSERT_TRUE(files_.Load());
  const std::string first = Serving();
  const auto next = support::MakeSelfSigned();

  folder_.Write("tls.crt", next.certificate_pem);
  files_.Poll();
  EXPECT_EQ(Serving(), first) << "half a pair must not be served";
  EXPECT_THAT(files_.problem(), Optional(HasSubstr("the key is not the certificate's")));

  folder_.Write("tls.key", next.key_pem);
  files_.Poll();
  EXPECT_NE(Serving(), first);
  EXPECT_EQ(files_.problem(), std::nullopt);
}

TEST_F(FileIdentityTest, FollowsASwappedLinkAsSecretVolumesDoIt) {
  const auto one = support::MakeSelfSigned();
  const auto two = support::MakeSelfSigned();
  std::filesystem::create_directory(folder_ / "v1");
  std::filesystem::create_directory(folder_ / "v2");
  folder_.Write("v1/tls.crt", one.certificate_pem);
  folder_.Write("v1/tls.key", one.key_pem);
  folder_.Write("v2/tls.crt", two.certificate_pem);
  folder_.Write("v2/tls.key", two.key_pem);
  std::filesystem::create_directory_symlink("v1", folder_ / "..data");
  std::filesystem::create_symlink("..data/tls.crt", folder_ / "tls.crt");
  std::filesystem::create_symlink("..data/tls.key", folder_ / "tls.key");
  ASSERT_TRUE(files_.Load());
  const std::string first = Serving();

  std::filesystem::create_directory_symlink("v2", folder_ / "..data_tmp");
  std::filesystem::rename(folder_ / "..data_tmp", folder_ / "..data");
  files_.Poll();

  EXPECT_NE(Serving(), first);
}

TEST_F(FileIdentityTest, ReportsABadFileOnce) {
  Write(support::MakeSelfSigned());
  ASSERT_TRUE(files_.Load());
  folder_.Write("tls.key", "garbage");
  files_.Poll();
  files_.Poll();
  files_.Poll();
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("the old one stays in use")));
}

TEST_F(FileIdentityTest, KeepsServingWhenTheFilesAreGone) {
  Write(support::MakeSelfSigned());
  ASSERT_TRUE(files_.Load());
  const std::string first = Serving();
  std::filesystem::remove(folder_ / "tls.crt");
  std::filesystem::remove(folder_ / "tls.key");
  files_.Poll();
  EXPECT_EQ(Serving(), first);
  EXPECT_THAT(files_.problem(), Optional(HasSubstr("tls.crt")));
}

TEST_F(FileIdentityTest, ForgetsTheProblemWhenTheOldContentIsBack) {
  const auto made = support::MakeSelfSigned();
  Write(made);
  ASSERT_TRUE(files_.Load());
  folder_.Write("tls.key", "garbage");
  files_.Poll();
  ASSERT_NE(files_.problem(), std::nullopt);
  folder_.Write("tls.key", made.key_pem);
  files_.Poll();
  EXPECT_EQ(files_.problem(), std::nullopt);
}

TEST_F(FileIdentityTest, PublishesNothingWhenTheContentIsTheSame) {
  const auto made = support::MakeSelfSigned();
  Write(made);
  ASSERT_TRUE(files_.Load());
  const auto before = files_.identities().Current();
  Write(made);
  files_.Poll();
  EXPECT_EQ(files_.identities().Current(), before);
  EXPECT_THAT(logged_, IsEmpty());
}

}  // namespace
}  // namespace certs
