#include "tests/bench/bench_records.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "policy/decision.h"
#include "tests/support/admission_world.h"

namespace bench {
namespace {

constexpr const char* kWarningPolicy = R"(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
requirements:
  - definition: customer-managed-key
    effect: Deny
  - definition: private-link
    effect: Deny
  - definition: restricted-network
    effect: Deny
maxEffect: Warn
)";

void ReplaceAll(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

Records::Records() : state_(support::DefaultState()), warning_(support::DefaultState(kWarningPolicy)) {}

std::string Records::Uid(std::int64_t number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "705ab4f5-6393-11e8-b7cc-%012llx", static_cast<unsigned long long>(number));
  return text.data();
}

int Records::Pick(int count) {
  const double uniform = std::uniform_real_distribution<double>(0, 1)(random_);
  return static_cast<int>(std::pow(uniform, 3) * count);
}

audit::Record Records::Next(base::Time time) {
  const auto share = random_() % 100;
  return share < 85 ? Allowed(time) : share < 90 ? Make(time, support::kNonCompliantImage, *warning_) : Denied(time);
}

audit::Record Records::Denied(base::Time time) { return Make(time, support::kNonCompliantImage, *state_); }
audit::Record Records::Allowed(base::Time time) { return Make(time, support::kCompliantImage, *state_); }

audit::Record Records::Make(base::Time time, const char* image, const state::State& state) {
  const std::string uid = Uid(++made_);
  const std::string namespace_name = Namespace(Pick(kNamespaces));
  const std::string user = random_() % 2 == 0 ? "system:serviceaccount:kube-system:replicaset-controller" : User(Pick(kUsers));
  std::string review = support::PodReview(uid, image);
  auto admission = decoder_.Decode(review).value();
  admission.namespace_name = namespace_name;
  admission.user = user;
  const policy::Decision decision = policy::Decide(*state.policy, state.facts, admission, time);
  audit::RequestContext context;
  context.time = time;
  context.cluster = "prod-weu";
  context.replica = "acr-admission-6c9";
  context.peer = "10.1.2.3";
  context.duration = std::chrono::microseconds(85);
  audit::Record record = audit::MakeRecord(admission, decision, *state.policy, context);
  const std::string registry = Registry(Pick(kRegistries));
  for (const char* name : {"open.azurecr.io", "compliant.azurecr.io"}) {
    ReplaceAll(record.json, name, registry);
    ReplaceAll(record.registries, name, registry);
  }
  return record;
}

}  // namespace bench
