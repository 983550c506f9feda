#include "cli/last_good_policy.h"

#include <utility>

#include "base/json.h"

namespace cli {
namespace {

using Kind = kube::ApiError::Kind;

constexpr std::chrono::seconds kReadDeadline{5};    // a start waits for it
constexpr std::chrono::seconds kWriteDeadline{10};  // of each call
constexpr const char* kPolicyKey = "policy.yaml";
// One text, since file names may be what keys of ConfigMaps may not: {"NAME.json": "its text"}.
constexpr const char* kDefinitionsKey = "definitions.json";

std::map<std::string, std::string> DataOf(const state::PolicyTexts& texts) {
  std::map<std::string, std::string> data = {{kPolicyKey, texts.policy}};
  if (!texts.definitions.empty()) {
    data.emplace(kDefinitionsKey, base::DumpJson(nlohmann::json(texts.definitions)));
  }
  return data;
}

base::Result<state::PolicyTexts> TextsOf(const kube::ConfigMap& held) {
  const std::string which = "ConfigMap " + held.namespace_name + "/" + held.name;
  const auto policy = held.data.find(kPolicyKey);
  if (policy == held.data.end()) {
    return base::Fail(base::ErrorCode::kNotFound, which + " holds none yet", "mend the files");
  }
  state::PolicyTexts texts{policy->second, {}};
  const auto definitions = held.data.find(kDefinitionsKey);
  if (definitions == held.data.end()) {
    return texts;
  }
  const auto json = base::ParseJson(definitions->second, which + ": " + kDefinitionsKey);
  if (!json) {
    return tl::unexpected(json.error());
  }
  const auto bad = [&] {
    return base::Fail(base::ErrorCode::kInvalidArgument, which + ": " + kDefinitionsKey + " is no object of texts", "mend the files");
  };
  if (!json->is_object()) {
    return bad();
  }
  for (const auto& [name, text] : json->items()) {
    if (!text.is_string()) {
      return bad();
    }
    texts.definitions.emplace(name, text.get<std::string>());
  }
  return texts;
}

std::size_t SizeOf(const std::map<std::string, std::string>& data) {
  std::size_t size = 0;
  for (const auto& [key, text] : data) {
    size += key.size() + text.size();
  }
  return size;
}

}  // namespace

LastGoodPolicy::LastGoodPolicy(Cluster& cluster, std::string config_map, const base::Clock& clock, base::Log log)
    : cluster_(cluster), name_(std::move(config_map)), clock_(clock), log_(std::move(log)), failures_(cluster, "policy", log_) {}

base::Result<state::PolicyTexts> LastGoodPolicy::Read() {
  const auto held = kube::GetConfigMap(cluster_.api(), cluster_.namespace_name(), name_, kReadDeadline);
  if (!held) {
    cluster_.CountFailure("policy");  // it is the start's to say so
    return base::Fail(base::ErrorCode::kUnavailable, held.error().ToString());
  }
  return TextsOf(*held);
}

void LastGoodPolicy::Keep(const std::shared_ptr<const state::PolicyTexts>& good) {
  const auto now = clock_.Monotonic();
  if (good != good_) {
    good_ = good;
    since_ = now;
    done_ = false;
    next_ = now;
    if (good_ == nullptr || TooLarge()) {
      next_.reset();
    }
  }
  if (!next_ || now < *next_) {
    return;
  }
  const bool settled = now - since_ >= kSettle;
  if (!Write(settled)) {
    next_ = now + kKeepRetry;
    return;
  }
  done_ = done_ || settled;
  next_ = settled ? now + kLookAgain : since_ + kSettle;
}

bool LastGoodPolicy::TooLarge() {
  const std::size_t size = SizeOf(DataOf(*good_));
  if (size <= kMaxKeptBytes) {
    return false;
  }
  failures_.Add("this policy is not kept as the last good one: with its definitions it has " + std::to_string(size) +
                " bytes, and a ConfigMap takes " + std::to_string(kMaxKeptBytes) + "; what was kept before stays");
  return true;
}

bool LastGoodPolicy::Write(bool settled) {
  auto held = kube::GetConfigMap(cluster_.api(), cluster_.namespace_name(), name_, kWriteDeadline);
  const bool absent = !held && held.error().kind == Kind::kNotFound;
  if (!held && !absent) {
    return Failed(held.error());
  }
  if (absent) {
    held = kube::ConfigMap{cluster_.namespace_name(), name_, {}, {{"labels", Cluster::Labels()}}};
  }
  std::map<std::string, std::string> data = DataOf(*good_);
  const bool empty = !held->data.contains(kPolicyKey);
  if (held->data == data || (!empty && (!settled || done_))) {
    failures_.Clear();
    return true;
  }
  held->data = std::move(data);
  const auto written =
      absent ? kube::CreateConfigMap(cluster_.api(), *held, kWriteDeadline) : kube::UpdateConfigMap(cluster_.api(), *held, kWriteDeadline);
  if (written) {
    failures_.Clear();
    log_(base::LogLevel::kInfo, "the policy in force is kept as the last good one in ConfigMap " + name_);
    return true;
  }
  const Kind kind = written.error().kind;
  if (kind == Kind::kConflict || kind == Kind::kAlreadyExists) {
    return false;  // another replica was first: to be looked at again
  }
  return Failed(written.error());
}

bool LastGoodPolicy::Failed(const kube::ApiError& error) {
  failures_.Add("the policy in force cannot be kept as the last good one: " + error.ToString());
  return false;
}

}  // namespace cli
