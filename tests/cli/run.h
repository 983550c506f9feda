// Runs commands in the test's own process, and what they are given to judge.
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

// An environment in which nothing is set.
inline std::optional<std::string> NoVariable(const std::string&) { return std::nullopt; }

// `command` is RunCheck, RunRegistries, …; those that may read Azure are given `environment`. `progress`: standard
// error is a terminal.
template <class Command, class Arguments>
Ran RunCommand(const Command& command, const Arguments& arguments, const std::string& input = {},
               const azure::Environment& environment = NoVariable, bool progress = false) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const base::SystemClock clock;  // as files' times are
  const Streams streams{in, out, err, Terminal{}, progress};
  int exit = 0;
  if constexpr (std::is_invocable_v<Command, Arguments, Streams, base::SystemClock, azure::Environment>) {
    exit = command(arguments, streams, clock, environment);
  } else {
    exit = command(arguments, streams, clock);
  }
  return {exit, out.str(), err.str()};
}

// An ARM body that meets every requirement of the default policy; `properties` replaces members.
inline nlohmann::json CompliantRegistry(const std::string& name, const nlohmann::json& properties = nlohmann::json::object()) {
  nlohmann::json body = {
      {"id",
       "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name},
      {"name", name},
      {"type", "Microsoft.ContainerRegistry/registries"},
      {"location", "westus"},
      {"sku", {{"name", "Premium"}, {"tier", "Premium"}}},
      {"properties",
       {{"loginServer", name + ".azurecr.io"},
        {"adminUserEnabled", false},
        {"networkRuleSet", {{"defaultAction", "Deny"}, {"ipRules", nlohmann::json::array()}}},
        {"publicNetworkAccess", "Disabled"},
        {"encryption", {{"status", "enabled"}, {"keyVaultProperties", {{"keyIdentifier", "https://v.vault.azure.net/keys/k"}}}}},
        {"dataEndpointEnabled", true},
        {"dataEndpointHostNames", {name + ".westus.data.azurecr.io"}},
        {"privateEndpointConnections", {{{"properties", {{"privateLinkServiceConnectionState", {{"status", "Approved"}}}}}}}}}}};
  body["properties"].update(properties);
  return body;
}

inline nlohmann::json WithoutCustomerKey(const std::string& name) {
  return CompliantRegistry(name, {{"encryption", {{"status", "disabled"}}}});
}

// A pod manifest in JSON, which is YAML too.
inline nlohmann::json PodWithImage(const std::string& image, const std::string& name = "p") {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}}},
          {"spec", {{"containers", {{{"name", "c"}, {"image", image}}}}}}};
}

}  // namespace cli
