#include "http_url.h"

#include <algorithm>
#include <boost/url.hpp>
#include <charconv>

namespace baton::tools {
namespace {

Error invalid(std::string_view url, const std::string& why) {
  return Error{errc::invalid_argument, "the URL '" + std::string(url.substr(0, 300)) + "' " + why};
}

std::string with_escapes(std::string_view url) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos) {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

bool in_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.:").find(c) != std::string_view::npos;
}

// The URL standard's rule that tells an IPv4 address from a name: the last part decides.
bool ends_in_number(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(last.begin(), last.end(), digit) || (last.size() > 1 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X'));
}

Result<HttpUrl> parts_of(const boost::urls::url_view& url, std::string_view written) {
  if (url.scheme_id() != boost::urls::scheme::http && url.scheme_id() != boost::urls::scheme::https) {
    return invalid(written, "is neither http:// nor https://");
  }
  if (url.has_userinfo()) return invalid(written, "holds a user name or password: send an Authorization header instead");
  HttpUrl parts;
  parts.https = url.scheme_id() == boost::urls::scheme::https;
  parts.host = url.host_type() == boost::urls::host_type::name ? url.host_name() : url.host_address();
  std::transform(parts.host.begin(), parts.host.end(), parts.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (parts.host.empty()) return invalid(written, "names no host");
  if (!std::all_of(parts.host.begin(), parts.host.end(), in_host)) {
    return invalid(
        written, "has a host with characters beyond letters, digits, '-', '_', '.' and ':' (write an international name in its xn-- form)");
  }
  // 0x7f.1, 017700000001, 2130706433: getaddrinfo reads them as IPv4 addresses, people do not.
  if (url.host_type() == boost::urls::host_type::name && ends_in_number(parts.host)) {
    return invalid(written, "has a host that is a number but no address (write an IPv4 address as four decimal numbers)");
  }
  if (const std::string_view host = parts.host;
      host.find(':') != std::string_view::npos && url.host_type() != boost::urls::host_type::ipv6) {
    return invalid(written, "has a ':' in its host");
  }
  parts.port = parts.https ? "443" : "80";
  if (const std::string port(url.port()); !port.empty()) {
    unsigned number = 0;  // not port_number(): it takes 99999 modulo 65536 in Boost 1.81
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (ec != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535) {
      return invalid(written, "has a port that is not 1 to 65535");
    }
    parts.port = std::to_string(number);
  }
  parts.authority = std::string(url.encoded_host_and_port());
  parts.target = std::string(url.encoded_target());
  if (parts.target.empty() || parts.target.front() != '/') parts.target.insert(parts.target.begin(), '/');
  parts.text = (parts.https ? "https://" : "http://") + parts.authority + parts.target;
  return parts;
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view url) {
  const std::string escaped = with_escapes(url);
  const auto parsed = boost::urls::parse_uri(escaped);
  if (!parsed) return invalid(url, "is malformed");
  return parts_of(*parsed, url);
}

Result<HttpUrl> resolve_redirect(const HttpUrl& base, std::string_view location) {
  const std::string escaped = with_escapes(location);
  const auto reference = boost::urls::parse_uri_reference(escaped);
  const auto base_url = boost::urls::parse_uri(base.text);
  if (!reference || !base_url) return invalid(location, "that " + base.text + " redirects to is malformed");
  boost::urls::url resolved;
  if (const auto done = boost::urls::resolve(*base_url, *reference, resolved); !done) {
    return invalid(location, "that " + base.text + " redirects to is malformed");
  }
  return parts_of(resolved, location);
}

}  // namespace baton::tools
