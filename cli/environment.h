// The process's environment, read here and handed on as a function, so that tests have one of their own.
#pragma once

#include <optional>
#include <string>

#include "base/environment.h"
#include "http/proxy.h"

namespace cli {

// Nothing in the process changes the environment, so any thread may ask.
std::optional<std::string> EnvironmentVariable(const std::string& name);

// HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or the same in lower case.
http::ProxySettings ProxiesOf(const base::Environment& environment);

}  // namespace cli
