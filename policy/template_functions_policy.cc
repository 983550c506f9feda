// Azure Policy's own functions.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-functions
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "base/time.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

// Of a time that ends with Z: base::Time has six, .NET's times and those that Azure writes have seven.
char SeventhDecimal(std::string_view time) {
  constexpr std::size_t kDecimals = 7;
  const std::size_t point = time.find('.');
  return point == std::string_view::npos || time.size() - point < kDecimals + 2 ? '0' : time[point + kDecimals];
}

TemplateResult AddDays(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  const std::optional<std::int64_t> days = AsInteger(arguments[1]);
  if (text == nullptr || !days) {
    return text == nullptr ? WrongKind("a string", arguments[0]) : WrongKind("an integer", arguments[1]);
  }
  const std::optional<base::Time> time = base::ParseTime(*text);
  if (!time || !text->ends_with('Z')) {
    return time ? CannotTell("how a time without Z is taken is not documented")
                : TemplateResult(Fails("\"" + base::Printable(*text, 64) + "\" is no time"));
  }
  // .NET's times are those of the years 1 to 9999.
  constexpr base::Time kFirst = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
  constexpr base::Time kEnd = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
  constexpr std::int64_t kMaxDays = 3'652'059;
  if (*days > kMaxDays || *days < -kMaxDays) {
    return Fails("the time is beyond the year 9999 or before the year 1");
  }
  const base::Time sum = *time + std::chrono::days(*days);
  if (sum < kFirst || sum >= kEnd) {
    return Fails("the time is beyond the year 9999 or before the year 1");
  }
  std::string shown = FormatPolicyTime(sum);
  shown[shown.size() - 2] = SeventhDecimal(*text);
  return json(std::move(shown));
}

struct Address {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};  // of IPv4 the first four
};

struct AddressRange {
  Address first;
  Address last;
};

std::optional<Address> ParseAddress(std::string_view text) {
  Address address;
  const std::string terminated(text);
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  address.family = AF_INET6;
  return inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1 ? std::optional(address) : std::nullopt;
}

// An address, a CIDR range, or first and last address with a hyphen.
tl::expected<AddressRange, TemplateFailure> ParseRange(const json& value) {
  const std::string* text = AsText(value);
  if (text == nullptr) {
    return WrongKind("a string", value);
  }
  const auto wrong = [&](const char* what) { return Fails("\"" + base::Printable(*text, 64) + "\" " + what); };
  const std::size_t slash = text->find('/');
  const std::size_t hyphen = text->find('-');
  const std::string_view whole = *text;
  const std::optional<Address> first = ParseAddress(whole.substr(0, std::min(slash, hyphen)));
  if (!first) {
    return wrong("is no range of IP addresses");
  }
  AddressRange range{*first, *first};
  if (slash == std::string::npos && hyphen == std::string::npos) {
    return range;
  }
  if (slash == std::string::npos) {
    const std::optional<Address> last = ParseAddress(whole.substr(hyphen + 1));
    if (!last || last->family != first->family || last->bytes < first->bytes) {
      return wrong("is no range of IP addresses");
    }
    range.last = *last;
    return range;
  }
  const std::string_view bits = whole.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  if (error != std::errc() || end != bits.data() + bits.size() || prefix > (first->family == AF_INET ? 32U : 128U)) {
    return wrong("is no range of IP addresses");
  }
  for (unsigned bit = prefix; bit < (first->family == AF_INET ? 32U : 128U); ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    if ((range.first.bytes[bit / 8] & mask) != 0) {
      return CannotTell("whether a CIDR range may begin within its network is not documented");
    }
    range.last.bytes[bit / 8] |= mask;
  }
  return range;
}

TemplateResult IpRangeContains(TemplateArguments arguments) {
  const auto outer = ParseRange(arguments[0]);
  if (!outer) {
    return tl::unexpected(outer.error());
  }
  const auto inner = ParseRange(arguments[1]);
  if (!inner) {
    return tl::unexpected(inner.error());
  }
  if (outer->first.family != inner->first.family) {
    return Fails("one range is of IPv4, the other of IPv6");
  }
  return json(outer->first.bytes <= inner->first.bytes && inner->last.bytes <= outer->last.bytes);
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"addDays", 2, 2, AddDays},
    {"ipRangeContains", 2, 2, IpRangeContains},
});

}  // namespace

std::string FormatPolicyTime(base::Time time) {
  std::string text = base::FormatTime(time);  // six decimals and Z
  text.insert(text.size() - 1, "0");
  return text;
}

std::span<const TemplateFunction> PolicyFunctions() { return kFunctions; }

}  // namespace policy
