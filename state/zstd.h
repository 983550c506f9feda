// Texts that are kept where there is little room: one Zstandard frame (RFC 8878) that declares its size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace state {

base::Result<std::string> CompressZstd(std::string_view text);

// `bytes` is exactly one frame, whose content is at most `max_bytes`: what it declares is checked before anything is allocated. An
// error begins with `source`.
base::Result<std::string> DecompressZstd(std::string_view bytes, std::string_view source, std::size_t max_bytes);

}  // namespace state
