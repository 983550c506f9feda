// Holds the decoder, which is quick, against the reference decoder, which is plain: on no body may they disagree.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"
#include "tests/support/compare_reviews.h"
#include "webhook/review_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  webhook::ReviewDecoder decoder;
  std::string body(text);
  const auto decoded = decoder.Decode(body);
  const std::string difference = support::DifferenceFromReference(decoded, text);
  fuzz::Require(difference.empty(), difference);
  return 0;
}
