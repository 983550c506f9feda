#include "tests/support/image_grammar.h"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace support {
namespace {

// A pattern maps the set of positions at which it may begin to the set of positions at which it may end.
using Positions = std::vector<bool>;
using Pattern = std::function<Positions(std::string_view, const Positions&)>;

Positions Either(Positions a, const Positions& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = a[i] || b[i];
  }
  return a;
}

Pattern OneOf(std::string_view characters) {
  return [characters](std::string_view s, const Positions& from) {
    Positions to(from.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
      to[i + 1] = from[i] && characters.find(s[i]) != std::string_view::npos;
    }
    return to;
  };
}
Pattern Then(std::vector<Pattern> parts) {
  return [parts = std::move(parts)](std::string_view s, const Positions& from) {
    Positions at = from;
    for (const Pattern& part : parts) {
      at = part(s, at);
    }
    return at;
  };
}
Pattern Either(Pattern a, Pattern b) {
  return [a = std::move(a), b = std::move(b)](std::string_view s, const Positions& from) { return Either(a(s, from), b(s, from)); };
}
Pattern Maybe(Pattern a) {
  return [a = std::move(a)](std::string_view s, const Positions& from) { return Either(a(s, from), from); };
}
Pattern Any(Pattern a) {
  return [a = std::move(a)](std::string_view s, const Positions& from) {
    Positions all = from;
    while (true) {
      Positions more = Either(a(s, all), all);
      if (more == all) {
        return all;
      }
      all = std::move(more);
    }
  };
}
Pattern Many(const Pattern& a) { return Then({a, Any(a)}); }

bool Matches(const Pattern& pattern, std::string_view s) {
  Positions begin(s.size() + 1);
  begin[0] = true;
  return pattern(s, begin)[s.size()];
}

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";

struct Grammar {
  // regexp.go, line by line.
  Pattern alphanumeric = Many(Either(OneOf(kLower), OneOf(kDigits)));
  Pattern separator = Either(Either(OneOf("._"), Then({OneOf("_"), OneOf("_")})), Many(OneOf("-")));
  Pattern letter_or_digit = Either(Either(OneOf(kLower), OneOf(kUpper)), OneOf(kDigits));
  Pattern domain_component = Either(letter_or_digit, Then({letter_or_digit, Any(Either(letter_or_digit, OneOf("-"))), letter_or_digit}));
  Pattern domain_name = Then({domain_component, Any(Then({OneOf("."), domain_component}))});
  Pattern ipv6 = Then({OneOf("["), Many(OneOf("abcdefABCDEF0123456789:")), OneOf("]")});
  Pattern domain = Then({Either(domain_name, ipv6), Maybe(Then({OneOf(":"), Many(OneOf(kDigits))}))});
  Pattern path_component = Then({alphanumeric, Any(Then({separator, alphanumeric}))});
  Pattern path = Then({path_component, Any(Then({OneOf("/"), path_component}))});
};

bool IsDigest(std::string_view s) {  // go-digest's Validate
  for (const auto& [name, size] : {std::pair<std::string, std::size_t>{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}}) {
    if (s.size() == name.size() + size && s.starts_with(name) && s.find_first_not_of(kHexDigits, name.size()) == s.npos) {
      return true;
    }
  }
  return false;
}

bool IsTag(const std::string& tag) {
  const std::string word = std::string(kLower) + std::string(kUpper) + std::string(kDigits) + "_";
  return !tag.empty() && tag.size() <= 128 && tag.find_first_not_of(word + ".-") == tag.npos && word.find(tag[0]) != word.npos;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

// normalize.go: ParseNormalizedNamed.
std::optional<policy::ImageReference> ParseByGrammar(const std::string& text) {
  static const Grammar grammar;
  if (text.size() == 64 && text.find_first_not_of(kHexDigits) == text.npos) {
    return std::nullopt;
  }
  std::string domain = "docker.io";
  std::string rest = text;
  const std::size_t slash = text.find('/');
  if (slash == text.npos) {
    rest = "library/" + text;
  } else {
    const std::string first = text.substr(0, slash);
    if (first == "localhost" || first == "index.docker.io" || first.find_first_of(".:") != first.npos ||
        first.find_first_of(kUpper) != first.npos) {
      domain = first == "index.docker.io" ? "docker.io" : first;
      rest = text.substr(slash + 1);
    }
    if (domain == "docker.io" && rest.find('/') == rest.npos) {
      rest = "library/" + rest;
    }
  }
  policy::ImageReference reference;
  if (const std::size_t at = rest.find('@'); at != rest.npos) {
    reference.digest = rest.substr(at + 1);
    if (!IsDigest(reference.digest)) {
      return std::nullopt;
    }
    rest.resize(at);
  }
  if (const std::size_t colon = rest.find(':'); colon != rest.npos) {
    reference.tag = rest.substr(colon + 1);
    if (!IsTag(reference.tag)) {
      return std::nullopt;
    }
    rest.resize(colon);
  }
  if (Matches(grammar.domain, domain) && Matches(grammar.path, rest)) {
    reference.registry = domain;
    reference.repository = rest;
  } else if (Matches(grammar.path, domain + "/" + rest)) {
    reference.repository = domain + "/" + rest;
  } else {
    return std::nullopt;
  }
  return reference.repository.size() > 255 ? std::nullopt : std::optional(reference);
}

std::string FoldByRule(const std::string& host) {
  static const std::set<std::string> docker_hub = {
      "docker.io",      "index.docker.io",         "registry-1.docker.io",     "registry.docker.io",
      "hub.docker.com", "registry.hub.docker.com", "registry.ipv6.docker.com",
  };
  // The name ends with the first ':', an address with its bracket.
  const std::size_t name_end = host.starts_with('[') ? host.find(']') + 1 : std::min(host.find(':'), host.size());
  const std::string name = Lower(host.substr(0, name_end));
  std::string port = host.substr(name_end);
  while (port.size() > 2 && port[1] == '0') {
    port.erase(1, 1);
  }
  if (port == ":443") {
    port.clear();
  }
  return port.empty() && docker_hub.contains(name) ? "docker.io" : name + port;
}

std::string DifferenceFromGrammar(const base::Result<policy::ImageReference>& parsed, const std::string& text) {
  const std::optional<policy::ImageReference> upstream = ParseByGrammar(text);
  static const std::set<std::string> image_ids = {"sha256", "sha384", "sha512", "library/sha256", "library/sha384", "library/sha512"};
  const std::string registry = upstream ? FoldByRule(upstream->registry) : "";
  const bool accepted = upstream && !upstream->registry.empty() && !(registry == "docker.io" && image_ids.contains(upstream->repository));
  if (parsed.has_value() != accepted) {
    return parsed ? "accepted, the grammar refuses it" : "refused, the grammar accepts it: " + parsed.error().message;
  }
  if (!accepted) {
    return "";
  }
  for (const auto& [what, got, wanted] : {std::tuple{"registry", parsed->registry, registry},
                                          {"repository", parsed->repository, upstream->repository},
                                          {"tag", parsed->tag, upstream->tag},
                                          {"digest", parsed->digest, upstream->digest}}) {
    if (got != wanted) {
      return std::string(what) + ": \"" + got + "\", by the grammar \"" + wanted + "\"";
    }
  }
  return "";
}

}  // namespace support
