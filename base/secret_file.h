// Files that hold one secret: a client secret, a federated token.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace base {

// Service account tokens are 1 to 2 KB, secrets 40 bytes.
inline constexpr std::size_t kMaxSecretBytes = std::size_t{16} << 10;

// The file's text without the blanks and line ends around it, which editors and `echo` leave. What is empty, or holds
// anything but visible ASCII, is an error, which names the file and never its content.
Result<std::string> ReadSecretFile(const std::string& path);

}  // namespace base
