#include "policy/image_reference.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"

namespace policy {
namespace {

constexpr std::string_view kOfficialPrefix = "library/";
constexpr std::string_view kLocalhost = "localhost";
constexpr std::string_view kDefaultTag = "latest";

constexpr std::size_t kMaxRepositoryLength = 255;  // RepositoryNameTotalLengthMax, of the path without the host
constexpr std::size_t kMaxTagLength = 128;
constexpr std::size_t kIdentifierLength = 64;  // a SHA-256 in hexadecimal
constexpr std::size_t kShownText = 100;        // bytes of the given text that a message repeats

// What go-digest validates: these algorithms alone, lower-case hexadecimal, exact length.
struct DigestAlgorithm {
  std::string_view name;
  std::size_t hex_digits;
};
constexpr std::array<DigestAlgorithm, 3> kDigestAlgorithms = {{{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
constexpr bool IsHex(char c) { return IsLowerHex(c) || (c >= 'A' && c <= 'F'); }
constexpr bool IsPathCharacter(char c) { return IsLower(c) || IsDigit(c); }
constexpr bool IsHostCharacter(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }
constexpr bool IsTagStart(char c) { return IsHostCharacter(c) || c == '_'; }
constexpr bool IsTagCharacter(char c) { return IsTagStart(c) || c == '.' || c == '-'; }

// The length of the longest prefix of `text` that consists of `accept`ed characters.
template <class Accept>
std::size_t SpanOf(std::string_view text, Accept accept) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), accept) - text.begin());
}

// ":[0-9]+" or nothing, to the end.
bool IsOptionalPort(std::string_view text) {
  return text.empty() || (text.size() > 1 && text.front() == ':' && SpanOf(text.substr(1), IsDigit) == text.size() - 1);
}

// host [":" port]: labels of letters, digits and inner '-', or an IPv6 address in brackets.
bool IsDomain(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t address = SpanOf(text.substr(1), [](char c) { return IsHex(c) || c == ':'; });
    return address > 0 && address + 1 < text.size() && text[address + 1] == ']' && IsOptionalPort(text.substr(address + 2));
  }
  bool in_label = false;  // the character before was a letter or digit
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (IsHostCharacter(c)) {
      in_label = true;
    } else if (c == '-' && (in_label || (i > 0 && text[i - 1] == '-'))) {
      in_label = false;
    } else if (c == '.' && in_label) {
      in_label = false;
    } else if (c == ':' && in_label) {
      return IsOptionalPort(text.substr(i));
    } else {
      return false;
    }
  }
  return in_label;
}

// The end of the longest path at the beginning of `text`: components of [a-z0-9] runs, joined by one of '.', '_', "__" or
// any number of '-', separated by '/'. Zero when there is none.
std::size_t PathEnd(std::string_view text) {
  std::size_t end = 0;  // of what is a path so far
  std::size_t at = 0;
  while (true) {
    const std::size_t run = SpanOf(text.substr(at), IsPathCharacter);
    if (run == 0) {
      return end;
    }
    at += run;
    end = at;
    if (at == text.size()) {
      return end;
    }
    switch (text[at]) {
      case '/':
      case '.':
        ++at;
        break;
      case '_':
        at += text.substr(at).starts_with("__") ? 2 : 1;
        break;
      case '-':
        at += SpanOf(text.substr(at), [](char c) { return c == '-'; });
        break;
      default:
        return end;
    }
  }
}

bool IsIdentifier(std::string_view text) { return text.size() == kIdentifierLength && SpanOf(text, IsLowerHex) == text.size(); }

// "sha256" and the like: as a repository of Docker Hub's, what stands behind it is an image ID.
bool IsDigestAlgorithmName(std::string_view repository) {
  if (repository.starts_with(kOfficialPrefix)) {
    repository.remove_prefix(kOfficialPrefix.size());
  }
  return std::any_of(kDigestAlgorithms.begin(), kDigestAlgorithms.end(), [=](const auto& a) { return a.name == repository; });
}

// The four parts of a text, by position only.
struct Parts {
  std::string_view domain;  // "" when none is written
  std::string_view path;
  std::string_view tag;
  std::string_view digest;
};

std::string Shown(std::string_view text) { return "\"" + base::Printable(text, kShownText) + "\""; }

tl::unexpected<base::Error> Refuse(std::string message, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(message), std::move(remedy));
}

// Why the path ends at `at` and should not. Called for texts that are refused already.
tl::unexpected<base::Error> RefusePath(std::string_view text, std::string_view rest, std::size_t at) {
  if (at == 0 && rest.empty()) {
    return Refuse("image " + Shown(text) + " names a registry but no repository", "write HOST/REPOSITORY:TAG");
  }
  if (text.find("://") != std::string_view::npos) {
    return Refuse("image " + Shown(text) + " is a URL", "leave out the scheme: write HOST/REPOSITORY:TAG");
  }
  if (text.find_first_of("${}") != std::string_view::npos) {
    return Refuse("image " + Shown(text) + " holds a variable or template that was not filled in", "write the image's name itself");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; })) {
    return Refuse("image " + Shown(text) + " holds white space", "remove it");
  }
  const std::string_view path = rest.substr(0, rest.find_first_of(":@"));
  if (std::any_of(path.begin(), path.end(), IsUpper)) {
    return Refuse("image " + Shown(text) + ": the repository must be lower-case",
                  "write " + Shown(base::AsciiLower(path)) + " for " + Shown(path));
  }
  const std::string component(rest.substr(at, rest.substr(at).find_first_of("/:@")));
  return Refuse("image " + Shown(text) + " is no image reference: after " + Shown(rest.substr(0, at)) + " stands " +
                    (component.empty() ? "an empty path component or a misplaced separator" : Shown(component)),
                "write HOST/REPOSITORY:TAG; a repository is lower-case letters and digits, joined by single '.', '_', '__' or '-'");
}

