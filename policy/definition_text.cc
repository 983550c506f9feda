#include "policy/definition_text.h"

#include "policy/definition_compare.h"

namespace policy {

using nlohmann::json;

const json* PresentMember(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::string TextMember(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  const std::string* text = member == nullptr ? nullptr : member->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::string LastPartOfId(const std::string& id) { return id.substr(id.rfind('/') + 1); }

}  // namespace policy
