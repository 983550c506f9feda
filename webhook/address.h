// Addresses to listen on, as the configuration writes them.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"

namespace webhook {

// A socket that listens on "IP:PORT" or "[IPV6]:PORT"; "[::]" takes IPv4 too. Exclusive: a port that is listened on
// already is an error, since two servers that shared one would each get half of the admissions without anybody noticing.
// The error names the address as it was written, and `what` it is for.
base::Result<boost::asio::ip::tcp::acceptor> Listen(boost::asio::io_context& context, std::string_view address, std::string_view what);

// The remote address without port; "" when the client has gone already. IPv4 within IPv6 is written as IPv4.
std::string PeerAddress(const boost::asio::ip::tcp::socket& socket);

}  // namespace webhook
