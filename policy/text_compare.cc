#include "policy/text_compare.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "base/text.h"
#include "base/utf8.h"
#include "policy/template_values.h"

namespace policy {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAsciiByte(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

// How far both begin with the same bytes, but for the case of ASCII.
std::size_t CommonBytes(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && Lower(a[i]) == Lower(b[i])) {
    ++i;
  }
  return i;
}

// "no" where both are ASCII alone, as nothing else can make them equal.
Outcome NoUnlessBeyondAscii(std::string_view a, std::string_view b) {
  return IsAscii(a) && IsAscii(b) ? Outcome::kFalse : Outcome::kUnknown;
}

// Whether no culture takes the two for the beginning of the same text: printable ASCII differs from other printable ASCII, and from the
// letters À to ÿ, but for ß, which is written "ss" too, and for what combines with a letter before it.
bool BeginDifferently(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) {
    const std::string_view rest = a.empty() ? b : a;
    return !rest.empty() && IsPrintable(rest.front());
  }
  if (IsPrintable(a.front()) && IsPrintable(b.front())) {
    return true;
  }
  const bool a_is_plain = IsPrintable(a.front());
  const std::string_view plain = a_is_plain ? a : b;
  const std::string_view other = a_is_plain ? b : a;
  const bool nothing_combines = plain.size() == 1 || IsAsciiByte(plain[1]);
  return IsPrintable(plain.front()) && nothing_combines && other.size() > 1 && other[0] == '\xc3' && other[1] != '\x9f';
}

// Whether `text` begins with `head`.
Outcome BeginsWith(std::string_view text, std::string_view head) {
  const std::size_t i = CommonBytes(text, head);
  if (i == head.size()) {
    return Outcome::kTrue;
  }
  return BeginDifferently(text.substr(i), head.substr(i)) ? Outcome::kFalse : NoUnlessBeyondAscii(text, head);
}

Outcome EndsWith(std::string_view text, std::string_view tail) {
  std::size_t i = 0;  // equal bytes from the end
  while (i < text.size() && i < tail.size() && Lower(text[text.size() - 1 - i]) == Lower(tail[tail.size() - 1 - i])) {
    ++i;
  }
  if (i == tail.size()) {
    return Outcome::kTrue;
  }
  const bool plain = IsPrintable(tail[tail.size() - 1 - i]) && (i == text.size() || IsPrintable(text[text.size() - 1 - i]));
  return plain ? Outcome::kFalse : NoUnlessBeyondAscii(text, tail);
}

std::size_t CharacterBytes(std::string_view rest) { return std::max<std::size_t>(base::DecodeUtf8(rest).bytes, 1); }

}  // namespace

Outcome EqualTexts(std::string_view a, std::string_view b) {
  const std::size_t i = CommonBytes(a, b);
  if (i == a.size() && i == b.size()) {
    return Outcome::kTrue;
  }
  return BeginDifferently(a.substr(i), b.substr(i)) ? Outcome::kFalse : NoUnlessBeyondAscii(a, b);
}

Outcome LikeText(std::string_view text, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return EqualTexts(text, pattern);
  }
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (tail.find('*') != std::string_view::npos) {
    return Outcome::kFailed;
  }
  const Outcome begins = BeginsWith(text, head);
  const Outcome ends = EndsWith(text, tail);
  if (begins == Outcome::kFalse || ends == Outcome::kFalse) {
    return Outcome::kFalse;
  }
  if (begins == Outcome::kTrue && ends == Outcome::kTrue) {
    return ToOutcome(text.size() >= head.size() + tail.size());
  }
  return Outcome::kUnknown;
}

Outcome ContainsText(std::string_view text, std::string_view part) {
  const std::string lower = base::AsciiLower(text);
  const std::string lower_part = base::AsciiLower(part);
  // Unlike std::string::find it is linear, whatever the texts are.
  if (lower_part.empty() || ::memmem(lower.data(), lower.size(), lower_part.data(), lower_part.size()) != nullptr) {
    return Outcome::kTrue;
  }
  return NoUnlessBeyondAscii(text, part);
}

Outcome MatchText(std::string_view text, std::string_view pattern, Case letters) {
  bool sure = true;
  while (!text.empty() && !pattern.empty()) {
    const std::size_t length = CharacterBytes(text);
    const std::size_t pattern_length = CharacterBytes(pattern);
    const std::string_view character = text.substr(0, length);
    const std::string_view expected = pattern.substr(0, pattern_length);
    text.remove_prefix(length);
    pattern.remove_prefix(pattern_length);
    const char one = character.front();
    const char wanted = expected.front();
    const bool beyond = !IsAsciiByte(one) || !IsAsciiByte(wanted);
    bool matches = true;
    if (wanted == '#' || wanted == '?') {
      matches = wanted == '#' ? IsDigit(one) : IsLetter(one);
      sure = sure && !beyond;  // what are digits and letters to Azure
    } else if (wanted != '.' && character != expected) {
      matches = letters == Case::kIgnored && !beyond && Lower(one) == Lower(wanted);
      sure = sure && (letters == Case::kMatters || !beyond);
    }
    if (!matches && (!beyond || (letters == Case::kMatters && wanted != '#' && wanted != '?'))) {
      return Outcome::kFalse;
    }
  }
  if (!text.empty() || !pattern.empty()) {
    return Outcome::kFalse;
  }
  return sure ? Outcome::kTrue : Outcome::kUnknown;
}

}  // namespace policy
