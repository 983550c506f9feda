// An audit log in memory, for whoever asks one: filters, orders and pages as audit/reader.h says, and fails when it is told to.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/reader.h"

namespace support {

// Of what a record holds, that which the fake filters by.
struct FakeDecision {
  std::string uid;
  std::optional<std::string> namespace_name;  // none: of an object that lives in none
  std::string decision = "Denied";
  std::string user = "jane";
  std::string registry = "contoso.azurecr.io";
  base::Time time{};
  std::string cluster = {};
  std::string record = {};  // as it is; "": made of the above
};

class FakeAuditLog final : public audit::Reader {
 public:
  static constexpr const char* kLog = "9d4a99365aa2bb4471e064a14d410e58";

  void Add(FakeDecision decision) { decisions_.push_back(std::move(decision)); }

  // In a writer's order of keys, and with spaces as no writer of ours puts them: it must come out as it is.
  static std::string RecordOf(const FakeDecision& decision) {
    if (!decision.record.empty()) {
      return decision.record;
    }
    const auto text = [](const std::string& value) { return nlohmann::json(value).dump(); };
    return R"({"time":)" + text(base::FormatTime(decision.time)) + R"(,"uid":)" + text(decision.uid) + R"(,"decision":)" +
           text(decision.decision) + R"(, "resource":{"kind":"Pod","namespace":"decoy"},"namespace":)" +
           (decision.namespace_name ? text(*decision.namespace_name) : "null") + R"(,"user":)" + text(decision.user) +
           (decision.cluster.empty() ? "" : R"(,"cluster":)" + text(decision.cluster)) + "}";
  }

  base::Result<audit::Page> Read(const audit::Query& query) override {
    ++reads_;
    queries_.push_back(query);
    if (error_) {
      return tl::unexpected(*error_);
    }
    audit::Page page;
    page.incomplete = incomplete_;
    page.log = kLog;
    const bool newest = query.order == audit::Order::kNewestFirst;
    std::size_t last =
        query.cursor.empty() ? (newest ? decisions_.size() + 1 : 0) : std::stoull(query.cursor.substr(query.cursor.find('.') + 1));
    const std::size_t begin = last;
    for (std::size_t at = begin; newest ? at-- > 1 : at++ < decisions_.size();) {
      const FakeDecision& decision = decisions_[at - 1];
      if (!Matches(query.filter, decision)) {
        continue;
      }
      if (page.rows.size() == static_cast<std::size_t>(query.limit)) {
        page.next = std::string(kLog) + "." + std::to_string(last);
        break;
      }
      page.rows.push_back({decision.time, static_cast<std::int64_t>(at), RecordOf(decision)});
      last = at;
    }
    if (!newest) {
      page.next = std::string(kLog) + "." + std::to_string(last);
    }
    return page;
  }

  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override {
    ++reads_;
    if (error_) {
      return tl::unexpected(*error_);
    }
    std::map<base::Time, audit::Counts> hours;
    std::map<std::string, audit::Counts> namespaces, users, registries;
    for (const FakeDecision& decision : decisions_) {
      if (Matches(filter, decision)) {
        Count(hours[std::chrono::floor<std::chrono::hours>(decision.time)], decision);
        Count(namespaces[decision.namespace_name.value_or("")], decision);
        Count(users[decision.user], decision);
        Count(registries[decision.registry], decision);
      }
    }
    audit::Summary summary;
    for (const auto& [begin, counts] : hours) {
      summary.hours.push_back({begin, counts});
    }
    for (const auto& [from, to] :
         {std::pair{&namespaces, &summary.by_namespace}, {&users, &summary.by_user}, {&registries, &summary.by_registry}}) {
      for (const auto& [value, counts] : *from) {
        to->push_back({value, counts});
      }
    }
    summary.incomplete = incomplete_;
    return summary;
  }

  base::Result<std::string> End() override { return std::string(kLog) + "." + std::to_string(decisions_.size()); }

  void Fail(std::optional<base::Error> error) { error_ = std::move(error); }
  void SetIncomplete(std::vector<audit::Incomplete> incomplete) { incomplete_ = std::move(incomplete); }
  void IgnoreNamespaces() { ignore_namespaces_ = true; }  // a reader that is wrong

  std::size_t reads() const { return reads_; }
  const audit::Query& last() const { return queries_.back(); }

 private:
  static bool TextMatches(const std::string& wanted, const std::string& value) {
    return wanted.empty() ||
           (wanted.ends_with('*') ? value.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1)) : value == wanted);
  }

  bool Matches(const audit::Filter& filter, const FakeDecision& decision) const {
    const bool here = ignore_namespaces_ || filter.namespace_name.empty() ||
                      (decision.namespace_name && TextMatches(filter.namespace_name, *decision.namespace_name));
    return here && (!filter.since || decision.time >= *filter.since) && (!filter.until || decision.time < *filter.until) &&
           (filter.decision.empty() || filter.decision == decision.decision) && (filter.uid.empty() || filter.uid == decision.uid) &&
           (filter.cluster.empty() || filter.cluster == decision.cluster) && TextMatches(filter.user, decision.user) &&
           TextMatches(filter.registry, decision.registry);
  }

  static void Count(audit::Counts& counts, const FakeDecision& decision) {
    ++(decision.decision == "Denied" ? counts.denied : decision.decision == "Warned" ? counts.warned : counts.allowed);
  }

  std::vector<FakeDecision> decisions_;  // the oldest first; its sequence is its place, from 1
  std::vector<audit::Query> queries_;
  std::vector<audit::Incomplete> incomplete_;
  std::optional<base::Error> error_;
  bool ignore_namespaces_ = false;
  std::size_t reads_ = 0;
};

}  // namespace support
