// Records as serve makes them, in any number: real decisions, of invented namespaces, users and registries.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "audit/record.h"
#include "base/time.h"
#include "policy/policy.h"
#include "state/state.h"
#include "webhook/review_decoder.h"

namespace bench {

class Records {
 public:
  static constexpr int kNamespaces = 200;
  static constexpr int kUsers = 500;
  static constexpr int kRegistries = 50;

  Records();

  // The same sequence at every run.
  audit::Record Next(base::Time time);  // of 100: 85 allowed, 5 warned about, 10 denied
  audit::Record Denied(base::Time time);
  audit::Record Allowed(base::Time time);

  static std::string Namespace(int number) { return "team-" + std::to_string(number); }
  static std::string Registry(int number) { return "registry" + std::to_string(number) + ".azurecr.io"; }
  static std::string User(int number) { return "developer-" + std::to_string(number) + "@contoso.com"; }
  static std::string Uid(std::int64_t number);  // of the record of that number, from 1

 private:
  audit::Record Make(base::Time time, const char* image, const state::State& state);
  int Pick(int count);  // a few are picked often, most seldom

  std::mt19937 random_{20261123};
  std::int64_t made_ = 0;
  webhook::ReviewDecoder decoder_;
  std::shared_ptr<const state::State> state_, warning_;
};

}  // namespace bench
