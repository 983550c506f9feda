// What a token endpoint answers: Entra's, IMDS's and that of IDENTITY_ENDPOINT differ in how they write numbers and errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "azure/credential.h"
#include "base/result.h"
#include "base/time.h"

namespace azure {

// Tokens are 1 to 3 KB; those of identities in many groups some 10 KB.
inline constexpr std::size_t kMaxTokenResponseBytes = std::size_t{256} << 10;

// From a 200. `now` is when the request was sent: lifetimes are counted from it. Numbers may be strings; `expires_on` is used
// where there is no `expires_in`, and may be a date. Without `refresh_in` a token is due when half of its life is over: the
// rest is for outages. No error repeats the answer: it holds a token, or half of one.
base::Result<Token> ParseToken(std::string_view body, base::Time now);

// From any other answer.
struct TokenRefusal {
  std::string code;            // "AADSTS7000215", or what else identifies the error; "" when the body is nobody's error
  std::string message;         // printable and bounded, without what is told elsewhere
  std::string correlation_id;  // Entra's, for its sign-in log
};

// `secret` appears in no part of it, also not encoded, whatever the body says.
TokenRefusal ParseRefusal(std::string_view body, std::string_view secret);

}  // namespace azure
