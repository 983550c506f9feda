#include "kube/collection.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "http/url.h"

namespace kube {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;  // RFC 1123
constexpr std::size_t kMaxNameBytes = 253;  // of an RFC 1123 subdomain, and of an object's name
constexpr std::size_t kMaxVersionBytes = 63;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsWord(const std::string& text, std::string_view others, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return IsLowerOrDigit(c) || others.find(c) != std::string_view::npos; });
}

// What the API server takes for a path segment, which is all that names of every resource have in common: those of roles hold
// colons and capitals. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names
bool IsObjectName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != '%'; });
}

tl::unexpected<base::Error> NoPath(const std::string& what) {
  return base::Fail(base::ErrorCode::kInvalidArgument, "no path to the API: " + what);
}

}  // namespace

bool IsNamespaceName(const std::string& name) { return IsWord(name, "-", kMaxLabelBytes); }

bool IsSubdomainName(const std::string& name) {
  for (std::size_t begin = 0, end = 0; end < name.size(); begin = end + 1) {
    end = std::min(name.find('.', begin), name.size());
    if (!IsWord(name.substr(begin, end - begin), "-", kMaxNameBytes)) {
      return false;
    }
  }
  return !name.empty() && name.back() != '.' && name.size() <= kMaxNameBytes;
}

base::Result<std::string> PathOf(const Collection& collection) {
  if (!collection.group.empty() && !IsWord(collection.group, "-.", kMaxNameBytes)) {
    return NoPath("the group is none");
  }
  if (!IsWord(collection.version, "", kMaxVersionBytes)) {
    return NoPath("the version is none");
  }
  if (!IsWord(collection.resource, "-", kMaxLabelBytes)) {
    return NoPath("the resource is none");
  }
  if (!collection.namespace_name.empty() && !IsNamespaceName(collection.namespace_name)) {
    return NoPath("the namespace's name is none");
  }
  std::string path = collection.group.empty() ? "/api/" : "/apis/" + collection.group + "/";
  path += collection.version;
  if (!collection.namespace_name.empty()) {
    path += "/namespaces/" + collection.namespace_name;
  }
  return path + "/" + collection.resource;
}

base::Result<std::string> PathOf(const Collection& collection, const std::string& name) {
  if (!IsObjectName(name)) {
    return NoPath("the object's name is none");
  }
  if (!collection.subresource.empty() && !IsWord(collection.subresource, "", kMaxLabelBytes)) {
    return NoPath("the subresource is none");
  }
  auto path = PathOf(collection);
  if (path) {
    *path += "/" + http::PercentEncode(name) + (collection.subresource.empty() ? "" : "/" + collection.subresource);
  }
  return path;
}

std::string Describe(const Collection& collection) {
  const std::string resource = collection.resource + (collection.subresource.empty() ? "" : "/" + collection.subresource);
  std::string text = resource + (collection.group.empty() ? "" : "." + collection.group);
  return collection.namespace_name.empty() ? text : text + " in namespace " + collection.namespace_name;
}

}  // namespace kube
