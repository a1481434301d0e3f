#include "http_client.h"

#include <algorithm>
#include <boost/asio/ssl/context.hpp>

#include "exchange.h"
#include "http_url.h"

namespace baton::tools {
namespace {

namespace ssl = boost::asio::ssl;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// A line break in a value would be a header, or a request, of somebody else's making.
Result<void> check_headers(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    const bool clean = std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
    if (!is_token(name) || !clean || value.find('\x7F') != std::string::npos) {
      return Error{errc::invalid_argument, "the request header '" + name + "' has a name or value that HTTP does not allow"};
    }
    for (const char* ours : {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}) {
      if (same_name(name, ours)) return Error{errc::invalid_argument, "the request header '" + name + "' is set by the client itself"};
    }
  }
  return {};
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

HttpHeaders without_credentials(const HttpHeaders& headers) {
  HttpHeaders kept;
  for (const auto& header : headers) {
    if (!same_name(header.first, "authorization") && !same_name(header.first, "cookie")) kept.push_back(header);
  }
  return kept;
}

class Client : public HttpClient {
 public:
  explicit Client(HttpOptions options) : options_(std::move(options)), tls_(ssl::context::tls_client) {
    boost::system::error_code ec;
    tls_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1,
                     ec);
    tls_.set_default_verify_paths(ec);  // none there: the handshake will say that the certificate is not trusted
    if (!options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file, ca_error_);
  }

  Result<HttpResponse> get(const HttpRequest& request) override {
    if (ca_error_) {
      return Error{errc::io, "the certificates of '" + options_.ca_file + "' cannot be loaded: " + ca_error_.message()};
    }
    if (Result<void> ok = check_headers(request.headers); !ok) return ok.error();
    Result<HttpUrl> url = parse_http_url(request.url);
    if (!url) return url.error();
    HttpHeaders headers = request.headers;
    for (int n_redirects = 0; n_redirects <= options_.max_redirects; ++n_redirects) {
      bool from_caller = false;  // such an error is returned as it is
      const auto wants_body = [&](const HttpHead& head) -> Result<bool> {
        if (is_redirect(head.status) && find_header(head.headers, "location") != nullptr) return false;
        if (Result<void> ok = check_coding(head); !ok) return ok.error();
        if (!request.on_head) return true;
        if (Result<void> ok = request.on_head(head); !ok) {
          from_caller = true;
          return ok.error();
        }
        return true;
      };
      HttpRequest guarded = request;
      if (request.on_body) {
        guarded.on_body = [&](std::string_view bytes) {
          Result<void> ok = request.on_body(bytes);
          from_caller = !ok;
          return ok;
        };
      }
      Result<HttpResponse> response = exchange(*url, headers, guarded, options_, tls_, wants_body);
      if (!response) return from_caller ? response.error() : Error{response.error().code, url->text + ": " + response.error().message};
      const std::string* location = find_header(response->head.headers, "location");
      if (!is_redirect(response->head.status) || location == nullptr) return response;
      Result<HttpUrl> next = resolve_redirect(*url, *location);
      if (!next) return Error{errc::network, url->text + ": " + next.error().message};
      if (url->https && !next->https) {
        return Error{errc::network, url->text + ": refused to follow a redirect from https to " + next->text};
      }
      if (next->origin() != url->origin()) headers = without_credentials(headers);
      url = std::move(next);
    }
    return Error{errc::network, request.url + ": more than " + std::to_string(options_.max_redirects) + " redirects"};
  }

 private:
  static Result<void> check_coding(const HttpHead& head) {
    const std::string* coding = find_header(head.headers, "content-encoding");
    if (coding == nullptr || coding->empty() || same_name(*coding, "identity")) return {};
    return Error{errc::network, "the body comes in the content coding '" + *coding + "', which was not asked for"};
  }

  const HttpOptions options_;
  ssl::context tls_;
  boost::system::error_code ca_error_;
};

}  // namespace

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return &value;
  }
  return nullptr;
}

std::unique_ptr<HttpClient> make_http_client(HttpOptions options) { return std::make_unique<Client>(std::move(options)); }

}  // namespace baton::tools
