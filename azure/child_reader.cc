#include "azure/child_reader.h"

#include <optional>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "azure/arm.h"
#include "azure/resource_id.h"
#include "base/json.h"
#include "base/text.h"
#include "http/url.h"
#include "policy/child_kinds.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Kind = ArmError::Kind;

// The children as they come, page by page.
class Collector {
 public:
  // `parent`: the id below which each has to be, with the slash before its name.
  Collector(std::string_view kind, std::string parent) : source_("the " + std::string(kind)), parent_(std::move(parent)) {}

  // Adds a page, and returns the way to the next one.
  ArmResult<std::string> Add(const json& page) {
    std::optional<std::string> next = NextOfList(page, "nextLink");
    if (!next) {
      return Unavailable(source_ + ": expected a list, an object with an array \"value\"");
    }
    const json& value = page["value"];
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (const ArmResult<void> added = AddOne(value[i], i); !added) {
        return tl::unexpected(added.error());
      }
    }
    return *std::move(next);
  }
  std::string Take() { return "[" + std::move(texts_) + "]"; }

 private:
  ArmResult<void> AddOne(const json& child, std::size_t index) {
    std::string id = child.is_object() ? base::AsciiLower(base::TextAt(child, "id")) : std::string();
    if (!id.starts_with(parent_) || id.size() == parent_.size() || id.find('/', parent_.size()) != std::string::npos) {
      return Unavailable(source_ + ": $.value[" + std::to_string(index) + "] is no object with the id of one of this registry's");
    }
    const std::string text = base::DumpJson(child);
    if (ids_.size() == kMaxChildren || texts_.size() + text.size() > kMaxChildrenBytes) {
      return Unavailable(source_ + ": more than " + std::to_string(kMaxChildren) + ", or " + std::to_string(kMaxChildrenBytes >> 20) +
                             " MiB, of which none is judged",
                         "delete those that nobody uses, or have no definition ask for them");
    }
    // One that came or went between two pages shifts the rest: another may then be missing.
    if (!ids_.insert(std::move(id)).second) {
      return Unavailable(source_ + " hold " + base::Printable(base::TextAt(child, "id"), 512) + " twice");
    }
    texts_.append(texts_.empty() ? "" : ",").append(text);
    return {};
  }

  const std::string source_;
  const std::string parent_;  // lower-case
  std::unordered_set<std::string> ids_;
  std::string texts_;  // without brackets
};

ArmError Explain(ArmError error, std::string_view api_version, std::string_view kind) {
  if (error.kind == Kind::kRejected && error.status != 0 && error.remedy.empty()) {
    error.remedy = "api-version " + std::string(api_version) + " may have no " + std::string(kind) +
                   ": leave inventory.apiVersion out, or have no definition ask for them";
  }
  return error;
}

}  // namespace

ArmResult<policy::ChildList> ReadChildren(Arm& arm, const base::Clock& clock, const Pause& pause, std::string_view api_version,
                                          const std::string& resource_id, std::string_view kind, milliseconds deadline) {
  const std::optional<RegistryId> id = ParseRegistryId(resource_id);
  if (!id) {
    return Rejected("\"" + base::Printable(resource_id, 512) + "\" is no id of a registry");
  }
  const policy::ChildKind* const known = policy::FindChildKind(kind);
  if (known == nullptr || known->is_inline) {
    return Rejected("\"" + base::Printable(kind, 64) + "\" is no kind of children that is read by a list of its own");
  }
  kind = known->name;
  const Budget budget(clock, deadline);
  const std::string list = "/" + std::string(kind);
  Collector children(kind, base::AsciiLower(resource_id + list) + "/");
  policy::ChildList read{.observed = clock.Now()};
  const auto whole = ReadPages(
      id->Path() + list + "?api-version=" + http::PercentEncode(api_version), {budget, pause, kMaxChildrenPages},
      [&](const std::string& target, milliseconds left) { return arm.Get(target, left); },
      [&](const json& page) { return children.Add(page); });
  if (!whole) {
    return tl::unexpected(Explain(whole.error(), api_version, kind));
  }
  if (*whole) {
    read.resources = children.Take();
    return read;
  }
  return Unavailable("the " + std::string(kind) + " have more than " + std::to_string(kMaxChildrenPages) + " pages");
}

}  // namespace azure
