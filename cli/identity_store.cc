#include "cli/identity_store.h"

#include <utility>

#include "base/base64.h"
#include "certs/identity_secret.h"
#include "kube/object.h"

namespace cli {
namespace {

using certs::Outcome;
using nlohmann::json;
using Kind = kube::ApiError::Kind;

// Of one call. Two of them fit into the time that a start waits for an API server that does not answer.
constexpr std::chrono::milliseconds kDeadline = std::chrono::seconds(3);

constexpr const char* kFieldManager = "acr-admission";
constexpr const char* kFailures = "certificates";

const kube::Collection& WebhookConfigurations() {
  static const kube::Collection kConfigurations{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", ""};
  return kConfigurations;
}

base::Error ToError(const kube::ApiError& error) { return {base::ErrorCode::kUnavailable, error.ToString(), ""}; }

bool IsConflict(const kube::ApiError& error) {
  return error.kind == Kind::kConflict || error.kind == Kind::kAlreadyExists || error.kind == Kind::kNotFound;
}

}  // namespace

ClusterIdentityStore::ClusterIdentityStore(Cluster& cluster, std::string secret)
    : cluster_(cluster), name_(std::move(secret)), deadline_(kDeadline) {
  cluster_.ExpectFailures(kFailures);
}

base::Result<ClusterIdentityStore::Loaded> ClusterIdentityStore::Load() {
  auto secret = kube::GetSecret(cluster_.api(), cluster_.namespace_name(), name_, deadline_);
  Loaded loaded;
  if (secret) {
    read_ = *std::move(secret);
    loaded.stored = certs::Stored{read_.ResourceVersion(), read_.data};
  } else if (secret.error().kind == Kind::kNotFound) {
    read_ = {};
    read_.metadata["labels"] = Cluster::Labels();
  } else {
    cluster_.CountFailure(kFailures);
    return tl::unexpected(ToError(secret.error()));
  }
  loaded.now = cluster_.api().ServerTime();
  return loaded;
}

base::Result<Outcome> ClusterIdentityStore::Swap(const std::optional<std::string>& version, const certs::Data& data) {
  kube::Secret secret = read_;
  if (version != (secret.ResourceVersion().empty() ? std::nullopt : std::make_optional(secret.ResourceVersion()))) {
    return Outcome::kConflict;  // not what was read last
  }
  secret.namespace_name = cluster_.namespace_name();
  secret.name = name_;
  secret.data = data;
  const auto written =
      version ? kube::UpdateSecret(cluster_.api(), secret, deadline_) : kube::CreateSecret(cluster_.api(), secret, deadline_);
  if (written) {
    return Outcome::kDone;
  }
  // A namespace that is going, or gone, is no conflict: nothing can be made in it.
  if (IsConflict(written.error()) && !(written.error().kind == Kind::kNotFound && !version)) {
    return Outcome::kConflict;
  }
  cluster_.CountFailure(kFailures);
  return tl::unexpected(ToError(written.error()));
}

base::Result<std::string> ReadAuthorities(Cluster& cluster, const std::string& secret) {
  auto loaded = ClusterIdentityStore(cluster, secret).Load();
  if (!loaded) {
    return tl::unexpected(std::move(loaded.error()));
  }
  auto identity = loaded->stored ? certs::ReadIdentitySecret(loaded->stored->data) : std::nullopt;
  if (!identity) {
    return base::Fail(identity.error().code, "the Secret " + secret + ": " + identity.error().message, identity.error().remedy);
  }
  if (!*identity) {
    return base::Fail(base::ErrorCode::kUnavailable, "the Secret " + secret + " holds no certificate authority yet",
                      "wait until a replica has made one");
  }
  return certs::BundleOf(**identity);
}

ClusterTrustBundle::ClusterTrustBundle(Cluster& cluster, std::string configuration, std::string service)
    : cluster_(cluster), name_(std::move(configuration)), service_(std::move(service)) {}

base::Result<std::optional<certs::Configuration>> ClusterTrustBundle::Read() {
  const auto object = cluster_.api().Get(WebhookConfigurations(), name_, kDeadline);
  if (!object) {
    if (object.error().kind == Kind::kNotFound) {
      return std::nullopt;
    }
    cluster_.CountFailure(kFailures);
    return tl::unexpected(ToError(object.error()));
  }
  certs::Configuration configuration{kube::ResourceVersionOf(*object), {}};
  const json webhooks = kube::MemberOf(*object, "webhooks");
  for (const json& webhook : webhooks.is_array() ? webhooks : json::array()) {
    const json client = kube::MemberOf(webhook, "clientConfig");
    const json service = kube::MemberOf(client, "service");
    if (kube::TextOf(service, "name") == service_ && kube::TextOf(service, "namespace") == cluster_.namespace_name()) {
      // What is no base64 is no caBundle either; the API server would not have it.
      configuration.entries.push_back({kube::TextOf(webhook, "name"), base::DecodeBase64(kube::TextOf(client, "caBundle")).value_or("")});
    }
  }
  if (configuration.entries.empty()) {
    return std::nullopt;
  }
  return configuration;
}

base::Result<Outcome> ClusterTrustBundle::Write(const certs::Configuration& read, const std::string& pem) {
  json webhooks = json::array();
  for (const certs::Configuration::Entry& entry : read.entries) {
    webhooks.push_back({{"name", entry.name}, {"clientConfig", {{"caBundle", base::EncodeBase64(pem)}}}});
  }
  const json fields = {{"apiVersion", "admissionregistration.k8s.io/v1"},
                       {"kind", "ValidatingWebhookConfiguration"},
                       {"metadata", {{"name", name_}, {"resourceVersion", read.version}}},  // never made, and never over another's change
                       {"webhooks", std::move(webhooks)}};
  const auto applied = cluster_.api().Apply(WebhookConfigurations(), name_, fields, kFieldManager, kube::OnConflict::kForce, kDeadline);
  if (applied) {
    return Outcome::kDone;
  }
  if (IsConflict(applied.error())) {
    return Outcome::kConflict;
  }
  cluster_.CountFailure(kFailures);
  return tl::unexpected(ToError(applied.error()));
}

}  // namespace cli
