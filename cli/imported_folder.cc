#include "cli/imported_folder.h"

#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "policy/policy_import.h"
#include "state/definitions_folder.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPolicyBytes = std::size_t{1} << 20;  // as base/yaml.h has it
constexpr std::size_t kMaxListBytes = std::size_t{1} << 20;
constexpr std::string_view kListed = "  definitions/";

// Nothing where there is none.
base::Result<std::optional<std::string>> ReadIfThere(const std::string& path, std::size_t max_bytes) {
  auto content = base::ReadFile(path, max_bytes);
  if (!content && content.error().code == base::ErrorCode::kNotFound) {
    return std::optional<std::string>();
  }
  if (!content) {
    return tl::unexpected(std::move(content.error()));
  }
  return std::optional(*std::move(content));
}

std::string Digest(std::string_view content) { return base::Sha256(content).substr(std::string_view("sha256:").size()); }

// Lines "DIGEST  definitions/NAME".
base::Result<std::map<std::string, std::string>> ReadList(const std::string& path) {
  const auto text = ReadIfThere(path, kMaxListBytes);
  if (!text) {
    return tl::unexpected(text.error());
  }
  std::map<std::string, std::string> made;
  std::string_view rest = *text ? std::string_view(**text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t at = line.find(kListed);
    const std::string_view name = at == std::string_view::npos ? std::string_view() : line.substr(at + kListed.size());
    if (name.empty() || name.find('/') != std::string_view::npos) {
      return base::Fail(base::ErrorCode::kInvalidArgument, path + ": is no list of an import",
                        "restore it, or import into another folder: it tells which files may be removed");
    }
    made[std::string(name)] = line.substr(0, at);
  }
  return made;
}

}  // namespace

base::Result<ImportedFolder> ImportedFolder::Open(std::string folder) {
  ImportedFolder imported(std::move(folder));
  auto made = ReadList(imported.folder_ + "/" + kImportList);
  if (!made) {
    return tl::unexpected(std::move(made.error()));
  }
  imported.made_ = *std::move(made);
  const auto policy = ReadIfThere(imported.policy_file(), kMaxPolicyBytes);
  if (!policy) {
    return tl::unexpected(policy.error());
  }
  if (*policy && !(*policy)->starts_with(std::string(policy::kImportedPolicyHeader) + "\n")) {
    return base::Fail(base::ErrorCode::kInvalidArgument, imported.policy_file() + ": was not written by an import",
                      "move it elsewhere, and give what is to be kept of it with --policy");
  }
  return imported;
}

base::Result<std::map<std::string, base::Result<std::string>>> ImportedFolder::FilesWith(
    const std::map<std::string, std::string>& definitions) const {
  std::map<std::string, base::Result<std::string>> files;
  std::error_code error;
  if (fs::exists(definitions_folder(), error)) {
    state::DefinitionsFolder there(definitions_folder());
    there.Poll();
    if (there.error()) {
      return tl::unexpected(*there.error());
    }
    files = there.files();
  }
  for (const auto& [name, digest] : made_) {
    const auto file = files.find(definitions_folder() + "/" + name);
    if (file != files.end() && (definitions.contains(name) || (file->second && Digest(*file->second) == digest))) {
      files.erase(file);
    }
  }
  for (const auto& [name, text] : definitions) {
    const std::string path = definitions_folder() + "/" + name;
    const auto other = files.find(path);
    if (other != files.end() && other->second != text) {
      return base::Fail(base::ErrorCode::kInvalidArgument, path + ": was not written by an import", "move it, or give it another name");
    }
    files.insert_or_assign(path, text);
  }
  if (files.size() > state::kMaxDefinitionFiles) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      definitions_folder() + ": would hold " + std::to_string(files.size()) + " definition files, more than the " +
                          std::to_string(state::kMaxDefinitionFiles) + " that are read",
                      "import fewer subscriptions");
  }
  return files;
}

base::Result<void> ImportedFolder::WriteList(const std::map<std::string, std::string>& digests) const {
  std::string list;
  for (const auto& [name, digest] : digests) {
    list.append(digest).append(kListed).append(name).append("\n");
  }
  const std::string path = folder_ + "/" + kImportList;
  const auto there = ReadIfThere(path, kMaxListBytes);
  if (there && *there == list) {
    return {};
  }
  return base::WriteFileAtomically(path, list);
}

base::Result<ImportedFolder::Changes> ImportedFolder::Write(const std::map<std::string, std::string>& definitions,
                                                            const std::string& policy) const {
  std::error_code error;
  fs::create_directories(definitions_folder(), error);
  if (error) {
    return base::Fail(base::ErrorCode::kUnavailable, definitions_folder() + ": cannot be made: " + error.message());
  }
  std::map<std::string, std::string> digests;
  for (const auto& [name, text] : definitions) {
    digests[name] = Digest(text);
  }
  // Until all is done the list has both: whatever becomes of this process, no file of ours is taken for another's.
  std::map<std::string, std::string> both = digests;
  both.insert(made_.begin(), made_.end());
  if (auto listed = WriteList(both); !listed) {
    return tl::unexpected(std::move(listed.error()));
  }
  Changes changes;
  for (const auto& [name, text] : definitions) {
    const std::string path = definitions_folder() + "/" + name;
    const auto there = ReadIfThere(path, state::kMaxDefinitionBytes);
    if (there && *there == text) {
      ++changes.unchanged;
      continue;
    }
    ++(there && !*there ? changes.added : changes.changed);
    if (auto written = base::WriteFileAtomically(path, text); !written) {
      return tl::unexpected(std::move(written.error()));
    }
  }
  const auto before = ReadIfThere(policy_file(), kMaxPolicyBytes);
  changes.policy_changed = !before || *before != policy;
  if (changes.policy_changed) {
    if (auto written = base::WriteFileAtomically(policy_file(), policy); !written) {
      return tl::unexpected(std::move(written.error()));
    }
  }
  for (const auto& [name, digest] : made_) {
    const std::string path = definitions_folder() + "/" + name;
    const auto there =
        definitions.contains(name) ? std::optional<std::string>() : ReadIfThere(path, state::kMaxDefinitionBytes).value_or(std::nullopt);
    if (!there) {
      continue;
    }
    if (Digest(*there) != digest) {
      changes.kept.push_back(path);
    } else if (!fs::remove(path, error)) {
      return base::Fail(base::ErrorCode::kUnavailable, path + ": cannot be removed: " + error.message());
    } else {
      ++changes.removed;
    }
  }
  if (auto listed = WriteList(digests); !listed) {
    return tl::unexpected(std::move(listed.error()));
  }
  return changes;
}

}  // namespace cli
