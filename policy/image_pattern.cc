#include "policy/image_pattern.h"

#include <algorithm>
#include <cstddef>

#include "base/text.h"
#include "policy/image_reference.h"

namespace policy {
namespace {

constexpr std::string_view kAnySegments = "**";
constexpr std::size_t kShownText = 200;  // bytes of the pattern that a message repeats

constexpr bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// Takes the part before the next '/' (or all) off the front of `text`.
std::string_view TakeSegment(std::string_view& text) {
  const std::size_t end = std::min(text.find('/'), text.size());
  const std::string_view segment = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return segment;
}

// '*' is any run of characters. Only the last star is ever tried again: what earlier ones took can stay as short as it is.
bool GlobMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken_to = 0;  // the end of what the last star took
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken_to = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// Label by label; the separators ('.', and ':' before a port) must be the same.
bool HostMatches(std::string_view pattern, std::string_view host) {
  if (pattern.find('*') == std::string_view::npos) {
    return pattern == host;
  }
  while (true) {
    const std::size_t pattern_end = std::min(pattern.find_first_of(".:"), pattern.size());
    const std::size_t host_end = std::min(host.find_first_of(".:"), host.size());
    if (!GlobMatches(pattern.substr(0, pattern_end), host.substr(0, host_end))) {
      return false;
    }
    if (pattern_end == pattern.size() || host_end == host.size()) {
      return pattern_end == pattern.size() && host_end == host.size();
    }
    if (pattern[pattern_end] != host[host_end]) {
      return false;
    }
    pattern.remove_prefix(pattern_end + 1);
    host.remove_prefix(host_end + 1);
  }
}

// As GlobMatches, with segments for characters and '**' for the star.
bool SegmentsMatch(const std::vector<std::string>& segments, std::string_view repository) {
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::string_view after_star;  // what is left behind the segments that the last '**' took
  while (!repository.empty()) {
    std::string_view rest = repository;
    const std::string_view segment = TakeSegment(rest);
    if (p < segments.size() && segments[p] == kAnySegments) {
      star = p++;
      after_star = repository;
    } else if (p < segments.size() && GlobMatches(segments[p], segment)) {
      ++p;
      repository = rest;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      TakeSegment(after_star);
      repository = after_star;
    } else {
      return false;
    }
  }
  return std::all_of(segments.begin() + static_cast<std::ptrdiff_t>(p), segments.end(), [](const auto& s) { return s == kAnySegments; });
}

tl::unexpected<base::Error> Refuse(std::string_view text, std::string_view why, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kInvalidArgument, "image pattern \"" + base::Printable(text, kShownText) + "\" " + std::string(why),
                    std::move(remedy));
}

// A host pattern is a host by the reference grammar whose labels may hold '*'. The stars stand for letters here, and for
// digits in the port, so that the parser of references judges the rest.
bool IsHostPattern(std::string_view host) {
  std::string sample(host);
  const std::size_t colon = sample.rfind(':');
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (sample[i] == '*') {
      sample[i] = colon != std::string::npos && i > colon ? '1' : 'a';
    }
  }
  return !(host.starts_with('[') && host.find('*') < host.find(']')) && ParseImageReference(sample + "/a").has_value();
}

bool IsSegmentPattern(std::string_view segment) {
  return segment == kAnySegments || (!segment.empty() && segment.find(kAnySegments) == std::string_view::npos &&
                                     std::all_of(segment.begin(), segment.end(),
                                                 [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-' || c == '*'; }));
}

}  // namespace

base::Result<ImagePattern> ImagePattern::Parse(std::string_view text) {
  const std::string shown = base::Printable(text, kShownText);
  if (text.find("://") != std::string_view::npos) {
    return Refuse(text, "is a URL", "leave out the scheme: write HOST/REPOSITORY");
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return Refuse(text, "has no repository", "write HOST/REPOSITORY; \"" + shown + "/**\" is every repository of a host");
  }
  const std::string_view host = text.substr(0, slash);
  const std::string_view repository = text.substr(slash + 1);
  if (host != "localhost" && host.find_first_of(".:") == std::string_view::npos && std::none_of(host.begin(), host.end(), IsUpper)) {
    return Refuse(text, "has no host", "write HOST/REPOSITORY, \"docker.io/" + shown + "\" for a repository of Docker Hub's");
  }
  if (host.find(kAnySegments) != std::string_view::npos) {
    return Refuse(text, "has '**' in its host", "'*' in a host stays within one label; write as many as the host has labels");
  }
  if (!IsHostPattern(host)) {
    return Refuse(text, "begins with no registry host", "write HOST/REPOSITORY, as in \"mcr.microsoft.com/**\"");
  }
  if (repository.find_first_of(":@") != std::string_view::npos) {
    return Refuse(text, "holds a tag or digest", "leave it out: sources are judged by host and repository");
  }
  if (std::any_of(repository.begin(), repository.end(), IsUpper)) {
    return Refuse(text, "has upper case in its repository", "write it in lower case, as every reference is");
  }

  ImagePattern pattern;
  pattern.text_ = text;
  pattern.host_ = FoldRegistryHost(host);
  std::string_view rest = repository;
  do {
    const bool last = rest.find('/') == std::string_view::npos;
    const std::string_view segment = TakeSegment(rest);
    if (!IsSegmentPattern(segment)) {
      return Refuse(text, segment.empty() ? "has an empty segment" : "has the segment \"" + base::Printable(segment, kShownText) + "\"",
                    "a segment is \"**\", or letters, digits, '.', '_', '-' and single '*'");
    }
    pattern.segments_.emplace_back(segment);
    if (!last && rest.empty()) {
      return Refuse(text, "ends with '/'", "write \"" + shown + "**\" for everything below");
    }
  } while (!rest.empty());

  if (host.find('*') != std::string_view::npos && !HostMatches(pattern.host_, kDockerHub) &&
      std::any_of(kDockerHubHosts.begin(), kDockerHubHosts.end(), [&](std::string_view hub) { return HostMatches(pattern.host_, hub); })) {
    return Refuse(text, "means hosts of Docker Hub, all of which are docker.io here", "write \"docker.io/**\"");
  }
  if (pattern.host_ == kDockerHub && pattern.segments_.size() == 1 && pattern.segments_.front() != kAnySegments) {
    return Refuse(text, "matches nothing: short names of Docker Hub's are under library/",
                  "write \"docker.io/library/" + pattern.segments_.front() + "\"");
  }
  return pattern;
}

bool ImagePattern::Matches(std::string_view registry, std::string_view repository) const {
  return HostMatches(host_, registry) && SegmentsMatch(segments_, repository);
}

}  // namespace policy
