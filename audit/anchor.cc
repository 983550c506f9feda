#include "audit/anchor.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "base/hex.h"
#include "base/json_writer.h"

namespace audit {
namespace {

constexpr std::string_view kBeginning = R"({"anchor":)";
constexpr std::size_t kMaxLine = 2048;  // a host name has 64 bytes

struct ReadLine {
  std::string log;  // hex
  Anchor anchor;
};

std::optional<ReadLine> ParseLine(std::string_view line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json["anchor"].is_object()) {
    return std::nullopt;
  }
  const nlohmann::json& anchor = json["anchor"];
  const auto text = [&](const char* key) {
    const auto found = anchor.find(key);
    return found != anchor.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto sequence = anchor.find("sequence");
  const auto value = base::FromHex(text("chain"));
  const auto digest = value ? ReadDigest(*value) : std::nullopt;
  if (sequence == anchor.end() || !sequence->is_number_integer() || !digest || text("log").empty()) {
    return std::nullopt;
  }
  std::optional<Deletions> deletions;
  if (const auto deleted = anchor.find("deleted"); deleted != anchor.end()) {
    if (!deleted->is_number_integer()) {
      return std::nullopt;
    }
    deletions = {deleted->get<std::int64_t>(), anchor.contains("begins")};
  }
  return ReadLine{text("log"), {sequence->get<std::int64_t>(), *digest, text("time"), text("replica"), deletions}};
}

// A beginning of the next line, at most kMaxLine bytes; the rest of a longer one is skipped.
bool NextLine(std::istream& in, std::string& line) {
  char buffer[kMaxLine];
  in.getline(buffer, kMaxLine);
  if (in.gcount() == 0 && !in.good()) {
    return false;
  }
  line = buffer;
  if (in.fail() && !in.eof() && !in.bad()) {
    in.clear();
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return true;
}

}  // namespace

std::string AnchorLine(const Link& link, base::Time time, std::string_view replica, const std::optional<Deletions>& deletions) {
  std::string line;
  base::JsonWriter json(line);
  json.BeginObject().Key("anchor").BeginObject();
  json.Key("time").String(base::FormatTime(time)).Key("replica").String(replica).Key("log").String(base::ToHex(link.log));
  json.Key("sequence").Int(link.sequence).Key("chain").String(base::ToHex(View(link.value)));
  if (deletions) {
    json.Key("deleted").Int(deletions->at_most);
  }
  if (deletions && deletions->first_of_run) {
    json.Key("begins").Bool(true);
  }
  json.EndObject().EndObject();
  return line;
}

base::Result<Anchors> ReadAnchors(std::istream& in, std::string_view log) {
  const std::string wanted = base::ToHex(log);
  Anchors read;
  std::string line;
  while (NextLine(in, line)) {
    if (!line.starts_with(kBeginning)) {
      continue;
    }
    auto parsed = ParseLine(line);
    if (!parsed) {
      ++read.unreadable;
    } else if (parsed->log != wanted) {
      if (read.other_logs.contains(parsed->log) || read.other_logs.size() < kMaxOtherLogs) {
        read.other_logs[parsed->log] = std::move(parsed->anchor);
      }
    } else if (read.anchors.size() == kMaxAnchors) {
      return base::Fail(base::ErrorCode::kInvalidArgument, "has more than " + std::to_string(kMaxAnchors) + " anchors of this log",
                        "give a part of it");
    } else {
      read.anchors.push_back(std::move(parsed->anchor));
    }
  }
  if (in.bad()) {
    return base::Fail(base::ErrorCode::kUnavailable, "cannot be read to its end");
  }
  const auto order = [](const Anchor& anchor) { return std::tie(anchor.sequence, anchor.time, anchor.value, anchor.deletions); };
  std::sort(read.anchors.begin(), read.anchors.end(), [&](const Anchor& a, const Anchor& b) { return order(a) < order(b); });
  const auto same = [&](const Anchor& a, const Anchor& b) { return order(a) == order(b); };
  read.anchors.erase(std::unique(read.anchors.begin(), read.anchors.end(), same), read.anchors.end());
  return read;
}

}  // namespace audit
