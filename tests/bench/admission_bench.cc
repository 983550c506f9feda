// What an admission costs without its I/O: an image reference, the decoder, the decision, and all of them.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "policy/decision.h"
#include "policy/image_reference.h"
#include "tests/support/admission_world.h"
#include "tests/support/fake_clock.h"
#include "webhook/review_decoder.h"

namespace {

using nlohmann::json;

// The creation of a pod by a ReplicaSet, of so many bytes: what real pods are large by, environment and annotations, fills it up.
std::string Review(std::size_t bytes) {
  std::ifstream file(ACR_TEST_DATA "/reviews/pod-create-by-replicaset-controller.json");
  json review = json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  json& container = review["request"]["object"]["spec"]["containers"][0];
  container["image"] = support::kCompliantImage;
  for (std::size_t i = 0; review.dump().size() + 256 < bytes; ++i) {
    for (int j = 0; j < 1 + static_cast<int>(bytes / 65536); ++j) {
      container["env"].push_back({{"name", "SETTING_" + std::to_string(i) + "_" + std::to_string(j)}, {"value", std::string(48, 'x')}});
    }
  }
  return review.dump();
}

void ParseReference(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(policy::ParseImageReference(
        "contoso.azurecr.io/shop/cart:1.4@sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b"));
  }
}
BENCHMARK(ParseReference);

void Decode(benchmark::State& state) {
  std::string body = Review(static_cast<std::size_t>(state.range(0)));
  body.reserve(body.size() + webhook::kBodyPadding);
  webhook::ReviewDecoder decoder;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.Decode(body));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(Decode)->Arg(4096)->Arg(12288)->Arg(1 << 20);

void Decide(benchmark::State& state) {
  std::string body = Review(4096);
  body.reserve(body.size() + webhook::kBodyPadding);
  const auto world = support::DefaultState();
  const support::FakeClock clock;
  webhook::ReviewDecoder decoder;
  const auto admission = decoder.Decode(body);
  for (auto _ : state) {
    benchmark::DoNotOptimize(policy::Decide(*world->policy, world->facts, *admission, clock.Now()));
  }
}
BENCHMARK(Decide);

void DecodeAndDecide(benchmark::State& state) {
  std::string body = Review(static_cast<std::size_t>(state.range(0)));
  body.reserve(body.size() + webhook::kBodyPadding);
  const auto world = support::DefaultState();
  const support::FakeClock clock;
  webhook::ReviewDecoder decoder;
  for (auto _ : state) {
    const auto admission = decoder.Decode(body);
    benchmark::DoNotOptimize(policy::Decide(*world->policy, world->facts, *admission, clock.Now()));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(DecodeAndDecide)->Arg(4096)->Arg(12288)->Arg(1 << 20);

// The look-up of a registry among so many.
void FindRegistry(benchmark::State& state) {
  policy::Facts facts;
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    auto known = std::make_shared<policy::RegistryFacts>();
    known->registry.login_server = "registry" + std::to_string(i) + ".azurecr.io";
    names.push_back(known->registry.login_server);
    facts.Add(std::move(known));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % count;  // not in the order in which they lie in memory
    benchmark::DoNotOptimize(facts.Find(names[next]));
  }
}
BENCHMARK(FindRegistry)->Arg(10)->Arg(1000)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();
