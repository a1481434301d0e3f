#include "resolve_host.h"

#include <netdb.h>

#include <charconv>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace baton::tools {
namespace {

using boost::asio::ip::tcp;

struct LookUp {
  std::mutex mutex;  // guards all below
  std::condition_variable_any ended;
  bool done = false;
  std::string error;
  std::vector<tcp::endpoint> endpoints;
};

void look_up(const std::shared_ptr<LookUp>& state, const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int rc = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  const std::lock_guard lock(state->mutex);
  state->done = true;
  state->ended.notify_all();
  if (rc != 0) {
    state->error = gai_strerror(rc);
    return;
  }
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    tcp::endpoint endpoint;
    if (a->ai_addrlen > endpoint.capacity()) continue;
    endpoint.resize(a->ai_addrlen);
    std::memcpy(endpoint.data(), a->ai_addr, a->ai_addrlen);
    state->endpoints.push_back(endpoint);
  }
  freeaddrinfo(list);
}

}  // namespace

Result<std::vector<tcp::endpoint>> resolve_host(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline, std::stop_token stop,
                                                const HostResolver& resolver) {
  boost::system::error_code not_an_address;
  unsigned short number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  if (const auto address = boost::asio::ip::make_address(host, not_an_address); !not_an_address) {
    return std::vector{tcp::endpoint(address, number)};
  }
  if (resolver) {
    const Result<std::vector<std::string>> texts = resolver(host);
    if (!texts) return texts.error();
    std::vector<tcp::endpoint> endpoints;
    for (const std::string& text : *texts) endpoints.emplace_back(boost::asio::ip::make_address(text), number);
    return endpoints;
  }
  const auto state = std::make_shared<LookUp>();
  try {
    std::thread(look_up, state, host, port).detach();
  } catch (const std::system_error& e) {
    return Error{errc::network, std::string("no thread to look up the host: ") + e.what()};
  }
  std::unique_lock lock(state->mutex);
  state->ended.wait_until(lock, stop, deadline, [&] { return state->done; });
  if (stop.stop_requested()) return Error{errc::cancelled, "cancelled"};
  if (!state->done) return Error{errc::timeout, "looking up the host '" + host + "' took too long"};
  if (!state->error.empty() || state->endpoints.empty()) {
    return Error{errc::not_found, "the host '" + host + "' has no address: " + (state->error.empty() ? "none known" : state->error)};
  }
  return state->endpoints;
}

}  // namespace baton::tools
