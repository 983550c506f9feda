#include "audit/forwarded_row.h"

#include <algorithm>
#include <chrono>

#include "audit/blame.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"

namespace audit {
namespace {

using nlohmann::json;

// Of the record, what is no column of the embedded database.
struct Told {
  std::string cluster, replica;
  std::vector<std::string> images;
};

std::string StorableAt(const json& object, const char* key) { return postgresql::Storable(base::TextAt(object, key)); }

Told ReadTold(const std::string& record) {
  const base::Result<json> parsed = base::ParseJson(record, "audit record");
  if (!parsed || !parsed->is_object()) {
    return {};
  }
  Told told{StorableAt(*parsed, "cluster"), StorableAt(*parsed, "replica"), {}};
  for (const json& image : base::ArrayAt(*parsed, "images")) {
    told.images.push_back(StorableAt(image, "image"));
  }
  return told;
}

std::vector<std::string> Storable(std::vector<std::string> texts) {
  for (std::string& text : texts) {
    text = postgresql::Storable(text);
  }
  return texts;
}

// " a.azurecr.io docker.io "
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) {
      words.push_back(postgresql::Storable(text.substr(0, end)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

base::Time ForwardedTime(base::Time time) {
  constexpr base::Time kFirst{};
  constexpr base::Time kLast = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);
  return std::clamp(time, kFirst, kLast);
}

void AppendForwardedRow(std::string_view log, const StoredRow& row, std::vector<postgresql::Parameter>& parameters) {
  Told told = ReadTold(row.record);
  Blame blame = BlameOf(row.record);
  const auto add = [&](std::string text) { parameters.emplace_back(std::move(text)); };
  add(base::FormatTime(ForwardedTime(row.time)));
  add("\\x" + base::ToHex(log));
  add(std::to_string(row.sequence));
  add(std::move(told.cluster));
  add(std::move(told.replica));
  add(postgresql::Storable(row.decision));
  add(row.dry_run ? "t" : "f");
  add(postgresql::Storable(row.uid));
  add(postgresql::Storable(row.namespace_name));
  add(postgresql::Storable(row.user));
  add(postgresql::ArrayLiteral(Words(row.registries)));
  add(postgresql::ArrayLiteral(told.images));
  add(postgresql::ArrayLiteral(Storable(std::move(blame.registries))));
  add(postgresql::ArrayLiteral(Storable(std::move(blame.requirements))));
  add(postgresql::Storable(row.record));
}

}  // namespace audit