// digest := algorithm ":" hex, the whole of `text`.
base::Result<void> CheckDigest(std::string_view whole, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  for (const DigestAlgorithm& algorithm : kDigestAlgorithms) {
    if (algorithm.name == name && colon != std::string_view::npos) {
      const std::string_view hex = text.substr(colon + 1);
      if (hex.size() == algorithm.hex_digits && SpanOf(hex, IsLowerHex) == hex.size()) {
        return {};
      }
      return Refuse("image " + Shown(whole) + ": a " + std::string(name) + " digest is exactly " + std::to_string(algorithm.hex_digits) +
                        " lower-case hexadecimal digits",
                    "copy the digest whole");
    }
  }
  return Refuse("image " + Shown(whole) + ": what follows '@' is no digest", "write @sha256: and 64 lower-case hexadecimal digits");
}

// What follows the path: [":" tag] ["@" digest].
base::Result<void> ScanTagAndDigest(std::string_view whole, std::string_view suffix, Parts& parts) {
  if (suffix.starts_with(':')) {
    suffix.remove_prefix(1);
    const std::size_t length = suffix.empty() || !IsTagStart(suffix.front()) ? 0 : SpanOf(suffix, IsTagCharacter);
    if (length == 0 || length > kMaxTagLength || (length < suffix.size() && suffix[length] != '@')) {
      return Refuse("image " + Shown(whole) + ": what follows ':' is no tag",
                    "a tag is 1 to 128 letters, digits, '_', '.' or '-', and begins with none of the last two");
    }
    parts.tag = suffix.substr(0, length);
    suffix.remove_prefix(length);
  }
  if (!suffix.empty()) {  // begins with '@'
    parts.digest = suffix.substr(1);
    return CheckDigest(whole, parts.digest);
  }
  return {};
}

// Whether the first component of a text with a slash is a host: splitDockerDomain's rule.
bool LooksLikeDomain(std::string_view first) {
  return first == kLocalhost || first.find_first_of(".:") != std::string_view::npos || std::any_of(first.begin(), first.end(), IsUpper);
}

}  // namespace

std::string FoldRegistryHost(std::string_view host) {
  std::string folded = base::AsciiLower(host);
  const std::size_t colon = folded.rfind(':');
  if (colon != std::string::npos && folded.find(']', colon) == std::string::npos) {
    const std::size_t digits = std::min(folded.find_first_not_of('0', colon + 1), folded.size() - 1);
    folded.erase(colon + 1, digits - colon - 1);
    if (std::string_view(folded).substr(colon) == ":443") {
      folded.resize(colon);
    }
  }
  return std::find(kDockerHubHosts.begin(), kDockerHubHosts.end(), folded) == kDockerHubHosts.end() ? folded : std::string(kDockerHub);
}

base::Result<ImageReference> ParseImageReference(std::string_view text) {
  if (text.empty()) {
    return Refuse("no image is named", "write HOST/REPOSITORY:TAG");
  }
  if (IsIdentifier(text)) {
    return Refuse("image " + Shown(text) + " is an image ID, which names no registry",
                  "write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST");
  }

  Parts parts;
  std::string_view rest = text;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && LooksLikeDomain(text.substr(0, slash))) {
    parts.domain = text.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }

  const std::size_t path_end = PathEnd(rest);
  if (path_end == 0 || (path_end < rest.size() && rest[path_end] != ':' && rest[path_end] != '@')) {
    return RefusePath(text, rest, path_end);
  }
  parts.path = rest.substr(0, path_end);
  if (const base::Result<void> scanned = ScanTagAndDigest(text, rest.substr(path_end), parts); !scanned) {
    return tl::unexpected(scanned.error());
  }
  if (!parts.domain.empty() && !IsDomain(parts.domain)) {
    return Refuse("image " + Shown(text) + ": " + Shown(parts.domain) + " is no registry host",
                  parts.domain.find('_') != std::string_view::npos ? "a host has no '_'; write the registry's real name"
                                                                   : "write HOST/REPOSITORY:TAG");
  }

  const bool docker_hub = parts.domain.empty() || parts.domain == kDockerHub || parts.domain == kDockerHubLegacy;
  const bool official = docker_hub && parts.path.find('/') == std::string_view::npos;
  if (parts.path.size() + (official ? kOfficialPrefix.size() : 0) > kMaxRepositoryLength) {
    return Refuse("image " + Shown(text) + ": the repository is longer than " + std::to_string(kMaxRepositoryLength) + " characters",
                  "shorten it");
  }

  ImageReference reference;
  reference.registry = docker_hub ? std::string(kDockerHub) : FoldRegistryHost(parts.domain);
  if (official) {
    reference.repository = kOfficialPrefix;
  }
  reference.repository += parts.path;
  reference.tag = parts.tag;
  reference.digest = parts.digest;
  if (reference.registry == kDockerHub && IsDigestAlgorithmName(reference.repository)) {
    return Refuse("image " + Shown(text) + " is an image ID, which stands for any image that the node holds",
                  "write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST");
  }
  return reference;
}

std::string ImageReference::Canonical() const {
  const std::string_view suffix = !digest.empty() ? std::string_view(digest) : !tag.empty() ? std::string_view(tag) : kDefaultTag;
  std::string canonical;
  canonical.reserve(registry.size() + repository.size() + suffix.size() + 2);
  canonical.append(registry).append(1, '/').append(repository).append(1, digest.empty() ? ':' : '@').append(suffix);
  return canonical;
}

}  // namespace policy
