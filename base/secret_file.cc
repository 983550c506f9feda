#include "base/secret_file.h"

#include <algorithm>

#include "base/file.h"

namespace base {

Result<std::string> ReadSecretFile(const std::string& path) {
  auto content = ReadFile(path, kMaxSecretBytes);
  if (!content) {
    return content;
  }
  constexpr std::string_view kAround = " \t\r\n";
  const std::size_t begin = content->find_first_not_of(kAround);
  if (begin == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, path + " is empty", "write what belongs there into it");
  }
  std::string text = content->substr(begin, content->find_last_not_of(kAround) + 1 - begin);
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    return Fail(ErrorCode::kInvalidArgument, path + " holds blanks, line ends or what is not ASCII", "write nothing else into the file");
  }
  return text;
}

}  // namespace base
