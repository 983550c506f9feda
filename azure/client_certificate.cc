#include "azure/client_certificate.h"

#include <utility>

#include "azure/client_assertion.h"
#include "base/file.h"

namespace azure {
namespace {

// A chain and a key of the largest size in use are some 15 KB.
constexpr std::size_t kMaxPemBytes = std::size_t{64} << 10;

}  // namespace

Prove ClientCertificate(std::string file, std::string audience, std::string client_id, const base::Clock& clock) {
  return [file = std::move(file), audience = std::move(audience), client_id = std::move(client_id), &clock]() -> base::Result<Proof> {
    const auto pem = base::ReadFile(file, kMaxPemBytes);
    if (!pem) {
      return tl::unexpected(pem.error());
    }
    auto assertion = SignAssertion(*pem, audience, client_id, clock.Now());
    if (!assertion) {
      return base::Fail(assertion.error().code, file + ": " + assertion.error().message, assertion.error().remedy);
    }
    return Proof{Proof::Kind::kAssertion, *std::move(assertion)};
  };
}

}  // namespace azure
