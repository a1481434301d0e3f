#pragma once
// One request and its answer on one connection. Internal to the folder.
#include <boost/asio/ssl/context.hpp>

#include "http_client.h"
#include "http_url.h"

namespace baton::tools {

// Sends a GET for `url` and reads the head of the answer; then `wants_body(head)` says whether the body is read: true, false (the
// connection is dropped, for a redirect), or an error, which is returned. The body goes to `on_body`. Errors are without the URL.
Result<HttpResponse> exchange(const HttpUrl& url, const HttpHeaders& headers, const HttpRequest& request, const HttpOptions& options,
                              boost::asio::ssl::context& tls, const std::function<Result<bool>(const HttpHead&)>& wants_body);

}  // namespace baton::tools
