#include "state/definitions_folder.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace state {
namespace {

namespace fs = std::filesystem;

base::Result<std::set<std::string>> List(const std::string& folder) {
  std::set<std::string> paths;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    if (path.extension() != ".json" || path.filename().string().starts_with('.')) {
      continue;
    }
    if (paths.size() == kMaxDefinitionFiles) {
      return base::Fail(base::ErrorCode::kInvalidArgument,
                        folder + ": more than " + std::to_string(kMaxDefinitionFiles) + " definition files",
                        "name a folder that holds only definitions");
    }
    paths.insert(path.string());
  }
  if (error) {
    return base::Fail(base::ErrorCode::kUnavailable, folder + ": cannot be listed: " + error.message());
  }
  return paths;
}

}  // namespace

bool DefinitionsFolder::Poll() {
  bool changed = std::exchange(first_, false);
  if (folder_.empty()) {
    return changed;
  }
  auto paths = List(folder_);
  if (!paths) {
    changed = changed || !error_ || error_->message != paths.error().message;
    error_ = std::move(paths.error());
    watched_.clear();
    contents_.clear();
    return changed;
  }
  changed = changed || error_.has_value();
  error_.reset();
  const auto gone = [&paths](const auto& known) { return !paths->contains(known.first); };
  changed = std::erase_if(watched_, gone) > 0 || changed;
  std::erase_if(contents_, gone);
  for (const std::string& path : *paths) {
    auto& file = watched_.try_emplace(path, path, kMaxDefinitionBytes).first->second;
    if (auto change = file.Poll()) {
      contents_.insert_or_assign(path, std::move(change->content));
      changed = true;
    }
  }
  return changed;
}

}  // namespace state
