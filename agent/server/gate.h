#pragma once
// Who may come in. One check before routing, the upgrade to a WebSocket included. A browser that some page has talked into visiting us
// shows by its Origin, or by a Host that is not ours (DNS rebinding); both are refused whatever else is right.
#include <optional>
#include <string>
#include <vector>

#include "api_error.h"
#include "config.h"

namespace baton::agent::server {

struct GateRequest {
  std::string method;
  std::string path;
  std::vector<std::string> host;    // all Host headers
  std::vector<std::string> origin;  // all Origin headers
  std::string authorization;        // "Bearer ..."; empty: none
  std::string protocols;            // Sec-WebSocket-Protocol: browsers cannot send the header above: "baton, bearer.TOKEN"
};

struct Admission {
  std::string cors_origin;  // to be answered as Access-Control-Allow-Origin; empty: no such header
  std::string client;       // whose token it was: "token:" and the beginning of its hash; empty: of nobody's
};

class Gate {
 public:
  // `port`: the one really listened on.
  Gate(const ServerConfig& config, unsigned short port);

  Parsed<Admission> admit(const GateRequest& request) const;
  // Also where admit() refuses: a page that is named may read why.
  std::string cors_origin(const GateRequest& request) const;

 private:
  bool origin_is_ours(const GateRequest& request) const;
  bool origin_is_named(const GateRequest& request) const;
  bool host_is_ours(const std::string& host) const;
  bool token_is_right(const GateRequest& request) const;

  std::vector<std::string> hosts_;  // lower case, with port
  std::vector<std::string> origins_;
  std::string token_;
  std::string token_name_;  // Admission::client
  bool tls_;
};

// Why this configuration must not listen; nothing: it may.
std::optional<std::string> refused_configuration(const ServerConfig& config);

}  // namespace baton::agent::server
