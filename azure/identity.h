// One identity that reads Azure: its credential, its tokens, and the registries that it may see.
#pragma once

#include <memory>
#include <string>

#include "azure/arm.h"
#include "azure/cloud.h"
#include "azure/credential.h"
#include "azure/registry_reader.h"
#include "azure/token_cache.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"

namespace azure {

// Safe for concurrent use: the parts are.
class Identity {
 public:
  Identity(std::unique_ptr<TokenSource> source, const Cloud& cloud, http::Client& client, const base::Clock& clock)
      : tokens_(std::move(source), clock), arm_(cloud, tokens_, client, clock) {}
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  Arm& arm() { return arm_; }
  const Arm& arm() const { return arm_; }

 private:
  TokenCache tokens_;
  Arm arm_;
};

}  // namespace azure
