#include "audit/open_for_reading.h"

#include <sys/stat.h>

#include <utility>

#include "audit/schema.h"

namespace audit {
namespace {

// A checkpoint that begins the log anew makes readers wait for a moment.
constexpr std::chrono::milliseconds kBusyWait{2000};

}  // namespace

base::Result<sqlite::Connection> OpenForReading(const std::string& path, Versions versions) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    return base::Fail(base::ErrorCode::kNotFound, "audit database " + path + ": there is no such file",
                      "name it with --database, or with --config the file that serve runs with");
  }
  if (!S_ISREG(status.st_mode)) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "audit database " + path + ": is no regular file", "name the database itself");
  }
  auto connection = sqlite::Connection::Open(path, sqlite::Connection::Mode::kReadOnly, kBusyWait);
  if (!connection) {
    return tl::unexpected<base::Error>(connection.error());
  }
  const auto content = ReadContent(*connection);
  if (!content) {
    return tl::unexpected<base::Error>(content.error());
  }
  const bool older = content->kind == Content::Kind::kOlderVersion;
  if (content->kind != Content::Kind::kAuditLog && !(older && versions == Versions::kAll)) {
    return tl::unexpected(RefusalOf(*content, path));
  }
  return std::move(*connection);
}

}  // namespace audit
