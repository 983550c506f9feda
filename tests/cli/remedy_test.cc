#include "cli/remedy.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

policy::Finding Failed(const std::string& remedy) {
  policy::Finding finding;
  finding.result = policy::FindingResult::kNonCompliant;
  finding.remedy = remedy;
  return finding;
}

policy::Registry At(const std::string& resource_id) {
  policy::Registry registry;
  registry.resource_id = resource_id;
  return registry;
}

TEST(RemedyCommand, NamesTheSubscription) {
  EXPECT_EQ(RemedyCommand(Failed("az acr update --name c --public-network-enabled false"), At("/subscriptions/11-aa/resourceGroups/r/x")),
            "az acr update --name c --public-network-enabled false --subscription 11-aa");
  EXPECT_EQ(RemedyCommand(Failed("az acr update --name c"), At("/SUBSCRIPTIONS/11/x")), "az acr update --name c --subscription 11");
}

TEST(RemedyCommand, NamesTheSubscriptionInACommandWithinAnother) {
  EXPECT_EQ(RemedyCommand(Failed("az network x --id $(az acr show --name c)"), At("/subscriptions/11/x")),
            "az network x --id $(az acr show --name c --subscription 11)");
}

TEST(RemedyCommand, IsLeftAsItIsWhereThereIsNothingToAdd) {
  EXPECT_EQ(RemedyCommand(Failed("az acr update --subscription 2"), At("/subscriptions/1/x")), "az acr update --subscription 2");
  EXPECT_EQ(RemedyCommand(Failed("recreate the registry"), At("/subscriptions/1/x")), "recreate the registry");
  EXPECT_EQ(RemedyCommand(Failed(""), At("/subscriptions/1/x")), "");
  EXPECT_EQ(RemedyCommand(Failed("az acr update"), At("")), "az acr update");
}

TEST(RemedyCommand, PutsNothingIntoAShellThatAShellWouldRead) {
  EXPECT_EQ(RemedyCommand(Failed("az acr update"), At("/subscriptions/1; rm -rf ~/x")), "az acr update");
}

TEST(RemedyCommand, IsEmptyWhereNothingIsToBeMended) {
  policy::Finding finding = Failed("az acr update");
  finding.result = policy::FindingResult::kCompliant;
  EXPECT_EQ(RemedyCommand(finding, At("/subscriptions/1/x")), "");
}

}  // namespace
}  // namespace cli
