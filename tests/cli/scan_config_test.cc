#include "cli/scan_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  ScanConfig config;
  std::string problems;
};

Read ReadSection(const std::string& text) {
  base::Problems problems;
  const auto node = base::ParseYaml(text, "config.yaml");
  Read read;
  if (!node) {
    return {{}, base::ToString(node.error())};
  }
  read.config = ReadScan(*node, "config.yaml", problems);
  read.problems = base::ToString(problems);
  return read;
}

TEST(ScanConfig, WritesNothingUnlessItIsTold) {
  const auto [config, problems] = ReadSection("{}");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(config.lease, "acr-admission-scan");
  EXPECT_FALSE(config.reports);
  EXPECT_FALSE(config.registry_compliances);
  EXPECT_TRUE(config.excluded_namespaces.empty());
}

TEST(ScanConfig, EveryKey) {
  const auto [config, problems] =
      ReadSection("{lease: mine, reports: true, registryCompliances: true, excludeNamespaces: [kube-system, acr-admission]}");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(config.lease, "mine");
  EXPECT_TRUE(config.reports);
  EXPECT_TRUE(config.registry_compliances);
  EXPECT_THAT(config.excluded_namespaces, ElementsAre("acr-admission", "kube-system"));
}

TEST(ScanConfig, NamesAreChecked) {
  EXPECT_THAT(ReadSection("{lease: My_Lease}").problems, HasSubstr("scan.lease: expected an object's name"));
  EXPECT_THAT(ReadSection("{excludeNamespaces: [shop, 'a b']}").problems,
              AllOf(HasSubstr("scan.excludeNamespaces[1]: expected a namespace's name"), HasSubstr("\"a b\"")));
  EXPECT_THAT(ReadSection("{report: true}").problems, HasSubstr("reports"));
}

}  // namespace
}  // namespace cli
