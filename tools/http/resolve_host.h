#pragma once
// A name look-up that can be abandoned. Internal to the folder.
#include <baton/tools/error.h>

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace baton::tools {

// A name's addresses, each in plain text.
using HostResolver = std::function<Result<std::vector<std::string>>(const std::string& host)>;

// The addresses of host:port, in the system's order of preference. Blocks until `deadline` or `stop`: getaddrinfo cannot be interrupted, so
// it runs on a thread of its own, which an abandoned look-up leaves running. `resolver`: used instead of the system unless it is empty.
// Errors: not_found, timeout, cancelled; they do not contain the URL.
Result<std::vector<boost::asio::ip::tcp::endpoint>> resolve_host(const std::string& host, const std::string& port,
                                                                 std::chrono::steady_clock::time_point deadline, std::stop_token stop,
                                                                 const HostResolver& resolver);

}  // namespace baton::tools
