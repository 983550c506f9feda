#include "base/problem.h"

namespace base {

std::string Problem::ToString() const {
  std::string text = file;
  if (line > 0) {
    text += ':' + std::to_string(line) + ':' + std::to_string(column);
  }
  return text + ": " + message;
}

std::string ToString(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) {
      text += '\n';
    }
    text += problem.ToString();
  }
  return text;
}

}  // namespace base
