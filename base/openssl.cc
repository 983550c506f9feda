#include "base/openssl.h"

#include <openssl/err.h>

#include <array>

namespace base {

OpenSslErrors::OpenSslErrors() { ERR_clear_error(); }
OpenSslErrors::~OpenSslErrors() { ERR_clear_error(); }

std::string TakeOpenSslError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

int RefusePassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace base
