// Requests and answers as they go over the wire, for servers of tests.
#pragma once

#include <string>
#include <string_view>

#include "http/client.h"

namespace support {

// Of what Peer::ReadRequest gave: its head is whole.
http::Request ReadHttpRequest(std::string_view text, std::string_view scheme);

std::string WriteHttpResponse(const http::Response& response);

}  // namespace support
