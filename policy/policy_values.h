// Values that stand in more than one place of the policy file, checked where they stand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "policy/image_pattern.h"
#include "policy/registry_host.h"

namespace policy {

// As Kubernetes names namespaces (RFC 1123): 1 to 63 of a-z, 0-9 and '-', which neither begins nor ends it.
bool IsDnsLabel(std::string_view text);

// A list of patterns; whatever is none is a problem at its own line, and left out.
std::vector<ImagePattern> ReadPatterns(base::YamlMapping& mapping, const std::vector<base::YamlMapping::Text>& texts);

// Namespaces are named exactly: who creates a namespace chooses its name, so a pattern would hand the choice on.
std::optional<std::string> ReadNamespace(base::YamlMapping& mapping, const base::YamlMapping::Text& text);

// An ACR login server, in lower case. `at` and `path` say where `text` stands.
std::optional<std::string> ReadLoginServer(base::YamlMapping& mapping, const base::YamlNode& at, std::string_view path,
                                           const RegistrySuffixes& suffixes);

}  // namespace policy
