// Patterns over HOST/REPOSITORY of a parsed reference, as source rules and exemptions write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace policy {

// "mcr.microsoft.com/**", "*.azurecr.io/team/*": the host is compared whole, port included, and '*' in it stays within one
// label; in the repository '*' stays within a segment and '**' is any number of whole segments (also none). Immutable.
class ImagePattern {
 public:
  // Refused: no host, a tag or digest, an empty segment, '**' that is not a whole segment, upper case in the repository,
  // and what no reference can match ("docker.io/nginx", which is docker.io/library/nginx).
  // The host is folded as ImageReference::registry is, so "index.docker.io/**" is "docker.io/**".
  static base::Result<ImagePattern> Parse(std::string_view text);

  // `registry` and `repository` as in ImageReference. Polynomial at worst: no pattern backtracks exponentially.
  bool Matches(std::string_view registry, std::string_view repository) const;

  const std::string& text() const { return text_; }
  const std::string& host() const { return host_; }  // folded; may hold '*'

 private:
  std::string text_;
  std::string host_;
  std::vector<std::string> segments_;
};

}  // namespace policy
