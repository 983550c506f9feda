// Texts that are kept where there is little room: one Zstandard frame (RFC 8878) that declares its size.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace state {

// Nothing when that takes more than `max_bytes`, which is also all that is allocated for it.
base::Result<std::optional<std::string>> CompressZstd(std::string_view text, std::size_t max_bytes);

// `bytes` is exactly one frame, whose content is at most `max_bytes`: what it declares is checked before anything is allocated. An
// error begins with `source`.
base::Result<std::string> DecompressZstd(std::string_view bytes, std::string_view source, std::size_t max_bytes);

}  // namespace state
