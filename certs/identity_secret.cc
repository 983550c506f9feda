#include "certs/identity_secret.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace certs {
namespace {

using base::ErrorCode;
using nlohmann::json;

constexpr const char* kCaCertificate = "ca.crt";
constexpr const char* kCaKey = "ca.key";
constexpr const char* kLeafCertificate = "tls.crt";
constexpr const char* kLeafKey = "tls.key";
constexpr const char* kNextCertificate = "next-ca.crt";
constexpr const char* kNextKey = "next-ca.key";
constexpr const char* kNextTrustedSince = "next-ca.trusted-since";
constexpr const char* kRetiredCertificates = "retired-ca.crt";
constexpr const char* kRetiredSince = "retired-ca.since";
constexpr const char* kRetiredUntil = "retired-ca.until";
constexpr const char* kReplicas = "replicas";
constexpr std::array<const char*, 11> kKeys = {kCaCertificate,   kCaKey,        kLeafCertificate,  kLeafKey,
                                               kNextCertificate, kNextKey,      kNextTrustedSince, kRetiredCertificates,
                                               kRetiredSince,    kRetiredUntil, kReplicas};

constexpr std::size_t kFingerprintBytes = 64;
constexpr std::size_t kMaxReplicaName = 253;

tl::unexpected<base::Error> Wrong(std::string_view key, const std::string& why) {
  return base::Fail(ErrorCode::kInvalidArgument, std::string(key) + ": " + why);
}

// Reads keys, remembering the first that is wrong.
class Reader {
 public:
  explicit Reader(const Data& data) : data_(data) {}

  bool Has(const char* key) const { return data_.contains(key); }
  std::string Text(const char* key) const {
    const auto found = data_.find(key);
    return found == data_.end() ? std::string() : found->second;
  }

  base::Result<Authority> ReadAuthorityAt(const char* certificate_key, const char* key_key) const {
    for (const char* key : {certificate_key, key_key}) {
      if (!Has(key)) {
        return Wrong(key, "is missing");
      }
    }
    auto authority = ReadAuthority(Text(certificate_key), Text(key_key));
    return authority ? std::move(authority) : Wrong(certificate_key, authority.error().message);
  }

  base::Result<base::Time> ReadTime(const char* key) const {
    const auto time = base::ParseTime(Text(key));
    return time ? base::Result<base::Time>(*time) : Wrong(key, Has(key) ? "is no time such as 2026-11-23T12:00:00Z" : "is missing");
  }

