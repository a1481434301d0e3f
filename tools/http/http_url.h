#pragma once
// The parts of an http(s) URL that a request needs.
#include <baton/tools/error.h>

#include <string>
#include <string_view>

namespace baton::tools {

struct HttpUrl {
  bool https = false;
  std::string host;       // without brackets, decoded
  std::string port;       // digits; the scheme's default if the URL has none
  std::string authority;  // in the form of the Host header
  std::string target;     // path and query, at least "/"
  std::string text;       // the whole URL, without fragment, in normal form

  std::string origin() const { return (https ? "https://" : "http://") + host + ":" + port; }
};

// Characters that URLs may not hold but servers and people write (spaces, quotes, '|', non-ASCII) are percent-encoded. Refused with an
// explanation: other schemes, no host, a user name or password, port 0, an IPv4 address in hex, octal or with other than four parts.
Result<HttpUrl> parse_http_url(std::string_view url);

// The URL to which a Location header of a response from `base` leads.
Result<HttpUrl> resolve_redirect(const HttpUrl& base, std::string_view location);

}  // namespace baton::tools
