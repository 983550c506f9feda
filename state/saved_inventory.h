// The saved inventory: what a restart begins with while its source cannot be read. docs/saved-inventory.md is the format.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/registry.h"

namespace state {

struct SavedInventory {
  policy::Facts facts;
  bool complete = true;  // false: the source had not been read whole yet when it was saved
};

// The file's whole text: a header, one registry a line, and a checksum of all that stands before it.
std::string WriteSavedInventory(const policy::Facts& facts, bool complete, base::Time now);

// Reads it back. The verdicts hold only what cannot be judged again: when each requirement was last met. A text that is
// not exactly what WriteSavedInventory wrote (cut, altered, of another version) is an error: facts that may be
// wrong are worse than none. Times later than `now` are not believed.
base::Result<SavedInventory> ReadSavedInventory(std::string_view text, std::string_view source, base::Time now);

}  // namespace state
