// `scan`: what the policy says of what runs in a cluster, before anybody makes it again.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"
#include "kube/api.h"

namespace cli {

struct ScanArguments {
  // With a policy and a configuration the two are compared: what the policy changes of what the configuration's says.
  Inputs inputs;
  std::string kubeconfig, context;    // "": as kubectl finds them
  std::string namespace_name;         // "": all
  std::vector<std::string> excluded;  // namespaces
  // "HOST: path=value": registries as they might be, compared with what they are.
  std::vector<std::string> as_if;
  OutputFormat output = OutputFormat::kTable;
};

// 0: nothing would be refused; in a comparison: nothing newly. 1: something would. 2, with a message on `err`: something could not be
// read, and of what could nothing would be refused.
int RunScan(const ScanArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment);

// The same of a cluster that is connected to; `wait` blocks for the time it is given.
int RunScan(kube::Api& api, const std::function<void(std::chrono::milliseconds)>& wait, const ScanArguments& arguments,
            const Streams& streams, const base::Clock& clock, const azure::Environment& environment);

}  // namespace cli
