// Whatever the bytes: the reference parser makes of them what the grammar, written down a second time, does, and what it accepts keeps the
// promises of its header.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/image_pattern.h"
#include "policy/image_reference.h"
#include "policy/registry_host.h"
#include "tests/fuzz/require.h"
#include "tests/support/image_grammar.h"

namespace {

using fuzz::Require;

bool Same(const policy::ImageReference& a, const policy::ImageReference& b) {
  return a.registry == b.registry && a.repository == b.repository && a.digest == b.digest;
}

void CheckReference(const policy::ImageReference& reference) {
  Require(!reference.registry.empty() && !reference.repository.empty());
  Require(std::none_of(reference.registry.begin(), reference.registry.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
  Require(!reference.registry.ends_with(":443"));
  Require(policy::FoldRegistryHost(reference.registry) == reference.registry);

  // "docker.io:443/nginx" is accepted by the grammar as a repository without library/; written again it has it. A host
  // that is no host by itself when folded ("MyOrg" becomes "myorg") reads as a path of Docker Hub's.
  const bool host_by_itself = reference.registry == "localhost" || reference.registry.find_first_of(".:") != std::string_view::npos;
  const bool short_name = reference.registry == "docker.io" && reference.repository.find('/') == std::string_view::npos;
  if (host_by_itself && !short_name) {
    const auto again = policy::ParseImageReference(reference.Canonical());
    Require(again.has_value() && Same(*again, reference) && again->Canonical() == reference.Canonical());
  }

  const policy::RegistryHost host = policy::ClassifyRegistryHost(reference.registry);
  Require(policy::IsUnderRegistrySuffix(reference.registry) == (host.kind != policy::RegistryHost::Kind::kOther));
  Require((host.kind == policy::RegistryHost::Kind::kAcr) == !host.login_server.empty());
  Require((host.kind == policy::RegistryHost::Kind::kInvalid) == !host.error.empty());
  if (host.kind == policy::RegistryHost::Kind::kAcr) {
    Require(policy::ClassifyRegistryHost(host.login_server).login_server == host.login_server);
  }

  if (host_by_itself && !short_name) {
    const auto exact = policy::ImagePattern::Parse(reference.registry + "/" + reference.repository);
    Require(exact.has_value() && exact->Matches(reference.registry, reference.repository));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reference = policy::ParseImageReference(text);
  if (size <= support::kMaxGrammarBytes) {
    const std::string difference = support::DifferenceFromGrammar(reference, std::string(text));
    Require(difference.empty(), difference);
  }
  if (reference) {
    CheckReference(*reference);
  } else {
    Require(!reference.error().message.empty() && !reference.error().remedy.empty());
  }
  if (const auto pattern = policy::ImagePattern::Parse(text)) {
    Require(pattern->text() == text);
    static_cast<void>(pattern->Matches("contoso.azurecr.io", "a/b/a/b"));
  }
  return 0;
}
