#include "policy/policy_values.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace policy {

bool IsDnsLabel(std::string_view text) {
  constexpr std::size_t kLongest = 63;
  const auto in_label = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), in_label) && text.front() != '-' &&
         text.back() != '-';
}

std::vector<ImagePattern> ReadPatterns(base::YamlMapping& mapping, const std::vector<base::YamlMapping::Text>& texts) {
  std::vector<ImagePattern> patterns;
  for (const auto& [node, path] : texts) {
    auto pattern = ImagePattern::Parse(node->text);
    if (pattern) {
      patterns.push_back(std::move(*pattern));
    } else {
      mapping.AddProblem(*node, path, pattern.error().ToString());
    }
  }
  return patterns;
}

std::optional<std::string> ReadNamespace(base::YamlMapping& mapping, const base::YamlMapping::Text& text) {
  const std::string& name = text.node->text;
  if (IsDnsLabel(name)) {
    return name;
  }
  const bool pattern = name.find_first_of("*?[") != std::string::npos;
  mapping.AddProblem(*text.node, text.path,
                     (pattern ? "namespaces are named exactly, a pattern is none: " : "expected a namespace's name such as team-a, got ") +
                         base::Quoted(name));
  return std::nullopt;
}

std::optional<std::string> ReadLoginServer(base::YamlMapping& mapping, const base::YamlNode& at, std::string_view path,
                                           const RegistrySuffixes& suffixes) {
  std::string host = base::AsciiLower(at.text);
  const RegistryHost known = ClassifyRegistryHost(host, suffixes);
  std::string why;
  if (known.kind == RegistryHost::Kind::kInvalid) {
    why = ": " + known.error;
  } else if (known.kind == RegistryHost::Kind::kAcr && known.login_server != host) {
    why = "; did you mean " + base::Quoted(known.login_server) + "?";
  } else if (known.kind == RegistryHost::Kind::kAcr) {
    return host;
  }
  mapping.AddProblem(at, path, "expected an ACR login server such as contoso.azurecr.io, got " + base::Describe(at) + why);
  return std::nullopt;
}

}  // namespace policy
