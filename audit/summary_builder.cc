#include "audit/summary_builder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "audit/blame.h"

namespace audit {
namespace {

std::vector<Summary::Value> MostDeniedFirst(std::map<std::string, Counts, std::less<>>&& values) {
  std::vector<Summary::Value> sorted;
  Counts others;
  for (auto& [value, counts] : values) {
    if (value == kOtherValues) {
      others += counts;
    } else {
      sorted.push_back({value, counts});
    }
  }
  std::sort(sorted.begin(), sorted.end(), [](const Summary::Value& a, const Summary::Value& b) {
    if (a.counts.denied != b.counts.denied) {
      return a.counts.denied > b.counts.denied;
    }
    return a.counts.warned != b.counts.warned ? a.counts.warned > b.counts.warned : a.value < b.value;
  });
  for (std::size_t i = kMaxSummaryValues; i < sorted.size(); ++i) {
    others += sorted[i].counts;
  }
  sorted.resize(std::min(sorted.size(), kMaxSummaryValues));
  if (others.denied > 0 || others.warned > 0) {
    sorted.push_back({kOtherValues, others});
  }
  return sorted;
}

}  // namespace

void SummaryBuilder::AddHour(base::Time time, const Counts& counts) {
  if (!counts.IsZero()) {
    hours_[std::chrono::floor<std::chrono::hours>(time)] += counts;
  }
}

void SummaryBuilder::AddValue(Dimension dimension, std::string_view value, const Counts& counts) {
  if (value.empty() || (counts.warned == 0 && counts.denied == 0)) {
    return;
  }
  Values& values = values_[static_cast<std::size_t>(dimension)];
  auto found = values.find(value);
  if (found == values.end()) {
    found = values.try_emplace(std::string(values.size() < kMaxSingly ? value : kOtherValues)).first;
  }
  found->second += {0, counts.warned, counts.denied};
}

void SummaryBuilder::Add(const Summary& summary) {
  for (const Summary::Hour& hour : summary.hours) {
    AddHour(hour.begin, hour.counts);
  }
  for (const auto& [dimension, values] :
       {std::pair{Dimension::kRegistry, &summary.by_registry}, std::pair{Dimension::kRequirement, &summary.by_requirement},
        std::pair{Dimension::kNamespace, &summary.by_namespace}, std::pair{Dimension::kUser, &summary.by_user}}) {
    for (const Summary::Value& value : *values) {
      AddValue(dimension, value.value, value.counts);
    }
  }
  incomplete_.insert(incomplete_.end(), summary.incomplete.begin(), summary.incomplete.end());
}

void SummaryBuilder::AddRow(base::Time time, std::string_view decision, std::string_view namespace_name, std::string_view user,
                            std::string_view record) {
  const Counts one = CountsOf(decision);
  AddHour(time, one);
  if (one.allowed > 0 || one.IsZero()) {
    return;
  }
  AddValue(Dimension::kNamespace, namespace_name, one);
  AddValue(Dimension::kUser, user, one);
  const Blame blame = BlameOf(record);
  for (const std::string& registry : blame.registries) {
    AddValue(Dimension::kRegistry, registry, one);
  }
  for (const std::string& requirement : blame.requirements) {
    AddValue(Dimension::kRequirement, requirement, one);
  }
}

Summary SummaryBuilder::Build() && {
  Summary summary;
  for (const auto& [begin, counts] : hours_) {
    summary.hours.push_back({begin, counts});
  }
  const auto take = [&](Dimension dimension) { return MostDeniedFirst(std::move(values_[static_cast<std::size_t>(dimension)])); };
  summary.by_registry = take(Dimension::kRegistry);
  summary.by_requirement = take(Dimension::kRequirement);
  summary.by_namespace = take(Dimension::kNamespace);
  summary.by_user = take(Dimension::kUser);
  summary.incomplete = std::move(incomplete_);
  return summary;
}

}  // namespace audit
