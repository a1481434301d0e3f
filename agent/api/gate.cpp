#include "gate.h"

#include <baton/tools/text.h>
#include <openssl/sha.h>

#include <algorithm>
#include <string_view>

namespace baton::agent::api {
namespace {

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address == "[::1]" || address.rfind("127.", 0) == 0;
}

bool has_port(const std::string& host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  return colon != std::string::npos && (bracket == std::string::npos ? host.find(':') == colon : colon > bracket);
}

// Takes the same time wherever the texts differ.
bool equal(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  return difference == 0;
}

// True for public paths: they contain nothing of the user.
bool is_open(const GateRequest& request) {
  return (request.method == "GET" || request.method == "HEAD") &&
         (request.path == "/" || request.path == "/healthz" || request.path.rfind("/console/", 0) == 0);
}

std::string name_of_token(const std::string& token) {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash);
  std::string name = "token:";
  for (int i = 0; i < 8; ++i) name += {kDigits[hash[i] >> 4], kDigits[hash[i] & 15]};
  return name;
}

protocol::ApiError refused(int status, std::string code, std::string message) {
  return {status, status == 401 ? "authentication_error" : "permission_error", std::move(code), std::move(message), ""};
}

}  // namespace

std::optional<std::string> refused_configuration(const ServerConfig& config) {
  if (config.token.empty() && !is_loopback(config.address))
    return "address " + config.address +
           " can be reached from other machines, and no token is set: set one (--token-file), or listen on 127.0.0.1";
  if (!config.token.empty() && config.token.size() < 16)
    return "the token has " + std::to_string(config.token.size()) + " characters; use at least 16, for example from `openssl rand -hex 32`";
  if (config.tls_certificate.empty() != config.tls_key.empty())
    return "TLS needs both a certificate and its key (--tls-certificate, --tls-key)";
  return std::nullopt;
}

Gate::Gate(const ServerConfig& config, unsigned short port)
    : origins_(config.allowed_origins), token_(config.token), tls_(!config.tls_certificate.empty()) {
  if (!token_.empty()) token_name_ = name_of_token(token_);
  const std::string digits = std::to_string(port);
  for (const char* name : {"localhost", "127.0.0.1", "[::1]"}) hosts_.push_back(std::string(name) + ":" + digits);
  for (const std::string& host : config.allowed_hosts) hosts_.push_back(tools::ascii_lower(has_port(host) ? host : host + ":" + digits));
}

bool Gate::host_is_ours(const std::string& host) const {
  const std::string full = tools::ascii_lower(has_port(host) ? host : host + (tls_ ? ":443" : ":80"));
  return std::find(hosts_.begin(), hosts_.end(), full) != hosts_.end();
}

bool Gate::token_is_right(const GateRequest& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (request.authorization.rfind(kBearer, 0) == 0) return equal(std::string_view(request.authorization).substr(kBearer.size()), token_);
  constexpr std::string_view kProtocol = "bearer.";
  std::size_t begin = 0;
  while (begin < request.protocols.size()) {
    std::size_t end = request.protocols.find(',', begin);
    if (end == std::string::npos) end = request.protocols.size();
    std::string_view one = std::string_view(request.protocols).substr(begin, end - begin);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one.rfind(kProtocol, 0) == 0) return equal(one.substr(kProtocol.size()), token_);
    begin = end + 1;
  }
  return false;
}

protocol::Parsed<Admission> Gate::admit(const GateRequest& request) const {
  if (request.host.size() != 1 || request.host[0].empty()) return refused(400, "host_missing", "exactly one Host header is needed");
  const std::string& host = request.host[0];
  if (!host_is_ours(host))
    return refused(403, "host_not_allowed", "the host '" + host + "' is not a host name of this daemon; add it with --host");
  if (request.origin.size() > 1) return refused(403, "origin_not_allowed", "the request has more than one Origin header");
  if (!request.origin.empty() && !origin_is_ours(request) && !origin_is_named(request))
    return refused(403, "origin_not_allowed",
                   "pages from '" + request.origin[0] + "' may not use this daemon; allow the origin with --allow-origin");
  Admission admission;
  admission.cors_origin = cors_origin(request);
  if (token_.empty()) return admission;
  // A preflight carries no token; it is answered only to origins that are named.
  const bool preflight = request.method == "OPTIONS" && !admission.cors_origin.empty();
  if (token_is_right(request)) {
    admission.client = token_name_;
  } else if (!is_open(request) && !preflight) {
    return refused(401, "token_missing_or_wrong", "this daemon requires a token: send Authorization: Bearer TOKEN");
  }
  return admission;
}

bool Gate::origin_is_ours(const GateRequest& request) const {
  return tools::ascii_lower(request.origin[0]) == tools::ascii_lower((tls_ ? "https://" : "http://") + request.host[0]);
}

bool Gate::origin_is_named(const GateRequest& request) const {
  return std::find(origins_.begin(), origins_.end(), request.origin[0]) != origins_.end();
}

std::string Gate::cors_origin(const GateRequest& request) const {
  if (request.host.size() != 1 || !host_is_ours(request.host[0]) || request.origin.size() != 1) return "";
  return !origin_is_ours(request) && origin_is_named(request) ? request.origin[0] : "";
}

}  // namespace baton::agent::api
