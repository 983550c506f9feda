// What to do about the errors of Entra that a person can mend.
#pragma once

#include <string>
#include <string_view>

namespace azure {

// `code` is "AADSTS" with the number. A code that is not known gets the page that explains it; "" gets "". Nothing is
// decided by these numbers: Entra may change them.
std::string EntraRemedy(std::string_view code);

}  // namespace azure
