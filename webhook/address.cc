#include "webhook/address.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include <boost/asio/ip/v6_only.hpp>

#include "webhook/limits.h"

namespace webhook {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::optional<tcp::endpoint> ParseEndpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) {
    return std::nullopt;
  }
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(std::string(host), ec);
  if (ec || address.is_v6() != brackets) {
    return std::nullopt;
  }
  return tcp::endpoint(address, port);
}

}  // namespace

base::Result<tcp::acceptor> Listen(asio::io_context& context, std::string_view address, std::string_view what) {
  const auto endpoint = ParseEndpoint(address);
  if (!endpoint) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      std::string(what) + ": \"" + std::string(address) + "\" is no address to listen on",
                      "write an IP address and a port: 0.0.0.0:8443 or [::]:8443");
  }
  tcp::acceptor acceptor(context);
  boost::system::error_code error;
  acceptor.open(endpoint->protocol(), error);
  if (!error && endpoint->protocol() == tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) {
    // Not to wait for the connections of a server that has ended; never SO_REUSEPORT, which shares the port.
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  }
  if (!error) {
    acceptor.bind(*endpoint, error);
  }
  if (!error) {
    acceptor.listen(kBacklog, error);
  }
  if (error) {
    return base::Fail(base::ErrorCode::kUnavailable,
                      std::string(what) + ": cannot listen on " + std::string(address) + ": " + error.message(),
                      error == asio::error::address_in_use ? "end the process that listens there, or choose another port" : "");
  }
  return acceptor;
}

std::string PeerAddress(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) {
    return {};
  }
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace webhook
