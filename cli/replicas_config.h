// The section `audit.replicas` of the configuration file: where the other replicas are, so that one can ask all of them for their logs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

// Paths as in Config.
struct ReplicasConfig {
  std::string host;  // of a headless Service: each of its addresses is a replica
  std::uint16_t port = 0;
  std::string server_name;  // in the replicas' certificates
  std::string ca;           // PEM file; "": the system's authorities, or, with managed certificates, the replicas' own
};

// `node` is the section, `file` and `folder` are the configuration file's; `managed`: the replicas make their certificates themselves.
// Whether the file can be read is found where it is used.
ReplicasConfig ReadReplicas(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder, bool managed,
                            base::Problems& problems);

}  // namespace cli
