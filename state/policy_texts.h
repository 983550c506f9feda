// What a policy is loaded from, apart from where that came from.
#pragma once

#include <map>
#include <string>

namespace state {

struct PolicyTexts {
  std::string policy;                              // the policy file's
  std::map<std::string, std::string> definitions;  // by file name: "no-anonymous-pull.json"

  bool operator==(const PolicyTexts&) const = default;
};

}  // namespace state
