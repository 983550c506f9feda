#include "cli/shared_inventory.h"

#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "state/zstd.h"

namespace cli {
namespace {

using nlohmann::json;
using Kind = kube::ApiError::Kind;

constexpr std::chrono::seconds kReadDeadline{5};   // a start waits for it
constexpr std::chrono::seconds kCallDeadline{10};  // of each call of a write
// Of the text: twice what 10,000 registries have. A text that is compressed can be hundreds of times what it takes in the Secret, and who
// writes that must not have replicas run out of memory at each start.
constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;

constexpr const char* kInventoryKey = "inventory.zst";
// Tells how old it is without unpacking it: {"observed": …, "registries": …, "sha256": of inventory.zst}.
constexpr const char* kSummaryKey = "inventory.json";
constexpr std::size_t kMaxSummaryBytes = 512;  // far above what is in it

// When what is held was observed. Nothing when it is none, is not what its summary tells of, or comes from a clock that runs ahead: such
// may be replaced by anything.
std::optional<base::Time> HeldObserved(const kube::Secret& held, base::Time now) {
  const auto inventory = held.data.find(kInventoryKey);
  const auto summary = held.data.find(kSummaryKey);
  if (inventory == held.data.end() || summary == held.data.end()) {
    return std::nullopt;
  }
  const auto parsed = base::ParseJson(summary->second, kSummaryKey);
  if (!parsed || !parsed->is_object() || parsed->value("sha256", json()) != base::Sha256(inventory->second)) {
    return std::nullopt;
  }
  const json observed = parsed->value("observed", json());
  const auto time = observed.is_string() ? base::ParseTime(observed.get<std::string>()) : std::nullopt;
  return time && *time <= now + kLeastGain ? time : std::nullopt;
}

}  // namespace

SharedInventory::SharedInventory(Cluster& cluster, std::string secret, const base::Clock& clock, base::Log log, std::uint64_t seed)
    : cluster_(cluster),
      name_(std::move(secret)),
      clock_(clock),
      log_(std::move(log)),
      failures_(cluster, "inventory", log_),
      size_failures_(cluster, "inventory_size", log_),
      random_(seed) {}

std::string SharedInventory::Which() const { return "Secret " + cluster_.namespace_name() + "/" + name_; }

std::optional<state::SavedInventory> SharedInventory::Read() {
  const auto held = kube::GetSecret(cluster_.api(), cluster_.namespace_name(), name_, kReadDeadline);
  if (!held) {
    if (held.error().kind != Kind::kNotFound) {
      failures_.Add("the inventory that the replicas share cannot be read: " + held.error().ToString());
    }
    return std::nullopt;
  }
  const auto bytes = held->data.find(kInventoryKey);
  if (bytes == held->data.end() || held->ResourceVersion() == read_version_) {
    return std::nullopt;
  }
  read_version_ = held->ResourceVersion();
  const auto text = state::DecompressZstd(bytes->second, Which() + ": " + kInventoryKey, kMaxTextBytes);
  auto saved = text ? state::ReadSavedInventory(*text, Which() + ": " + kInventoryKey, clock_.Now())
                    : base::Result<state::SavedInventory>(tl::unexpected(text.error()));
  if (!saved) {
    failures_.Add(saved.error().ToString());
    return std::nullopt;
  }
  failures_.Clear();
  return *std::move(saved);
}

void SharedInventory::Share(const state::State& current) {
  const auto now = clock_.Monotonic();
  if (!current.primed || current.facts.size() == 0 || (next_ && now < *next_)) {
    return;
  }
  if (Write(current.facts, kLeastGain) == Outcome::kFailed) {
    next_ = now + kShareRetry;
    return;
  }
  const std::chrono::milliseconds jitter(random_() % std::chrono::milliseconds(kShareJitter).count());
  next_ = now + kShareInterval + jitter;
}

void SharedInventory::ShareNow(const state::State& current) {
  if (current.primed && current.facts.size() > 0) {
    Write(current.facts, kLeastGainAtEnd);
  }
}

SharedInventory::Outcome SharedInventory::Write(const policy::Facts& facts, std::chrono::minutes least_gain) {
  auto held = kube::GetSecret(cluster_.api(), cluster_.namespace_name(), name_, kCallDeadline);
  const bool absent = !held && held.error().kind == Kind::kNotFound;
  if (absent) {
    kube::Secret secret;
    secret.namespace_name = cluster_.namespace_name();
    secret.name = name_;
    secret.metadata = {{"labels", Cluster::Labels()}};
    held = std::move(secret);
  }
  if (!held) {
    failures_.Add("the inventory cannot be shared with other replicas: " + held.error().ToString());
    return Outcome::kFailed;
  }
  if (const auto observed = HeldObserved(*held, clock_.Now()); observed && state::MeanObserved(facts) < *observed + least_gain) {
    failures_.Clear();
    return Outcome::kDone;
  }
  const auto secret = Compose(*std::move(held), facts);
  if (!secret) {
    return Outcome::kDone;  // said already; there may be fewer registries the next time
  }
  const auto written =
      absent ? kube::CreateSecret(cluster_.api(), *secret, kCallDeadline) : kube::UpdateSecret(cluster_.api(), *secret, kCallDeadline);
  const bool another_did = !written && (written.error().kind == Kind::kConflict || written.error().kind == Kind::kAlreadyExists);
  if (!written && !another_did) {
    failures_.Add("the inventory cannot be shared with other replicas: " + written.error().ToString());
    return Outcome::kFailed;
  }
  failures_.Clear();
  return Outcome::kDone;
}

std::optional<kube::Secret> SharedInventory::Compose(kube::Secret held, const policy::Facts& facts) {
  const std::string text = state::WriteSavedInventory(facts, /*complete=*/true, clock_.Now());
  base::Result<std::optional<std::string>> compressed = std::nullopt;
  if (text.size() <= kMaxTextBytes) {
    compressed = state::CompressZstd(text, kMaxSharedBytes - kMaxSummaryBytes);
  }
  if (!compressed) {
    failures_.Add("the inventory " + compressed.error().ToString());
    return std::nullopt;
  }
  if (!*compressed) {
    size_failures_.Add("the inventory is too large to be shared with other replicas: compressed, it would have more than " +
                       std::to_string(kMaxSharedBytes) + " bytes, or more than " + std::to_string(kMaxTextBytes) +
                       " before; a replica that starts while Azure is away begins with what is held");
    return std::nullopt;
  }
  std::string& bytes = **compressed;
  const std::string summary = base::DumpJson(
      {{"observed", base::FormatTime(state::MeanObserved(facts))}, {"registries", facts.size()}, {"sha256", base::Sha256(bytes)}});
  size_failures_.Clear();
  held.data = {{kInventoryKey, std::move(bytes)}, {kSummaryKey, summary}};
  return held;
}

}  // namespace cli
