#include "kube/watch_reader.h"

#include <utility>

#include "base/json.h"
#include "kube/api.h"
#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using Kind = WatchEvent::Kind;

std::optional<Kind> KindOf(const std::string& type) {
  return type == "ADDED"      ? std::optional(Kind::kAdded)
         : type == "MODIFIED" ? std::optional(Kind::kModified)
         : type == "DELETED"  ? std::optional(Kind::kDeleted)
         : type == "BOOKMARK" ? std::optional(Kind::kBookmark)
                              : std::nullopt;
}

// An ERROR's object is the Status that a refusal would have had for its body.
ApiError ErrorOf(const json& status) {
  const json& code = MemberOf(status, "code");
  http::Response refusal;
  refusal.status = code.is_number_integer() ? static_cast<int>(code.get<std::int16_t>()) : 500;
  refusal.body = base::DumpJson(status);
  return ReadApiError(refusal, base::Time{});
}

}  // namespace

bool WatchReader::Take(std::string_view piece) {
  while (!piece.empty() && !error_) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (line_.size() + part.size() > kMaxAnswerBytes) {
      error_ = Unavailable("the watch told of an object of more than " + std::to_string(kMaxAnswerBytes >> 20U) + " MiB").value();
      return false;
    }
    line_.append(part);
    if (end == std::string_view::npos) {
      return true;
    }
    piece.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (!line.empty() && !TakeLine(line)) {
      return false;
    }
  }
  return !error_;
}

bool WatchReader::TakeLine(std::string_view line) {
  auto event = base::ParseJson(line, "the watch");
  if (!event || !MemberOf(*event, "object").is_object()) {
    error_ = Unavailable("the watch told of what is no object").value();
    return false;
  }
  json& object = (*event)["object"];
  const std::string type = TextOf(*event, "type");
  if (type == "ERROR") {
    error_ = ErrorOf(object);
    return false;
  }
  const std::optional<Kind> kind = KindOf(type);
  if (!kind || ResourceVersionOf(object).empty()) {
    error_ = Unavailable("the watch told of an object in a way that is not known here").value();
    return false;
  }
  return event_({*kind, std::move(object)});
}

}  // namespace kube
