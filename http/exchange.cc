#include "http/exchange.h"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace http {
namespace {

namespace beast = boost::beast;
using Parser = beast::http::response_parser<beast::http::string_body>;

constexpr std::size_t kReadBytes = std::size_t{16} << 10;  // a TLS record's most

tl::unexpected<base::Error> Unavailable(std::string message) { return base::Fail(base::ErrorCode::kUnavailable, std::move(message)); }

tl::unexpected<base::Error> BadAnswer(const beast::error_code& error, std::size_t max_body_bytes) {
  if (error == beast::http::error::body_limit) {
    return Unavailable("reading the answer: its body is larger than " + std::to_string(max_body_bytes) + " bytes");
  }
  if (error == beast::http::error::header_limit) {
    return Unavailable("reading the answer: its head is larger than " + std::to_string(kMaxResponseHeadBytes) + " bytes");
  }
  if (error == beast::http::error::partial_message || error == beast::http::error::end_of_stream) {
    return Unavailable("reading the answer: the peer closed the connection before its end");
  }
  return Unavailable("reading the answer: it is not HTTP/1.1 (" + error.message() + ")");
}

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

bool IsCoded(const Parser& parser) {
  const auto coding = Text(parser.get()[beast::http::field::content_encoding]);
  return !coding.empty() && !base::EqualsIgnoreAsciiCase(coding, "identity");
}

bool GoesToSink(const Parser& parser, const BodyReading& reading) {
  const unsigned status = parser.get().result_int();
  return reading.sink != nullptr && parser.is_header_done() && status >= 200 && status <= 299;
}

// Hands on what has come of the body. False when the sink wants no more.
bool Drain(Parser& parser, const BodyReading& reading) {
  if (!GoesToSink(parser, reading)) {
    return true;
  }
  const std::string piece = std::exchange(parser.get().body(), {});
  return piece.empty() || (*reading.sink)(piece);
}

// Reads one message into `parser`. `pending` holds bytes that were read and not yet taken. Nothing on success, also when the sink has
// ended it: the parser is not done then.
std::optional<base::Error> ReadMessage(Connection& connection, Parser& parser, std::string& pending, const BodyReading& reading,
                                       const base::Until& until, bool& answered) {
  std::array<char, kReadBytes> buffer;
  while (!parser.is_done()) {
    if (!pending.empty()) {
      beast::error_code error;
      pending.erase(0, parser.put(boost::asio::buffer(pending), error));
      if (error && error != beast::http::error::need_more) {
        return BadAnswer(error, reading.max_bytes).value();
      }
      if (parser.is_header_done() && IsCoded(parser)) {
        return Unavailable("reading the answer: its body is compressed, though no compression was offered").value();
      }
      if (!Drain(parser, reading)) {
        return std::nullopt;
      }
      if (parser.get().body().size() > reading.max_bytes) {
        return BadAnswer(beast::http::error::body_limit, reading.max_bytes).value();
      }
      if (!error) {
        continue;
      }
    }
    const auto size = connection.Read(buffer, until);
    if (!size) {
      return size.error();
    }
    if (*size == 0) {
      beast::error_code error;
      if (!parser.got_some()) {
        return Unavailable("reading the answer: the peer closed the connection instead").value();
      }
      parser.put_eof(error);
      return error ? std::optional(BadAnswer(error, reading.max_bytes).value()) : std::nullopt;
    }
    answered = true;
    pending.append(buffer.data(), *size);
  }
  return std::nullopt;
}

Response Take(Parser& parser) {
  auto message = parser.release();
  Response response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    response.headers.emplace_back(Text(field.name_string()), Text(field.value()));
  }
  response.body = std::move(message.body());
  return response;
}

}  // namespace

Exchange Perform(Connection& connection, std::string_view text, const BodyReading& reading, const base::Until& until) {
  Exchange result{Response{}};
  if (const auto written = connection.Write(text, until); !written) {
    result.response = tl::unexpected(written.error());
    return result;
  }
  result.sent_whole = true;

  std::string pending;
  for (int interim = 0; interim <= kMaxInterimResponses; ++interim) {
    Parser parser;
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(kMaxResponseHeadBytes));
    if (reading.sink == nullptr) {
      parser.body_limit(reading.max_bytes);  // refuses by Content-Length already
    } else {
      parser.body_limit(boost::none);
    }
    parser.skip(reading.body == Body::kNone);
    if (auto error = ReadMessage(connection, parser, pending, reading, until, result.answered)) {
      result.response = tl::unexpected(*std::move(error));
      return result;
    }
    const unsigned status = parser.get().result_int();
    if (status == 101) {
      break;
    }
    if (status >= 200) {
      result.reusable = parser.is_done() && parser.get().keep_alive() && !parser.get().need_eof() && pending.empty();
      result.response = Take(parser);
      return result;
    }
  }
  result.response = Unavailable("reading the answer: interim answers, and never the final one");
  return result;
}

}  // namespace http
