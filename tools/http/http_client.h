#pragma once
// GET over HTTP and HTTPS: for downloads and small APIs.
#include <baton/tools/error.h>

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

// The value of the first header of that name, whatever its case; null: none.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

struct HttpOptions {
  std::string ca_file{};  // further trusted certificates (PEM) beside the system's; empty: none
  std::string user_agent = "baton";
  std::chrono::milliseconds connect_timeout{20'000};  // name look-up, connecting and TLS handshake together
  std::chrono::milliseconds idle_timeout{30'000};     // without a byte of the answer
  int max_redirects = 8;
  std::size_t max_header_bytes = 64 * 1024;
};

// The head of the answer, after redirects.
struct HttpHead {
  int status = 0;
  std::string url;  // where it came from at last
  HttpHeaders headers;
  std::optional<std::uint64_t> content_length;  // of this body: of the part, for a 206
};

struct HttpResponse {
  HttpHead head;
  std::string body;              // empty when on_body took it
  std::uint64_t body_bytes = 0;  // also what on_body took
};

struct HttpRequest {
  std::string url{};      // http:// or https://
  HttpHeaders headers{};  // beside Host, User-Agent, Accept and Connection. Authorization and Cookie are not sent on to another origin.
  std::stop_token stop{};
  std::uint64_t max_body_bytes = 16 << 20;  // a longer body is errc::too_large; for streams set what the caller can take

  // Both are called on the thread of get(), both may be empty, and an error from either ends the transfer and is what get() returns.
  std::function<Result<void>(const HttpHead&)> on_head{};         // the last answer's, of any status, before its body
  std::function<Result<void>(std::string_view bytes)> on_body{};  // the body, piece by piece, of any status; empty: into HttpResponse::body
};

// The seam: tests put a fake here.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Blocks until the whole answer has come; one connection a call, any number of threads at a time. An answer of any status is a
  // response. Errors: invalid_argument (URL, header), not_found (no such host), network (refused, broken off before the body's end,
  // not HTTP, a certificate that is not trusted, too many redirects, a redirect from https to http), timeout, too_large, cancelled, io
  // (ca_file). Each message names the URL. Redirects 301, 302, 303, 307, 308 are followed.
  virtual Result<HttpResponse> get(const HttpRequest& request) = 0;
};

// Checks certificates against OpenSSL's default paths and options.ca_file, and the host's name against the certificate. Bodies come as
// the server sends them: no content coding is asked for, and one that is sent all the same is an error.
std::unique_ptr<HttpClient> make_http_client(HttpOptions options = {});

}  // namespace baton::tools
