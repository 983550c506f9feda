#include "cli/tls_config.h"

#include <array>
#include <string_view>

#include "certs/managed_identity.h"
#include "cli/config_values.h"

namespace cli {
namespace {

using base::YamlMapping;
using std::chrono::microseconds;

// Replicas look every ten seconds: what lives shorter would be over before all have seen its successor.
constexpr microseconds kShortestValidity = std::chrono::seconds(30);
constexpr microseconds kLongestValidity = std::chrono::days(3650);
constexpr microseconds kLongestOverlap = std::chrono::days(365);

constexpr std::array<std::string_view, 2> kOfFiles = {"certificate", "key"};
constexpr std::array<std::string_view, 6> kOfManaged = {"secret", "service", "webhookConfiguration", "validity", "caValidity", "overlap"};

template <std::size_t N>
void Refuse(YamlMapping& tls, const std::array<std::string_view, N>& keys, std::string_view mode) {
  for (const std::string_view key : keys) {
    if (const base::YamlNode* member = tls.Member(key)) {
      tls.AddProblem(*member, key, "is of no use with mode " + std::string(mode) + "; leave it out");
    }
  }
}

void ReadRequiredName(YamlMapping& tls, std::string_view key, std::string* out) {
  if (tls.RequiredMember(key) != nullptr) {
    ReadObjectName(tls, key, out);
  }
}

// A Service's name is a DNS label: the certificate is for it.
void CheckService(YamlMapping& tls, const std::string& service) {
  if (!service.empty() && !kube::IsNamespaceName(service)) {
    tls.AddProblem(*tls.Member("service"), "service", "expected a Service's name: at most 63 lower-case letters, digits and -");
  }
}

void ReadTimes(YamlMapping& tls, const std::string& file, base::Problems& problems, ManagedTlsConfig* managed) {
  tls.Optional("validity", &managed->validity, kShortestValidity, kLongestValidity);
  tls.Optional("caValidity", &managed->authority_validity, kShortestValidity, kLongestValidity);
  if (const base::YamlNode* node = tls.Member("overlap")) {
    YamlMapping overlap(*node, file, tls.PathOf("overlap"), problems);
    overlap.Optional("before", &managed->overlap_before, microseconds(0), kLongestOverlap);
    overlap.Optional("after", &managed->overlap_after, microseconds(0), kLongestOverlap);
    overlap.Finish();
  }
  const base::YamlNode* at = tls.Member("caValidity");
  at = at == nullptr ? &tls.node() : at;
  if (managed->authority_validity <= managed->validity) {
    tls.AddProblem(*at, "caValidity", "expected more than validity: a certificate never outlives its authority");
  } else if (managed->authority_validity < 3 * (managed->overlap_before + 2 * certs::kPollInterval)) {
    tls.AddProblem(*at, "caValidity",
                   "expected three times overlap.before and a minute at least: its last third is for the next authority to become trusted");
  }
}

}  // namespace

TlsConfig ReadTls(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder, base::Problems& problems) {
  TlsConfig config;
  YamlMapping tls(node, file, "tls", problems);
  bool managed = false;
  ReadChoice(tls, "mode", &managed, {{"files", false}, {"managed", true}});
  if (!managed) {
    ReadRequiredPath(tls, "certificate", folder, &config.certificate);
    ReadRequiredPath(tls, "key", folder, &config.key);
    Refuse(tls, kOfManaged, "files");
  } else {
    ManagedTlsConfig& read = config.managed.emplace();
    ReadRequiredName(tls, "secret", &read.secret);
    ReadRequiredName(tls, "service", &read.service);
    CheckService(tls, read.service);
    ReadRequiredName(tls, "webhookConfiguration", &read.webhook_configuration);
    ReadTimes(tls, file, problems, &read);
    Refuse(tls, kOfFiles, "managed");
  }
  tls.Finish();
  return config;
}

}  // namespace cli
