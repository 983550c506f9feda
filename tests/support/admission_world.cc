#include "tests/support/admission_world.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "policy/policy.h"

namespace support {
namespace {

// A registry of tests/data as if it were called `name`.
policy::Registry ReadRegistry(const std::string& file, const std::string& name) {
  std::ifstream in(std::string(ACR_TEST_DATA) + "/registries/" + file);
  auto body = nlohmann::json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
  body["name"] = name;
  body["properties"]["loginServer"] = name + ".azurecr.io";
  auto registries = policy::ReadRegistries(body.dump(), file, base::ParseTime("2026-11-23T11:59:31Z").value());
  if (!registries) {
    throw std::runtime_error(registries.error().message);
  }
  return registries->front();
}

}  // namespace

std::shared_ptr<const state::State> DefaultState(std::string_view policy_text) {
  auto loaded = policy::LoadPolicy(policy_text.empty() ? policy::DefaultPolicyText() : policy_text, "policy.yaml",
                                   policy::DefinitionSet::WithBuiltIns());
  if (!loaded) {
    throw std::runtime_error(base::ToString(loaded.error()));
  }
  auto state = std::make_shared<state::State>();
  state->policy = *loaded;
  state->primed = true;
  for (auto& registry : {ReadRegistry("composed_fully-compliant_cmk_pec_private_data-endpoint.json", "compliant"),
                         ReadRegistry("basic_open_2023-11-01-preview.json", "open")}) {
    policy::Verdict verdict = policy::Judge(registry, *state->policy, nullptr, registry.observed);
    state->facts.Add(std::make_shared<policy::RegistryFacts>(policy::RegistryFacts{registry, std::move(verdict)}));
  }
  return state;
}

std::shared_ptr<const state::State> MendedState() {
  auto state = std::make_shared<state::State>(*DefaultState());
  policy::RegistryFacts mended = *state->facts.Find("compliant.azurecr.io");
  mended.registry.login_server = "open.azurecr.io";
  state->facts.Add(std::make_shared<policy::RegistryFacts>(std::move(mended)));
  return state;
}

std::string PodReview(std::string_view uid, const std::vector<std::string>& images) {
  nlohmann::json review = {
      {"apiVersion", "admission.k8s.io/v1"},
      {"kind", "AdmissionReview"},
      {"request",
       {{"uid", uid},
        {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
        {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
        {"namespace", "shop"},
        {"name", "cart"},
        {"operation", "CREATE"},
        {"userInfo", {{"username", "system:serviceaccount:kube-system:replicaset-controller"}}},
        {"object", {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "cart"}}}, {"spec", nlohmann::json::object()}}}}}};
  auto& containers = review["request"]["object"]["spec"]["containers"] = nlohmann::json::array();
  for (const auto& image : images) {
    containers.push_back({{"name", "c" + std::to_string(containers.size())}, {"image", image}});
  }
  return review.dump();
}

std::string PodReview(std::string_view uid, std::string_view image) { return PodReview(uid, std::vector<std::string>{std::string(image)}); }

}  // namespace support
