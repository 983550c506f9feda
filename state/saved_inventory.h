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

// When its registries were observed, on average; the epoch without any. Of two inventories the newer is the one of which this is
// later: one that could be read in part alone, and is old for the rest, does not pass for new.
base::Time MeanObserved(const policy::Facts& facts);

// Whether to begin with `a` rather than `b`: a whole one goes before a part, then the newer.
bool IsBetter(const SavedInventory& a, const SavedInventory& b);

// The file's whole text: a header, one registry a line, and a checksum of all that stands before it.
std::string WriteSavedInventory(const policy::Facts& facts, bool complete, base::Time now);

// Reads it back. The verdicts hold only what cannot be judged again: when each requirement was last met. A text that is
// not exactly what WriteSavedInventory wrote (cut, altered, of another version) is an error: facts that may be
// wrong are worse than none. Times later than `now` are not believed.
base::Result<SavedInventory> ReadSavedInventory(std::string_view text, std::string_view source, base::Time now);

}  // namespace state
