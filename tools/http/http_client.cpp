#include "http_client.h"

#include <baton/tools/text.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>

#include "exchange.h"
#include "http_url.h"
#include "inflate.h"

namespace baton::tools {
namespace {

namespace ssl = boost::asio::ssl;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// A line break in a value could add a header, or a request, of an attacker's making.
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

// The part of the caller's request that another origin may see.
HttpHeaders for_another_origin(const HttpHeaders& headers) {
  HttpHeaders kept;
  for (const auto& header : headers) {
    for (const char* harmless :
         {"accept", "accept-language", "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}) {
      if (same_name(header.first, harmless)) kept.push_back(header);
    }
  }
  return kept;
}

HttpHeaders without_body_headers(const HttpHeaders& headers) {
  HttpHeaders kept;
  for (const auto& header : headers) {
    if (header.first.size() < 8 || !same_name(header.first.substr(0, 8), "content-")) kept.push_back(header);
  }
  return kept;
}

// The request that a redirect asks for.
Result<void> follow(HttpHop& hop, int status, const std::string& location) {
  Result<HttpUrl> next = resolve_redirect(hop.url, location);
  if (!next) return Error{errc::network, next.error().message};
  if (hop.url.https && !next->https) return Error{errc::network, "refused to follow a redirect from https to " + next->text};
  const bool becomes_get =
      status == 303 ? hop.method != HttpMethod::head : (status == 301 || status == 302) && hop.method == HttpMethod::post;
  if (becomes_get) {
    hop.method = HttpMethod::get;
    hop.body.clear();
    hop.headers = without_body_headers(hop.headers);
  }
  if (next->origin() != hop.url.origin()) {
    if (!only_reads(hop.method)) {
      return Error{errc::network, std::string("refused to take a ") + name_of(hop.method) + " request over to " + next->text +
                                      ", to which it was redirected: send it there if that is meant"};
    }
    hop.headers = for_another_origin(hop.headers);
  }
  hop.url = std::move(*next);
  return {};
}

class Client : public HttpClient {
 public:
  explicit Client(HttpOptions options) : options_(std::move(options)), tls_(ssl::context::tls_client) {
    boost::system::error_code ec;
    tls_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1,
                     ec);
    tls_.set_default_verify_paths(ec);  // if there are none, the handshake reports that the certificate is not trusted
    if (!options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file, ca_error_);
  }

  Result<HttpResponse> send(const HttpRequest& request) override {
    if (ca_error_) {
      return Error{errc::io, "the certificates of '" + options_.ca_file + "' cannot be loaded: " + ca_error_.message()};
    }
    if (Result<void> ok = check_headers(request.headers); !ok) return ok.error();
    if (only_reads(request.method) && !request.body.empty()) {
      return Error{errc::invalid_argument, std::string("a ") + name_of(request.method) + " request has no body"};
    }
    Result<HttpUrl> url = parse_http_url(request.url);
    if (!url) return url.error();
    HttpHop hop{std::move(*url), request.method, request.headers, request.body, HttpHop::Clock::time_point::max()};
    if (options_.total_timeout > options_.total_timeout.zero()) hop.deadline = HttpHop::Clock::now() + options_.total_timeout;
    for (int n_redirects = 0; n_redirects <= options_.max_redirects; ++n_redirects) {
      bool from_caller = false;  // such an error is returned unchanged
      const Result<HttpResponse> response = one_hop(hop, request, from_caller);
      if (!response) {
        return from_caller ? response.error() : Error{response.error().code, hop.url.text + ": " + response.error().message};
      }
      const std::string* location = find_header(response->head.headers, "location");
      if (!is_redirect(response->head.status) || location == nullptr) return response;
      const std::string from = hop.url.text;
      if (Result<void> ok = follow(hop, response->head.status, *location); !ok) {
        return Error{ok.error().code, from + ": " + ok.error().message};
      }
    }
    return Error{errc::network, request.url + ": more than " + std::to_string(options_.max_redirects) + " redirects"};
  }

 private:
  Result<HttpResponse> one_hop(const HttpHop& hop, const HttpRequest& request, bool& from_caller) {
    std::unique_ptr<Inflater> inflater;
    const auto wants_body = [&](HttpHead& head) -> Result<bool> {
      if (is_redirect(head.status) && find_header(head.headers, "location") != nullptr) return false;
      if (Result<void> ok = begin_coding(head, inflater); !ok) return ok.error();
      if (!request.on_head) return true;
      if (Result<void> ok = request.on_head(head); !ok) {
        from_caller = true;
        return ok.error();
      }
      return true;
    };
    std::string body;
    std::uint64_t n_bytes = 0;
    const auto take = [&](std::string_view bytes) -> Result<void> {
      n_bytes += bytes.size();
      if (n_bytes > request.max_body_bytes) return body_too_large(request.max_body_bytes);
      if (!request.on_body) {
        body += bytes;
        return {};
      }
      Result<void> ok = request.on_body(bytes);
      from_caller = !ok;
      return ok;
    };
    const auto on_body = [&](std::string_view bytes) -> Result<void> {
      if (!inflater) return take(bytes);
      Result<void> inflated = inflater->write(bytes, take);
      return from_caller ? inflated : of_server(std::move(inflated));
    };
    Result<HttpResponse> response = exchange(hop, {request.stop, request.max_body_bytes, wants_body, on_body}, options_, tls_);
    if (!response) return response;
    if (inflater && response->body_bytes > 0) {
      if (Result<void> ended = of_server(inflater->finish()); !ended) return ended.error();
    }
    response->body = std::move(body);
    response->body_bytes = n_bytes;
    return response;
  }

  // The body is decoded from here on.
  static Result<void> begin_coding(HttpHead& head, std::unique_ptr<Inflater>& inflater) {
    const std::string* coding = find_header(head.headers, "content-encoding");
    if (coding == nullptr || coding->empty() || same_name(*coding, "identity")) return {};
    if (head.status != 206) inflater = Inflater::of_coding(*coding);
    if (!inflater) return Error{errc::network, "the body comes in the content coding '" + *coding + "', which was not asked for"};
    head.content_length.reset();
    return {};
  }

  // A body that does not match its coding is the server's fault.
  static Result<void> of_server(Result<void> inflated) {
    if (inflated || inflated.error().code != errc::invalid_argument) return inflated;
    return Error{errc::network, "the body cannot be decompressed: " + inflated.error().message};
  }

  const HttpOptions options_;
  ssl::context tls_;
  boost::system::error_code ca_error_;
};

}  // namespace

const char* name_of(HttpMethod method) {
  constexpr const char* kNames[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  return kNames[static_cast<int>(method)];
}

std::optional<HttpMethod> http_method(std::string_view name) {
  for (const HttpMethod method :
       {HttpMethod::get, HttpMethod::head, HttpMethod::post, HttpMethod::put, HttpMethod::patch, HttpMethod::delete_}) {
    if (same_name(name, name_of(method))) return method;
  }
  return std::nullopt;
}

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return &value;
  }
  return nullptr;
}

Result<void> check_http_headers(const HttpHeaders& headers) { return check_headers(headers); }

std::unique_ptr<HttpClient> make_http_client(HttpOptions options) { return std::make_unique<Client>(std::move(options)); }

}  // namespace baton::tools
