#include "kube/token_expiry.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "base/base64.h"
#include "base/json.h"

namespace kube {
namespace {

// The year 9999: a later time would not fit our own.
constexpr double kMaxSeconds = 253402300799.0;

// RFC 4648, section 5, without padding, as RFC 7515 has it.
std::optional<std::string> DecodeBase64Url(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  constexpr std::size_t kGroup = 4;
  plain.append((kGroup - plain.size() % kGroup) % kGroup, '=');
  return base::DecodeBase64(plain);
}

}  // namespace

std::optional<base::Time> TokenExpiry(std::string_view token) {
  const std::size_t begin = token.find('.');
  const std::size_t end = begin == std::string_view::npos ? begin : token.find('.', begin + 1);
  if (end == std::string_view::npos || token.find('.', end + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const auto payload = DecodeBase64Url(token.substr(begin + 1, end - begin - 1));
  const auto claims = payload ? base::ParseJson(*payload, "the token") : base::Fail(base::ErrorCode::kInvalidArgument, "no base64");
  if (!claims || !claims->is_object()) {
    return std::nullopt;
  }
  const auto expiry = claims->find("exp");
  if (expiry == claims->end() || !expiry->is_number()) {
    return std::nullopt;
  }
  const double seconds = expiry->get<double>();  // NumericDate: fractions are allowed
  return base::Time(std::chrono::seconds(std::llround(std::floor(std::clamp(seconds, 0.0, kMaxSeconds)))));
}

}  // namespace kube
