#include "audit/chain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>

namespace audit {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

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

std::string ToHex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4U];
    text += kHex[byte & 0xfU];
  }
  return text;
}

std::optional<std::string> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kHex.find(text[i]);
    const std::size_t low = kHex.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    bytes += static_cast<char>(high << 4U | low);
  }
  return bytes;
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
