// What the Secret of managed certificates holds: it is the whole state of the rotation, shared by all replicas. Pure: texts in, texts
// out. docs/certificates.md describes its keys.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "certs/authority.h"
#include "certs/identity.h"
#include "certs/identity_store.h"

namespace certs {

// More is dropped, the oldest first: nobody but us adds any, and a caBundle has to be small.
inline constexpr std::size_t kMaxRetired = 8;
inline constexpr std::size_t kMaxReplicas = 256;

struct IdentitySecret {
  struct Leaf {
    KeyPair pem;
    std::shared_ptr<const Identity> identity;
  };
  struct Next {
    Authority authority;
    std::optional<base::Time> trusted_since;  // from when on caBundle is known to hold it
  };
  // Authorities whose leaves may still be served. Their keys are gone.
  struct Retired {
    std::vector<Certificate> certificates;
    base::Time since{};  // when the last of them was retired
    base::Time until{};  // when no leaf of theirs can be valid any more
  };
  // What a replica serves: the authority's fingerprint, and since when.
  struct Replica {
    std::string authority;
    base::Time since{};
    bool operator==(const Replica&) const = default;
  };

  Authority authority;
  Leaf leaf;
  std::optional<Next> next;
  Retired retired;
  std::map<std::string, Replica> replicas;  // by name
  Data others;                              // keys that are not ours: kept as they are
};

// Nothing where `data` has none of our keys: there is no identity yet. An error names the key that is wrong; what is wrong in one
// key condemns all.
base::Result<std::optional<IdentitySecret>> ReadIdentitySecret(const Data& data);

Data WriteIdentitySecret(const IdentitySecret& secret);

// Issues a leaf and reads it back as ReadIdentitySecret would.
base::Result<IdentitySecret::Leaf> MakeLeaf(const Authority& authority, const std::vector<std::string>& names, base::Time now,
                                            std::chrono::microseconds validity);

// What caBundle has to be: every authority of which a leaf may still be, is or will be served. In this order: when more is to be kept
// of it than there is room for, what comes first goes first.
std::string BundleOf(const IdentitySecret& secret);

}  // namespace certs
