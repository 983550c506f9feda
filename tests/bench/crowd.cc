// Clients that are in the way of others: idle ones and slow ones. It costs their own core as little as it can, since the clients whose
// latency is measured share it.
//   crowd PORT IDLE SLOW BODY
// Each idle connection has had one answer and asks nothing more. Each slow one sends a request a byte a second, and comes back at once when
// the server has closed it; the slow ones arrive evenly over five seconds. Prints "there" when all of them are; when its standard input
// ends, how many idle connections are still open, and how often a slow one has come back since.
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using Stream = asio::ssl::stream<tcp::socket>;

constexpr std::chrono::seconds kArriveWithin{5};
constexpr std::chrono::seconds kBetweenBytes{1};

struct Crowd {
  asio::io_context context{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  tcp::endpoint server;
  std::string request;
  std::vector<std::unique_ptr<Stream>> idle;
  std::size_t arrivals = 0;  // of slow ones
};

asio::awaitable<void> Connect(const Crowd& crowd, Stream& stream) {
  co_await stream.lowest_layer().async_connect(crowd.server, use_awaitable);
  stream.lowest_layer().set_option(tcp::no_delay(true));
  co_await stream.async_handshake(Stream::client, use_awaitable);
}

asio::awaitable<void> Wait(std::chrono::steady_clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_awaitable);
}

asio::awaitable<void> BecomeIdle(Crowd& crowd) {
  auto& stream = *crowd.idle.emplace_back(std::make_unique<Stream>(crowd.context, crowd.tls));
  co_await Connect(crowd, stream);
  co_await asio::async_write(stream, asio::buffer(crowd.request), use_awaitable);
  asio::streambuf answer;
  co_await asio::async_read_until(stream, answer, "}}", use_awaitable);
}

asio::awaitable<void> Drip(const std::string& text, Stream& stream) {
  for (const char& byte : text) {
    co_await asio::async_write(stream, asio::buffer(&byte, 1), use_awaitable);
    co_await Wait(kBetweenBytes);
  }
}

asio::awaitable<void> UntilClosed(Stream& stream) {
  std::array<char, 1024> ignored;
  try {
    for (;;) {
      co_await stream.async_read_some(asio::buffer(ignored), use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    // by the server
  }
}

asio::awaitable<void> BeSlow(Crowd& crowd) {
  using asio::experimental::awaitable_operators::operator||;
  for (;;) {
    Stream stream(crowd.context, crowd.tls);
    try {
      co_await Connect(crowd, stream);
      ++crowd.arrivals;
      co_await (Drip(crowd.request, stream) || UntilClosed(stream));
    } catch (const boost::system::system_error&) {
      // closed before its time
    }
  }
}

std::size_t StillOpen(Crowd& crowd) {
  std::size_t open = 0;
  for (const auto& stream : crowd.idle) {
    auto& socket = stream->next_layer();
    socket.non_blocking(true);
    char byte = 0;
    boost::system::error_code error;
    socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    open += !error || error == asio::error::would_block ? 1 : 0;
  }
  return open;
}

asio::awaitable<void> Run(Crowd& crowd, std::size_t idle, std::size_t slow) {
  for (std::size_t i = 0; i < idle; ++i) {
    co_await BecomeIdle(crowd);
  }
  for (std::size_t i = 0; i < slow; ++i) {
    asio::co_spawn(crowd.context, BeSlow(crowd), asio::detached);
    co_await Wait(std::chrono::nanoseconds(kArriveWithin) / slow);
  }
  std::cout << "there" << std::endl;
  const std::size_t before = crowd.arrivals;
  asio::posix::stream_descriptor input(crowd.context, STDIN_FILENO);
  asio::streambuf ignored;
  try {
    co_await asio::async_read_until(input, ignored, '\0', use_awaitable);
  } catch (const boost::system::system_error&) {
    // its end
  }
  std::cout << StillOpen(crowd) << ' ' << crowd.arrivals - before << std::endl;
  crowd.context.stop();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: crowd PORT IDLE SLOW BODY\n";
    return EXIT_FAILURE;
  }
  Crowd crowd;
  crowd.server = {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10))};
  std::ifstream file(argv[4], std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  crowd.request = "POST /validate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body;
  std::exception_ptr trouble;
  asio::co_spawn(crowd.context, Run(crowd, std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10)),
                 [&](const std::exception_ptr& error) {
                   trouble = error;
                   crowd.context.stop();
                 });
  crowd.context.run();
  try {
    if (trouble) {
      std::rethrow_exception(trouble);
    }
  } catch (const std::exception& error) {
    std::cerr << "crowd: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
