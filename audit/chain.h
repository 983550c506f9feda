// The chain of hashes over the log's rows: what makes an alteration show. docs/audit.md, "Tamper evidence".
//
// A row's digest is SHA-256 over all its columns. The chain's value behind a row is SHA-256 over the value behind the row
// before, the row's id and its digest; so a deleted row needs only its digest to be left for the chain to be followed on.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace audit {

using Digest = std::array<char, 32>;

inline std::string_view View(const Digest& digest) { return {digest.data(), digest.size()}; }
// None unless it is as long as a digest.
std::optional<Digest> ReadDigest(std::string_view bytes);

// A row as its digest covers it; the id is the chain's business.
struct ChainedRow {
  std::int64_t time = 0;
  std::int64_t latest = 0;
  std::int64_t size = 0;
  bool dry_run = false;
  std::optional<std::string_view> kept;
  std::string_view decision, uid, namespace_name, user, registries, record;
};

// Computes it all. For one thread at a time.
class Chain {
 public:
  Chain();

  Digest DigestOf(const ChainedRow& row);
  Digest Next(const Digest& before, std::int64_t id, const Digest& row);
  // The value before the first row. `log` is the log's random name, so that no two logs have a value in common.
  Digest Begin(std::string_view log, std::int64_t first);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
    void operator()(EVP_MD* algorithm) const;
  };
  Digest Hash(std::string_view bytes, std::string_view more);

  std::unique_ptr<EVP_MD, Free> sha256_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  std::string buffer_;  // reused
};

// The chain's value behind one row of one log.
struct Link {
  std::string log;  // 16 bytes
  std::int64_t sequence = 0;
  Digest value{};
};

}  // namespace audit
