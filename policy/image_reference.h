// Image references by the grammar of distribution/reference, normalised as containerd and the kubelet do it.
// https://github.com/distribution/reference/blob/main/reference.go
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace policy {

inline constexpr std::string_view kDockerHub = "docker.io";
inline constexpr std::string_view kDockerHubLegacy = "index.docker.io";  // the one alias that the grammar itself knows

// Names under which Docker Hub's registry answers; the grammar keeps them apart, a rule on docker.io must not.
inline constexpr std::array<std::string_view, 7> kDockerHubHosts = {
    kDockerHub,       kDockerHubLegacy,          "registry-1.docker.io",     "registry.docker.io",
    "hub.docker.com", "registry.hub.docker.com", "registry.ipv6.docker.com",
};

// A reference that may be judged. Every value is what ParseNormalizedNamed gives, but for `registry`, which is folded so
// that one registry has one name.
struct ImageReference {
  std::string registry;    // the registry host, as FoldRegistryHost gives it
  std::string repository;  // "library/nginx"
  std::string tag;         // "" when none was written
  std::string digest;      // "sha256:…", "" when none was written

  // What is pulled: "docker.io/library/nginx:latest"; the digest alone when there is one.
  std::string Canonical() const;
};

// Refused (kInvalidArgument; the message says which rule, the remedy what to write instead): what does not parse; an empty
// domain (a host with '_', which containerd dials all the same); a bare image ID ("sha256:…", also truncated, which
// containerd looks up among the node's local images). Whether the host may be pulled from is not judged here: see
// registry_host.h. Linear in the text's length, no allocation before the text is known to be well formed.
base::Result<ImageReference> ParseImageReference(std::string_view text);

// ASCII lower-case; the port without leading zeros, and none where it is 443; every host of Docker Hub is "docker.io".
// `host` is a host with or without a port, by the reference grammar; idempotent.
std::string FoldRegistryHost(std::string_view host);

}  // namespace policy
