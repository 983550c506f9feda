// Reads AdmissionReviews. A target of its own, without Asio, so that it can be fuzzed and used by `check`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "policy/admission.h"

namespace webhook {

// Bytes that must be allocated (not necessarily set) behind a body: simdjson reads past the end.
inline constexpr std::size_t kBodyPadding = 64;

// One for each thread: it keeps its parser's memory between calls (given back when a body was unusually large).
class ReviewDecoder {
 public:
  ReviewDecoder();
  ~ReviewDecoder();

  // The admission, whose views point into the decoder and are valid until its next Decode or Release. An error
  // (kInvalidArgument) when the text is no AdmissionReview that can be answered: not JSON, not UTF-8, duplicate keys on the
  // path that is read before the uid is known, no request or uid. Whatever is wrong after that is Admission::problem, which
  // is denied. `body.capacity()` is grown when it lacks padding: reserve it, lest a large body be copied.
  base::Result<policy::Admission> Decode(std::string& body);

  // Gives the memory of an unusually large body back now, rather than at the next Decode: up to 14 times the body's size.
  // Costs nothing after a usual one.
  void Release();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace webhook
