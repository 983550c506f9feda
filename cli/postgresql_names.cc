#include "cli/postgresql_names.h"

#include <memory>

#include "http/resolver.h"

namespace cli {

audit::postgresql::Resolve ResolveNames() {
  return [resolver = std::make_shared<http::Resolver>(http::LookUpSystem)](const std::string& host, const base::Until& until) {
    return resolver->Resolve(host, until);
  };
}

}  // namespace cli
