#include "kube/object.h"

#include <utility>

#include "base/json.h"

namespace kube {
namespace {

using nlohmann::json;

const json* Find(const json& object, const char* member) {
  const auto found = object.is_object() ? object.find(member) : object.end();
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string TextOf(const json& object, const char* member) { return base::TextAt(object, member); }

bool IsTrue(const json& object, const char* member) {
  const json* const found = Find(object, member);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> TextsOf(const json& object, const char* member) {
  std::vector<std::string> texts;
  if (const json* const found = Find(object, member); found != nullptr && found->is_array()) {
    for (const json& item : *found) {
      if (item.is_string()) {
        texts.push_back(item.get<std::string>());
      }
    }
  }
  return texts;
}

const json& MetadataOf(const json& object) {
  static const json kNone = json::object();
  const json* const found = Find(object, "metadata");
  return found != nullptr && found->is_object() ? *found : kNone;
}

const json& MemberOf(const json& object, const char* member) {
  static const json kNone;
  const json* const found = Find(object, member);
  return found == nullptr ? kNone : *found;
}

std::string ResourceVersionOf(const json& object) { return TextOf(MetadataOf(object), "resourceVersion"); }

json NamedObject(const char* kind, json metadata, const std::string& namespace_name, const std::string& name) {
  metadata["namespace"] = namespace_name;
  metadata["name"] = name;
  return {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

json MadeAnew(json object) {
  object["metadata"].erase("resourceVersion");
  object["metadata"].erase("uid");
  return object;
}

}  // namespace kube
