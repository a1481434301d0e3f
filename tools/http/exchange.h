#pragma once
// One request and its response on one connection. Internal to the folder.
#include <boost/asio/ssl/context.hpp>

#include "http_client.h"
#include "http_url.h"

namespace baton::tools {

// One request in a chain of redirects.
struct HttpHop {
  using Clock = std::chrono::steady_clock;
  HttpUrl url;
  HttpMethod method;
  HttpHeaders headers;
  std::string body;
  Clock::time_point deadline;  // of the whole chain
};

struct HttpReceiver {
  std::stop_token stop;
  std::uint64_t max_body_bytes;
  // Called after the head was read. True: read the body; false: drop the connection (a redirect); an error is returned. It may change the
  // head that the response will contain.
  std::function<Result<bool>(HttpHead&)> wants_body;
  std::function<Result<void>(std::string_view)> on_body;  // called with each piece, as it was sent
};

Error body_too_large(std::uint64_t max_bytes);

// The response has no body, because on_body took it. Errors do not contain the URL.
Result<HttpResponse> exchange(const HttpHop& hop, const HttpReceiver& receiver, const HttpOptions& options, boost::asio::ssl::context& tls);

}  // namespace baton::tools
