#include "cli/environment.h"

#include <cstdlib>

#include "base/text.h"

namespace cli {
namespace {

std::string EitherCase(const base::Environment& environment, const std::string& name) {
  std::string value = environment(name).value_or("");
  return value.empty() ? environment(base::AsciiLower(name)).value_or("") : value;
}

}  // namespace

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
  return value == nullptr ? std::nullopt : std::make_optional<std::string>(value);
}

http::ProxySettings ProxiesOf(const base::Environment& environment) {
  return {.https_proxy = EitherCase(environment, "HTTPS_PROXY"),
          .http_proxy = EitherCase(environment, "HTTP_PROXY"),
          .no_proxy = EitherCase(environment, "NO_PROXY")};
}

}  // namespace cli
