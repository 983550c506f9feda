#include "audit/chain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>

namespace audit {
namespace {

void AppendInt(std::string& out, std::int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>((static_cast<std::uint64_t>(value) >> static_cast<unsigned>(shift)) & 0xffU);
  }
}

// With its length, so that no two rows come to the same bytes.
void AppendText(std::string& out, std::string_view text) {
  AppendInt(out, static_cast<std::int64_t>(text.size()));
  out += text;
}

}  // namespace

std::optional<Digest> ReadDigest(std::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.size()) {
    return std::nullopt;
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

void Chain::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
void Chain::Free::operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }

// Looked up once: OpenSSL's one call for all costs as much again as the hash.
Chain::Chain() : sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {}

Digest Chain::Hash(std::string_view bytes, std::string_view more) {
  Digest digest{};
  EVP_DigestInit_ex2(context_.get(), sha256_.get(), nullptr);
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  EVP_DigestUpdate(context_.get(), more.data(), more.size());
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

Digest Chain::DigestOf(const ChainedRow& row) {
  buffer_.clear();
  for (const std::int64_t value : {row.time, row.latest, row.size, std::int64_t{row.dry_run}, std::int64_t{row.kept.has_value()}}) {
    AppendInt(buffer_, value);
  }
  for (const std::string_view text : {row.decision, row.uid, row.namespace_name, row.kept.value_or(""), row.user, row.registries}) {
    AppendText(buffer_, text);
  }
  return Hash(buffer_, row.record);
}

Digest Chain::Next(const Digest& before, std::int64_t id, const Digest& row) {
  buffer_ = View(before);
  AppendInt(buffer_, id);
  return Hash(buffer_, View(row));
}

Digest Chain::Begin(std::string_view log, std::int64_t first) {
  buffer_ = "acr-admission audit log ";
  AppendText(buffer_, log);
  AppendInt(buffer_, first);
  return Hash(buffer_, {});
}

}  // namespace audit
