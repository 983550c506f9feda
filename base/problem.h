// One thing that is wrong with a file that a person wrote. Loaders collect all of them, so that one run shows everything.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace base {

struct Problem {
  std::string file;
  int line = 0;    // from 1; 0 when the problem is of the file as a whole
  int column = 0;  // from 1
  std::string message;

  // "policy.yaml:12:5: message", the form that editors and terminals make a link of.
  std::string ToString() const;
};

using Problems = std::vector<Problem>;

// A value, or every reason why there is none (never an empty list).
template <class T>
using Loaded = tl::expected<T, Problems>;

// One problem a line.
std::string ToString(const Problems& problems);

}  // namespace base
