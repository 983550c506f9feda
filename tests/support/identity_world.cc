#include "tests/support/identity_world.h"

#include <algorithm>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "certs/x509.h"

namespace support {
namespace {

using certs::Outcome;

tl::unexpected<base::Error> Unreachable() { return base::Fail(base::ErrorCode::kUnavailable, "connection refused"); }

struct Free {
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
};

// As crypto/x509 of Go does it for a webhook: the roots are caBundle alone.
std::string Verify(const certs::Identity& leaf, const std::string& bundle, base::Time now) {
  const auto roots = certs::ReadCertificates(bundle, 100);
  if (!roots) {
    return "caBundle: " + roots.error().message;
  }
  const std::unique_ptr<X509_STORE, Free> store(X509_STORE_new());
  for (const certs::Certificate& root : *roots) {
    X509_STORE_add_cert(store.get(), root.x509.get());
  }
  const std::unique_ptr<X509_STORE_CTX, Free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.leaf.get(), leaf.chain.get());
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
  X509_VERIFY_PARAM_set1_host(param, "acr-admission.acr.svc", 0);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
  return X509_verify_cert(context.get()) == 1 ? "" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace

IdentityWorld::IdentityWorld() {
  secret = certs::Stored{"0", {}};  // as the chart renders it
  configuration.emplace();
  SetBundles({"", ""});
}

void IdentityWorld::Advance(std::chrono::microseconds by) {
  clock.Advance(by);
  for (FakeClock* one : clocks) {
    one->Advance(by);
  }
}

void IdentityWorld::Happened(const std::string& what) { history_.push_back(base::FormatTimeSeconds(now()) + " " + what); }

std::string IdentityWorld::History() const {
  constexpr std::size_t kShown = 40;
  std::string text;
  for (std::size_t i = history_.size() - std::min(history_.size(), kShown); i < history_.size(); ++i) {
    text += history_[i] + "\n";
  }
  return text;
}

void IdentityWorld::SetSecret(std::optional<certs::Data> data) {
  secret = data ? std::make_optional(certs::Stored{std::to_string(++versions_), *std::move(data)}) : std::nullopt;
}

void IdentityWorld::SetBundles(std::vector<std::string> bundles) {
  configuration.emplace();
  for (std::string& bundle : bundles) {
    configuration->entries.push_back({"entry-" + std::to_string(configuration->entries.size()), std::move(bundle)});
  }
  Changed();
}

void IdentityWorld::DeleteConfiguration() {
  Happened("configuration deleted");
  configuration.reset();
  views_.clear();
}

std::vector<std::string> IdentityWorld::Bundles() const {
  std::vector<std::string> bundles;
  for (const auto& entry : configuration ? configuration->entries : std::vector<certs::Configuration::Entry>()) {
    bundles.push_back(entry.ca_bundle);
  }
  return bundles;
}

void IdentityWorld::Changed() {
  Happened("caBundle changed");
  configuration->version = std::to_string(++versions_);
  views_.push_back({now(), Bundles()});
}

std::string IdentityWorld::Refusal(const certs::Identity& leaf, std::chrono::seconds behind) {
  if (!configuration) {
    return "";
  }
  for (auto view = views_.rbegin(); view != views_.rend(); ++view) {
    for (const std::string& bundle : view->bundles) {
      base::Time& verified = verified_[{leaf.fingerprint, bundle}];
      if (verified != base::Time() && verified <= now() && now() < leaf.not_after) {
        continue;
      }
      if (const std::string refusal = Verify(leaf, bundle, now()); !refusal.empty()) {
        return refusal + (view == views_.rbegin() ? "" : ", by a view that is older");
      }
      verified = now();
    }
    if (view->from <= now() - behind) {
      break;  // what was before that is nobody's view any more
    }
  }
  return "";
}

void WorldAccess::Begin(const char* call) {
  ++calls;
  if (before) {
    before(call);
  }
}

void WorldAccess::End(const char* call) const {
  if (after) {
    after(call);
  }
}

base::Result<WorldAccess::Loaded> WorldAccess::Load() {
  Begin("Load");
  if (away) {
    return Unreachable();
  }
  Loaded loaded{world_.secret, std::nullopt};
  if (world_.tells_time) {
    loaded.now = std::chrono::floor<std::chrono::seconds>(world_.now());
  }
  End("Load");
  return loaded;
}

base::Result<Outcome> WorldAccess::Swap(const std::optional<std::string>& version, const certs::Data& data) {
  Begin("Swap");
  if (away || no_swap) {
    return Unreachable();
  }
  const std::optional<std::string> is = world_.secret ? std::make_optional(world_.secret->version) : std::nullopt;
  if (is != version) {
    return Outcome::kConflict;
  }
  world_.SetSecret(data);
  End("Swap");
  return Outcome::kDone;
}

base::Result<std::optional<certs::Configuration>> WorldAccess::Read() {
  Begin("Read");
  if (away || no_read) {
    return Unreachable();
  }
  auto read = world_.configuration;
  End("Read");
  return read;
}

base::Result<Outcome> WorldAccess::Write(const certs::Configuration& read, const std::string& pem) {
  Begin("Write");
  if (away || no_write) {
    return Unreachable();
  }
  if (!world_.configuration || world_.configuration->version != read.version) {
    return Outcome::kConflict;
  }
  for (auto& entry : world_.configuration->entries) {
    entry.ca_bundle = pem;
  }
  world_.Changed();
  End("Write");
  return Outcome::kDone;
}

certs::PlanSettings SmallSettings(std::string replica) {
  using std::chrono::minutes;
  return {.replica = std::move(replica),
          .names = {"acr-admission.acr.svc", "acr-admission"},
          .validity = minutes(10),
          .authority_validity = minutes(60),
          .before = minutes(2),
          .after = minutes(5)};
}

WorldReplica::WorldReplica(IdentityWorld& world, certs::PlanSettings settings, std::chrono::seconds skew)
    : clock(world.now() + skew), access(world), world_(world) {
  world.clocks.push_back(&clock);
  const std::string name = settings.replica;
  identity = std::make_unique<certs::ManagedIdentity>(
      std::move(settings), access, access,
      certs::ManagedIdentity::Hooks{[this, name](base::LogLevel, std::string_view message) {
                                      logged.emplace_back(message);
                                      world_.Happened(name + ": " + std::string(message));
                                    },
                                    [this](const certs::Notice& notice) { notices.push_back(notice); }},
      clock);
}

WorldReplica::~WorldReplica() { std::erase(world_.clocks, &clock); }

std::string WorldReplica::Refusal(std::chrono::seconds behind) {
  if (!identity->status().not_ready.empty()) {
    return "";
  }
  return world_.Refusal(*serving(), behind);
}

std::vector<std::string> WorldReplica::Reasons() const {
  std::vector<std::string> reasons;
  for (const certs::Notice& notice : notices) {
    reasons.push_back(notice.reason);
  }
  return reasons;
}

}  // namespace support
