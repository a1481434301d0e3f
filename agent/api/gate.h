#pragma once
// Admits requests: one check before routing, including the upgrade to a WebSocket. A request that some page has made a browser send is
// recognised by its Origin, or by a foreign Host (DNS rebinding); both are refused whatever else is right.
#include <baton/agent/protocol/api_error.h>

#include <optional>
#include <string>
#include <vector>

#include "config.h"

namespace baton::agent::api {

struct GateRequest {
  std::string method;
  std::string path;
  std::vector<std::string> host;    // all Host headers
  std::vector<std::string> origin;  // all Origin headers
  std::string authorization;        // "Bearer ..."; empty: none
  std::string protocols;            // Sec-WebSocket-Protocol: browsers cannot send the header above: "baton, bearer.TOKEN"
};

struct Admission {
  std::string cors_origin;  // the value of Access-Control-Allow-Origin in the answer; empty: no such header
  std::string client;       // the owner of the token: "token:" and the beginning of its hash; empty: no token
};

class Gate {
 public:
  // `port`: the port on which the server really listens.
  Gate(const ServerConfig& config, unsigned short port);

  protocol::Parsed<Admission> admit(const GateRequest& request) const;
  // Also if admit() refuses: a named page may read the reason.
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

// The reason why this configuration must not listen; nothing: it may.
std::optional<std::string> refused_configuration(const ServerConfig& config);

}  // namespace baton::agent::api
