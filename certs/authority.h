// Makes X.509: certificate authorities of our own, and leaves of theirs that an API server takes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "certs/x509.h"

namespace certs {

// What we make is valid from this long before it was made: clocks differ.
inline constexpr std::chrono::hours kBackdate{1};

// A certificate authority and its key.
struct Authority {
  Certificate certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::string key_pem;  // secret
};

// A key pair of its own (P-256), a name of its own: verifiers that find an issuer by name must find the right one of two.
base::Result<Authority> MakeAuthority(base::Time now, std::chrono::microseconds validity);

// Refused: what is no authority, or another's key.
base::Result<Authority> ReadAuthority(const std::string& certificate_pem, const std::string& key_pem);

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;  // secret
};

// A serving certificate for DNS names, of which there must be one. It never outlives the authority.
base::Result<KeyPair> IssueLeaf(const Authority& authority, const std::vector<std::string>& names, base::Time now,
                                std::chrono::microseconds validity);

// One is renewed at least this long before its end: two looks of every replica at the Secret, and some seconds.
inline constexpr std::chrono::seconds kRenewalMargin{25};

// Two thirds of the way from when a certificate of ours was made to its end, and kRenewalMargin before it.
base::Time RenewalOf(base::Time not_before, base::Time not_after);

}  // namespace certs
