// The section `scan` of the configuration file: what runs is judged all the time, and told of.
#pragma once

#include <set>
#include <string>

#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

struct ScanConfig {
  std::string lease = "acr-admission-scan";     // in our namespace: the replica that holds it scans
  bool reports = false;                         // policy reports, where the cluster has a resource for them
  bool registry_compliances = false;            // an object for each registry
  std::set<std::string> excluded_namespaces{};  // what runs in them is left out, as the webhook leaves it out
};

// `node` is the section, `file` the configuration file.
ScanConfig ReadScan(const base::YamlNode& node, const std::string& file, base::Problems& problems);

}  // namespace cli
