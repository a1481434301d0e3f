#pragma once
// HTTP and HTTPS for everything that uses the network: downloads, APIs, a model's own requests.
#include <baton/tools/error.h>
#include <baton/tools/http/address_policy.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::tools {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of the first header of that name, in any case; null: not found.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

// Whether a request can carry these headers: names and values as HTTP allows, and none that the client sets itself. errc::invalid_argument.
Result<void> check_http_headers(const HttpHeaders& headers);

enum class HttpMethod { get, head, post, put, patch, delete_ };
const char* name_of(HttpMethod method);                        // "GET"
std::optional<HttpMethod> http_method(std::string_view name);  // name in any case; null: unknown
constexpr bool only_reads(HttpMethod m) { return m == HttpMethod::get || m == HttpMethod::head; }
// By HTTP's own rules (RFC 9110, 9.2.2): sending it twice has the same effect as sending it once.
constexpr bool is_idempotent(HttpMethod m) { return m != HttpMethod::post && m != HttpMethod::patch; }

struct HttpOptions {
  std::string ca_file{};  // further trusted certificates (PEM) beside the system's; empty: none
  std::string user_agent = "baton";
  std::chrono::milliseconds connect_timeout{20'000};  // name look-up, connecting and TLS handshake together
  std::chrono::milliseconds idle_timeout{30'000};     // without receiving a byte
  std::chrono::milliseconds total_timeout{0};         // from the call to its end, redirects included; 0: none
  int max_redirects = 8;
  std::size_t max_header_bytes = 64 * 1024;
  AddressPolicy policy{};  // called for each host and each address, redirects included; the address checked is the one connected to
  // Resolves a name, once per connection; empty: the system's look-up. For tests.
  std::function<Result<std::vector<std::string>>(const std::string& host)> resolver{};
};

// The head of the response, after redirects.
struct HttpHead {
  int status = 0;
  std::string url;  // the final URL
  HttpHeaders headers;
  std::optional<std::uint64_t> content_length;  // of this body, which is a part for a 206
};

struct HttpResponse {
  HttpHead head;
  std::string body;              // empty when on_body took it
  std::uint64_t body_bytes = 0;  // including bytes that on_body took
};

struct HttpRequest {
  std::string url{};  // http:// or https://
  HttpMethod method = HttpMethod::get;
  // Sent in addition to Host, User-Agent, Accept, Content-Length and Connection. A redirect to another origin gets only those that neither
  // prove the sender's identity nor describe the body: Accept, Accept-Language, Range and the conditions.
  HttpHeaders headers{};
  std::string body{};  // not with GET or HEAD; its Content-Type is set in the headers
  std::stop_token stop{};
  std::uint64_t max_body_bytes = 16 << 20;  // a longer body is errc::too_large; for streams set what the caller can take

  // Both are called on the thread of send(), and both may be empty. An error from either ends the transfer and is returned by send().
  std::function<Result<void>(const HttpHead&)> on_head{};         // the last response's, of any status, before its body
  std::function<Result<void>(std::string_view bytes)> on_body{};  // the body, piece by piece, of any status; empty: into HttpResponse::body
};

// The seam: tests use a fake here.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Blocks until the whole response has arrived. One connection per call; any number of threads at a time. A response of any status is a
  // success. Errors: invalid_argument (URL, header, a body with GET), not_found (no such host), network (refused, broken off before the
  // body's end, not HTTP, a certificate that is not trusted, too many redirects, a redirect from https to http), forbidden (the policy),
  // timeout, too_large, cancelled, io (ca_file). Each message names the URL.
  // Redirects 301, 302, 303, 307, 308 are followed: after 303, and for POST after 301 and 302, with GET and without the body; otherwise
  // with the same method and body, which is errc::network if it would send anything but GET or HEAD to another origin.
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

// Checks certificates against OpenSSL's default paths and options.ca_file, and the host's name against the certificate. No content coding
// is requested. If the server uses one all the same, gzip and deflate are decoded (the head then has no content_length, and max_body_bytes
// bounds the decoded body); another coding, or a part (206) of an encoded body, is an error.
std::unique_ptr<HttpClient> make_http_client(HttpOptions options = {});

}  // namespace baton::tools
