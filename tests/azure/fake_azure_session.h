// What tests against the fake Azure share: one identity with all that reads by it, and an ear for secrets.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "azure/arm.h"
#include "azure/credential.h"
#include "azure/registry_reader.h"
#include "azure/token_cache.h"
#include "tests/support/azure_login.h"
#include "tests/support/fake_clock.h"

namespace azure {

// A credential, its tokens, and what reads registries with them. Pauses move the clock.
class Session {
 public:
  Session(std::unique_ptr<TokenSource> source, const Cloud& cloud, http::Client& client, support::FakeClock& clock,
          std::string api_version = std::string(kRegistryApiVersion))
      : tokens(std::move(source), clock),
        arm(cloud, tokens, client, clock),
        reader(MakeRegistryReader(arm, clock, std::move(api_version), [&clock](std::chrono::milliseconds time) { clock.Advance(time); })) {}

  TokenCache tokens;
  Arm arm;
  const std::unique_ptr<RegistryReader> reader;
};

// Every error that a test meets, for the end: none may hold a secret.
class Heard {
 public:
  const std::string& Note(const std::string& text) {
    EXPECT_EQ(text.find(support::kSecretMarker), std::string::npos) << text;
    all_ += text + "\n";
    return last_ = text;
  }
  const std::string& all() const { return all_; }

 private:
  std::string all_, last_;
};

}  // namespace azure
