#pragma once
// A request and its answer without sockets, for the routes.
#include <baton/agent/hub/run_hub.h>
#include <baton/agent/protocol/api_error.h>

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace baton::agent::api {

// Every route answers with these.
using protocol::ApiError;
using protocol::Parsed;

struct HttpCall {
  std::string method;
  std::string path;                            // decoded, without query
  std::map<std::string, std::string> query;    // decoded; the last of equal names
  std::map<std::string, std::string> headers;  // names in lower case; the last of equal names
  std::string body;
  std::string client;    // the client: "token:.." or "address:.."; not secret
  std::string share;     // RunRequest::share
  std::stop_token left;  // requested when the client leaves before it has its answer, on a thread that may block

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

struct HttpReply {
  // Passes pieces of the body on as they come, on any thread; false: the reader has left, or is too slow. `last`: nothing follows.
  using Out = std::function<bool(std::shared_ptr<const std::string> piece, bool last)>;
  // Begins to pass them on; its result is held as long as the connection wants more.
  using Stream = std::function<std::shared_ptr<void>(Out out)>;

  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Stream stream;    // instead of the body
  std::string log;  // ApiError::log

  // Server-sent events. Proxies must not buffer them.
  static HttpReply of_events(Stream stream) {
    HttpReply reply;
    reply.content_type = "text/event-stream; charset=utf-8";
    reply.headers.emplace_back("Cache-Control", "no-store");
    reply.headers.emplace_back("X-Accel-Buffering", "no");
    reply.stream = std::move(stream);
    return reply;
  }
  static HttpReply of(const Json& json, int status = 200) {
    HttpReply reply;
    reply.status = status;
    reply.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    return reply;
  }
  static HttpReply of(const ApiError& error) {
    HttpReply reply = of(error.json(), error.status);
    reply.log = error.log;
    if (error.status == 429 || error.status == 503 || error.status == 507) reply.headers.emplace_back("Retry-After", "1");
    if (error.status == 415) reply.headers.emplace_back("Accept-Encoding", "gzip, deflate");
    if (error.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }
};

}  // namespace baton::agent::api
