#include "cli/denial_events.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "kube/object.h"

namespace cli {
namespace {

using kube::MemberOf;
using kube::TextOf;
using nlohmann::json;

// Most records are of no denial, and of those that are many have no owner: that is seen without parsing them. "decision" is the
// third key of a record, and beyond time and uid, escaped, it does not begin. Before "owner" there are only texts, within which no
// such key can stand.
constexpr std::size_t kHeadBytes = 2048;
constexpr std::string_view kDenied = R"("decision":"Denied")";
constexpr std::string_view kOwner = R"("owner":)";
constexpr std::string_view kNone = "null";

bool MayTell(std::string_view record) {
  const std::size_t owner = record.find(kOwner);
  return record.substr(0, kHeadBytes).find(kDenied) != std::string_view::npos && owner != std::string_view::npos &&
         !record.substr(owner + kOwner.size()).starts_with(kNone);
}

constexpr std::size_t kMaxUidBytes = 64;

// What failed: each image that is to be denied with each requirement for which it is, or what could not be read.
std::string WhatFailed(const json& record) {
  std::set<std::string> failed;
  const json images = MemberOf(record, "images");
  for (const json& image : images) {
    const json findings = MemberOf(image, "findings");
    for (const json& finding : findings) {
      if (TextOf(finding, "effect") == "Deny") {
        failed.insert(TextOf(image, "image") + "\n" + TextOf(finding, "requirement"));
      }
    }
  }
  std::string all = TextOf(record, "failure");
  for (const std::string& one : failed) {
    all += "\n" + one;
  }
  return base::Sha256(all);
}

// The lines that the person would have read, as one, and the uid by which the audit log has the rest.
std::string NoteOf(const json& record) {
  const std::string uid = base::Printable(TextOf(record, "uid"), kMaxUidBytes);
  const std::string end = "audit uid " + uid;
  std::string text = TextOf(record, "message");
  if (text.ends_with(end)) {
    text.erase(text.size() - end.size());
  }
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  std::string note;
  for (const char c : text) {
    note += c == '\n' ? std::string("; ") : std::string(1, c);
  }
  if (note.empty()) {
    note = "denied by the policy for registries";
  }
  return base::Printable(note, kube::kMaxNoteBytes - end.size() - 2) + "; " + end;
}

}  // namespace

std::optional<kube::Event> DenialEventOf(std::string_view record, base::Time now) {
  if (!MayTell(record)) {
    return std::nullopt;
  }
  const auto parsed = base::ParseJson(record, "the record");
  if (!parsed || TextOf(*parsed, "decision") != "Denied" || kube::IsTrue(*parsed, "dryRun")) {
    return std::nullopt;
  }
  const auto time = base::ParseTime(TextOf(*parsed, "time"));
  const json owner = MemberOf(*parsed, "owner");
  kube::Event event;
  event.regarding = {TextOf(owner, "apiVersion"), TextOf(owner, "kind"), TextOf(*parsed, "namespace"), TextOf(owner, "name"),
                     TextOf(owner, "uid")};
  const kube::ObjectReference& object = event.regarding;
  if (!time || now - *time > kTellOfDenialsFor || object.kind.empty() || object.name.empty() || object.namespace_name.empty()) {
    return std::nullopt;
  }
  event.type = kube::Event::Type::kWarning;
  event.reason = "ImageDenied";
  event.action = "Deny";
  event.note = NoteOf(*parsed);
  event.sameness = WhatFailed(*parsed);
  return event;
}

DenialEvents::DenialEvents(audit::Store& store, const base::Clock& clock, Tell tell, base::Log log)
    : store_(&store), clock_(&clock), tell_(std::move(tell)), log_(std::move(log)), saved_at_(clock.Monotonic()) {}

base::Result<void> DenialEvents::Begin() {
  const auto cursor = store_->LoadCursor("events");
  if (!cursor) {
    return tl::unexpected(cursor.error());
  }
  saved_ = cursor_ = *cursor;
  begun_ = true;
  return {};
}

void DenialEvents::Run() {
  base::Result<void> done = begun_ ? base::Result<void>() : Begin();
  if (done) {
    done = Read();
  }
  if (done && clock_->Monotonic() >= saved_at_ + kSaveInterval) {
    done = Save();
  }
  Log(done);
}

void DenialEvents::Close() { Log(Save()); }

base::Result<void> DenialEvents::Read() {
  for (std::size_t rows = 0; rows < kMaxRunRows;) {
    const auto records = store_->ReadCommitted(&cursor_, kBatchRows);
    if (!records) {
      return tl::unexpected(records.error());
    }
    if (records->empty()) {
      break;
    }
    for (const std::string& record : *records) {
      if (const auto event = DenialEventOf(record, clock_->Now())) {
        tell_(*event);
      }
    }
    rows += records->size();
  }
  return {};
}

base::Result<void> DenialEvents::Save() {
  if (cursor_ == saved_) {
    return {};
  }
  auto saved = store_->SaveCursor("events", cursor_);
  if (saved) {
    saved_ = cursor_;
    saved_at_ = clock_->Monotonic();
  }
  return saved;
}

void DenialEvents::Log(const base::Result<void>& result) {
  telling_.Log(result ? std::nullopt : std::optional(result.error().ToString()), log_);
}

}  // namespace cli
