// What every caller of OpenSSL needs. No header of OpenSSL's is included here.
#pragma once

#include <string>

namespace base {

// OpenSSL's errors wait in a queue of the thread: one that is left there would be taken for the next TLS connection's. The
// queue is empty from here to the end of the scope, and after it.
class OpenSslErrors {
 public:
  [[nodiscard]] OpenSslErrors();
  ~OpenSslErrors();
  OpenSslErrors(const OpenSslErrors&) = delete;
  OpenSslErrors& operator=(const OpenSslErrors&) = delete;
};

// What the thread's oldest error says, for a message. Empties the queue.
std::string TakeOpenSslError();

// A passphrase callback for PEM keys that never asks a terminal, and sets the bool that `asked` points to: the key is encrypted.
int RefusePassphrase(char* buffer, int size, int writing, void* asked);

}  // namespace base
