// `registries`: each registry's verdict, its evidence, and what mends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"
#include "policy/registry.h"

namespace cli {

struct RegistriesArguments {
  Inputs inputs;
  OutputFormat output = OutputFormat::kTable;
  std::vector<std::string> names;  // resource names or login servers, case ignored; empty: all
};

bool IsNamed(const policy::Registry& registry, std::string_view name);  // by name or login server
std::string NoSuchRegistry(std::string_view name);

int RunRegistries(const RegistriesArguments& arguments, const Streams& streams, const base::Clock& clock,
                  const azure::Environment& environment);

}  // namespace cli
