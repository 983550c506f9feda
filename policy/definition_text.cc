#include "policy/definition_text.h"

#include "policy/definition_compare.h"

namespace policy {

using nlohmann::json;

const json* PresentMember(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::string TextMember(const json& object, std::string_view name) {
  const std::string* text = FindText(object, name);
  return text == nullptr ? std::string() : *text;
}

std::string LastPartOfId(const std::string& id) { return id.substr(id.rfind('/') + 1); }

DefinedAs ReadDefinedAs(const json& document, const json& body) {
  DefinedAs as{TextMember(document, "id"), {}, TextMember(body, "displayName"), TextMember(body, "version")};
  as.guid = as.id.empty() ? TextMember(document, "name") : LastPartOfId(as.id);
  if (const json* metadata = PresentMember(body, "metadata"); metadata != nullptr && as.version.empty()) {
    as.version = TextMember(*metadata, "version");
  }
  return as;
}

}  // namespace policy
