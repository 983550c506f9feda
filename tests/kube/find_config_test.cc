#include "kube/find_config.h"

#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace kube {
namespace {

using ::testing::HasSubstr;

class FindConfigTest : public ::testing::Test {
 protected:
  FindConfigTest() { std::filesystem::create_directory(folder_ / ".kube"); }

  std::string Write(const std::string& name) {
    folder_.Write(name, "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: c, cluster: {server: \"https://" +
                            std::filesystem::path(name).filename().string() +
                            ".example\"}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n");
    return folder_ / name;
  }
  // The server that is found, or why none is.
  std::string Found(const std::string& path = "", const std::string& context = "") {
    const auto config = FindConfig(
        path, context,
        [this](const std::string& name) {
          const auto found = variables_.find(name);
          return found == variables_.end() ? std::nullopt : std::make_optional(found->second);
        },
        folder_ / "");
    return config ? config->config.server + (config->in_cluster ? " in cluster" : "") : config.error().ToString();
  }
  void BeInAPod() {
    folder_.Write("namespace", "acr");
    variables_["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
    variables_["KUBERNETES_SERVICE_PORT"] = "443";
  }

  support::TempFolder folder_;
  std::map<std::string, std::string> variables_ = {{"HOME", folder_ / ""}};
};

TEST_F(FindConfigTest, TakesTheNearest) {
  EXPECT_THAT(Found(), HasSubstr("no cluster: "));
  BeInAPod();
  EXPECT_EQ(Found(), "https://10.0.0.1:443 in cluster");
  Write(".kube/config");
  EXPECT_EQ(Found(), "https://config.example");
  variables_["KUBECONFIG"] = Write("named");
  EXPECT_EQ(Found(), "https://named.example");
  EXPECT_EQ(Found(Write("given")), "https://given.example");
}

TEST_F(FindConfigTest, DoesNotGuessWhatIsMeant) {
  variables_["KUBECONFIG"] = Write("one") + ":" + Write("two");
  EXPECT_THAT(Found(), HasSubstr("--kubeconfig"));
  variables_["KUBECONFIG"] = folder_ / "absent";
  EXPECT_THAT(Found(), HasSubstr("absent")) << "and not the next best";
  variables_.erase("KUBECONFIG");
  BeInAPod();
  EXPECT_THAT(Found("", "prod"), HasSubstr("--context"));
  EXPECT_THAT(Found(Write("given"), "prod"), HasSubstr("prod"));
}

}  // namespace
}  // namespace kube
