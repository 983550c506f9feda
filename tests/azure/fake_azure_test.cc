// What reads Azure, against the fake Azure of tests/support: without sockets, in simulated time.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/arm.h"
#include "azure/credential.h"
#include "azure/registry_reader.h"
#include "tests/support/azure_world_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::AzureService;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ArmError::Kind;

constexpr milliseconds kDeadline = seconds(60);

std::string Subscription(int number) {
  char text[40];
  std::snprintf(text, sizeof text, "%08d-0000-4000-8000-000000000000", number);
  return text;
}

// The identity of the fake Azure's application, and all that it reads with.
class FakeAzure : public ::testing::Test {
 protected:
  FakeAzure() {
    const support::AzureApplication application = support::TestApplication();
    folder_.Write("secret", application.client_secret);
    CredentialOptions options;
    options.kind = CredentialKind::kClientSecret;
    options.tenant_id = application.tenant_id;
    options.client_id = application.client_id;
    options.client_secret_file = folder_ / "secret";
    auto source = MakeTokenSource(
        options, [](const std::string&) { return std::nullopt; }, cloud_, client_, clock_, [](milliseconds) { return true; });
    EXPECT_TRUE(source) << (source ? "" : source.error().ToString());
    tokens_ = std::make_unique<TokenCache>(*std::move(source), clock_);
    arm_ = std::make_unique<Arm>(cloud_, *tokens_, client_, clock_);
    reader_ = MakeReader();
  }

  std::unique_ptr<RegistryReader> MakeReader(std::string api_version = std::string(kRegistryApiVersion)) {
    return MakeRegistryReader(*arm_, clock_, std::move(api_version), [this](milliseconds time) { clock_.Advance(time); });
  }

  const Cloud cloud_ = FindCloud("AzureCloud").value();
  support::TempFolder folder_;
  support::FakeClock clock_;
  support::AzureWorld world_{clock_};
  support::AzureWorldClient client_{world_, [this](milliseconds time) { clock_.Advance(time); }};
  std::unique_ptr<TokenCache> tokens_;
  std::unique_ptr<Arm> arm_;
  std::unique_ptr<RegistryReader> reader_;
};

TEST_F(FakeAzure, TenThousandRegistriesCostAsManyCallsAsTheirSubscriptionsAndPages) {
  constexpr int kRegistries = 10'000;
  constexpr int kSubscriptions = 300;
  for (int i = 0; i < kRegistries; ++i) {
    world_.AddRegistry(Subscription(i % kSubscriptions), "platform", "registry" + std::to_string(i));
  }
  const auto found = reader_->Discover({}, kDeadline);
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_THAT(*found, SizeIs(kRegistries));
  std::size_t listed = 0;
  for (int i = 0; i < kSubscriptions; ++i) {
    const auto registries = reader_->List(Subscription(i), kDeadline);
    ASSERT_TRUE(registries) << registries.error().ToString();
    listed += registries->size();
  }
  EXPECT_EQ(listed, kRegistries);
  EXPECT_EQ(world_.Count(), 311U) << "a token, ten pages of Resource Graph, a list for each subscription";
  EXPECT_THAT(world_.violations(), IsEmpty());
}

}  // namespace
}  // namespace azure
