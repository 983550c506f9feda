#include "policy/assignment_selectors.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::string_view kRegistries = "Microsoft.ContainerRegistry/registries";
constexpr std::string_view kBelowRegistries = "microsoft.containerregistry/registries/";
constexpr std::size_t kMaxQuoted = 64;

Selected Not(Selected selected) {
  return selected == Selected::kYes ? Selected::kNo : selected == Selected::kNo ? Selected::kYes : selected;
}

// Whether one of the texts is meant; `maybe` may be null.
template <class Is, class Maybe>
Selected AnyOf(const json& texts, const Is& is, const Maybe& maybe) {
  Selected selected = Selected::kNo;
  for (const json& text : texts) {
    if (!text.is_string()) {
      return Selected::kCannotTell;
    }
    if (is(text.get_ref<const std::string&>())) {
      return Selected::kYes;
    }
    if (maybe(text.get_ref<const std::string&>())) {
      selected = Selected::kCannotTell;
    }
  }
  return selected;
}

Selected Among(std::string_view kind, const json& texts, std::string_view reference_id) {
  const auto never = [](const std::string&) { return false; };
  if (base::EqualsIgnoreAsciiCase(kind, "resourceType")) {
    return AnyOf(
        texts, [](const std::string& text) { return base::EqualsIgnoreAsciiCase(text, kRegistries); },
        [](const std::string& text) { return base::AsciiLower(text).starts_with(kBelowRegistries); });
  }
  if (base::EqualsIgnoreAsciiCase(kind, "resourceWithoutLocation")) {  // a registry has one
    return Selected::kNo;
  }
  if (base::EqualsIgnoreAsciiCase(kind, "policyDefinitionReferenceId")) {
    return AnyOf(texts, [&](const std::string& text) { return base::EqualsIgnoreAsciiCase(text, reference_id); }, never);
  }
  return Selected::kCannotTell;
}

// All of them, each by `in` or by `notIn`.
Selected AllOf(const json& selectors, std::string_view reference_id) {
  Selected all = Selected::kYes;
  for (const json& selector : selectors) {
    const bool negated = !base::ArrayAt(selector, "notIn").empty();
    const Selected among = Among(base::TextAt(selector, "kind"), base::ArrayAt(selector, negated ? "notIn" : "in"), reference_id);
    const Selected one = negated ? Not(among) : among;
    if (one == Selected::kNo) {
      return one;
    }
    all = one == Selected::kCannotTell ? one : all;
  }
  return all;
}

}  // namespace

Selected SelectsRegistries(const json& resource_selectors) {
  if (resource_selectors.empty()) {
    return Selected::kYes;
  }
  Selected any = Selected::kNo;
  for (const json& one : resource_selectors) {
    const Selected selected = AllOf(base::ArrayAt(one, "selectors"), {});
    if (selected == Selected::kYes) {
      return selected;
    }
    any = selected == Selected::kCannotTell ? selected : any;
  }
  return any;
}

tl::expected<std::optional<std::string>, std::string> OverriddenEffect(const json& overrides, std::string_view reference_id) {
  std::optional<std::string> effect;
  for (const json& one : overrides) {
    const Selected selected = AllOf(base::ArrayAt(one, "selectors"), reference_id);
    if (selected == Selected::kNo) {
      continue;
    }
    const std::string kind = base::TextAt(one, "kind");
    if (!base::EqualsIgnoreAsciiCase(kind, "policyEffect")) {
      return tl::unexpected("it has an override of the kind \"" + base::Printable(kind, kMaxQuoted) + "\", which is not known here");
    }
    if (selected == Selected::kCannotTell) {
      return tl::unexpected(std::string("an override of its effect has selectors that tell registries apart, which a policy file cannot"));
    }
    std::string value = base::TextAt(one, "value");
    if (effect && !base::EqualsIgnoreAsciiCase(*effect, value)) {
      return tl::unexpected(std::string("two overrides of its effect contradict each other"));
    }
    effect = std::move(value);
  }
  return effect;
}

}  // namespace policy