 private:
  const Data& data_;
};

base::Result<IdentitySecret::Leaf> ReadLeaf(const KeyPair& pem, const Authority& authority) {
  auto identity = ParseIdentity(pem.certificate_pem, pem.key_pem);
  if (!identity) {
    return Wrong(kLeafCertificate, identity.error().message);
  }
  if (!IsIssuedBy((*identity)->leaf.get(), authority.certificate.x509.get())) {
    return Wrong(kLeafCertificate, "was not issued by ca.crt");
  }
  return IdentitySecret::Leaf{pem, *std::move(identity)};
}

base::Result<IdentitySecret::Next> ReadNext(const Reader& reader) {
  auto authority = reader.ReadAuthorityAt(kNextCertificate, kNextKey);
  if (!authority) {
    return tl::unexpected(std::move(authority.error()));
  }
  IdentitySecret::Next next{*std::move(authority), std::nullopt};
  if (reader.Has(kNextTrustedSince)) {
    const auto since = reader.ReadTime(kNextTrustedSince);
    if (!since) {
      return tl::unexpected(since.error());
    }
    next.trusted_since = *since;
  }
  return next;
}

base::Result<IdentitySecret::Retired> ReadRetired(const Reader& reader) {
  auto certificates = ReadCertificates(reader.Text(kRetiredCertificates), kMaxRetired);
  if (!certificates) {
    return Wrong(kRetiredCertificates, certificates.error().message);
  }
  if (!std::ranges::all_of(*certificates, [](const Certificate& one) { return IsAuthority(one.x509.get()); })) {
    return Wrong(kRetiredCertificates, "holds a certificate that is no certificate authority's");
  }
  const auto since = reader.ReadTime(kRetiredSince);
  const auto until = reader.ReadTime(kRetiredUntil);
  if (!since || !until) {
    return tl::unexpected(since ? until.error() : since.error());
  }
  return IdentitySecret::Retired{*std::move(certificates), *since, *until};
}

bool IsFingerprint(const std::string& text) {
  return text.size() == kFingerprintBytes && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

base::Result<std::map<std::string, IdentitySecret::Replica>> ReadReplicas(const std::string& text) {
  const auto object = base::ParseJson(text, "it");
  if (!object) {
    return Wrong(kReplicas, object.error().message);
  }
  if (!object->is_object() || object->size() > kMaxReplicas) {
    return Wrong(kReplicas, "is no JSON object of at most " + std::to_string(kMaxReplicas) + " replicas");
  }
  std::map<std::string, IdentitySecret::Replica> replicas;
  for (const auto& [name, value] : object->items()) {
    const json& replica = value;
    const auto text_of = [&replica](const char* member) {
      const auto found = replica.is_object() ? replica.find(member) : replica.end();
      return found != replica.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string authority = text_of("authority");
    const auto since = base::ParseTime(text_of("since"));
    if (name.empty() || name.size() > kMaxReplicaName || !IsFingerprint(authority) || !since) {
      return Wrong(kReplicas, "has an entry that is not {\"authority\": SHA-256, \"since\": time} by a replica's name");
    }
    replicas.emplace(name, IdentitySecret::Replica{authority, *since});
  }
  return replicas;
}

std::string WriteReplicas(const std::map<std::string, IdentitySecret::Replica>& replicas) {
  json object = json::object();
  for (const auto& [name, replica] : replicas) {
    object[name] = {{"authority", replica.authority}, {"since", base::FormatTimeSeconds(replica.since)}};
  }
  return base::DumpJson(object);
}

std::string Joined(const std::vector<Certificate>& certificates) {
  std::string pem;
  for (const Certificate& certificate : certificates) {
    pem += certificate.pem;
  }
  return pem;
}

}  // namespace

base::Result<std::optional<IdentitySecret>> ReadIdentitySecret(const Data& data) {
  if (std::ranges::none_of(kKeys, [&data](const char* key) { return data.contains(key); })) {
    return std::nullopt;
  }
  const Reader reader(data);
  IdentitySecret secret;
  auto authority = reader.ReadAuthorityAt(kCaCertificate, kCaKey);
  if (!authority) {
    return tl::unexpected(std::move(authority.error()));
  }
  secret.authority = *std::move(authority);
  auto leaf = ReadLeaf({reader.Text(kLeafCertificate), reader.Text(kLeafKey)}, secret.authority);
  if (!leaf) {
    return tl::unexpected(std::move(leaf.error()));
  }
  secret.leaf = *std::move(leaf);
  if (reader.Has(kNextCertificate) || reader.Has(kNextKey) || reader.Has(kNextTrustedSince)) {
    auto next = ReadNext(reader);
    if (!next) {
      return tl::unexpected(std::move(next.error()));
    }
    secret.next = *std::move(next);
  }
  if (reader.Has(kRetiredCertificates) || reader.Has(kRetiredSince) || reader.Has(kRetiredUntil)) {
    auto retired = ReadRetired(reader);
    if (!retired) {
      return tl::unexpected(std::move(retired.error()));
    }
    secret.retired = *std::move(retired);
  }
  if (reader.Has(kReplicas)) {
    auto replicas = ReadReplicas(reader.Text(kReplicas));
    if (!replicas) {
      return tl::unexpected(std::move(replicas.error()));
    }
    secret.replicas = *std::move(replicas);
  }
  secret.others = data;
  for (const char* key : kKeys) {
    secret.others.erase(key);
  }
  return secret;
}

Data WriteIdentitySecret(const IdentitySecret& secret) {
  Data data = secret.others;
  data[kCaCertificate] = secret.authority.certificate.pem;
  data[kCaKey] = secret.authority.key_pem;
  data[kLeafCertificate] = secret.leaf.pem.certificate_pem;
  data[kLeafKey] = secret.leaf.pem.key_pem;
  if (secret.next) {
    data[kNextCertificate] = secret.next->authority.certificate.pem;
    data[kNextKey] = secret.next->authority.key_pem;
    if (secret.next->trusted_since) {
      data[kNextTrustedSince] = base::FormatTimeSeconds(*secret.next->trusted_since);
    }
  }
  if (!secret.retired.certificates.empty()) {
    data[kRetiredCertificates] = Joined(secret.retired.certificates);
    data[kRetiredSince] = base::FormatTimeSeconds(secret.retired.since);
    data[kRetiredUntil] = base::FormatTimeSeconds(secret.retired.until);
  }
  if (!secret.replicas.empty()) {
    data[kReplicas] = WriteReplicas(secret.replicas);
  }
  return data;
}

base::Result<IdentitySecret::Leaf> MakeLeaf(const Authority& authority, const std::vector<std::string>& names, base::Time now,
                                            std::chrono::microseconds validity) {
  auto pem = IssueLeaf(authority, names, now, validity);
  if (!pem) {
    return tl::unexpected(std::move(pem.error()));
  }
  return ReadLeaf(*pem, authority);
}

std::string BundleOf(const IdentitySecret& secret) {
  return Joined(secret.retired.certificates) + secret.authority.certificate.pem +
         (secret.next ? secret.next->authority.certificate.pem : "");
}

}  // namespace certs
