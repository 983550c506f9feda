// Answers from one replica's database, by a read-only connection of its own: `serve` may be writing meanwhile.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/result.h"

namespace audit {

// An error when there is no such file, or it holds no audit log; one of an older schema version can be read, more slowly. Where the
// file is replaced later (a damaged one is set aside), the next call reads the new one. Between calls no statement is open, so that
// whoever looks at a page does not keep the write-ahead log from being emptied.
base::Result<std::unique_ptr<Reader>> OpenDatabaseReader(const std::string& path);

// The same, and a call that takes longer than `deadline` ends with an error (kUnavailable). `clock` must outlive the reader.
base::Result<std::unique_ptr<Reader>> OpenDatabaseReader(const std::string& path, std::chrono::milliseconds deadline,
                                                         const base::Clock& clock);

}  // namespace audit
