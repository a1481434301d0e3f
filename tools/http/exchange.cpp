#include "exchange.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "resolve_host.h"

namespace baton::tools {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Deadline = std::chrono::steady_clock::time_point;
using TcpStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<TcpStream>;

constexpr std::size_t kBodyBlock = 64 * 1024;
constexpr int kMaxInterimAnswers = 16;  // 1xx before the final response

std::string milliseconds(std::chrono::milliseconds t) { return std::to_string(t.count()) + " ms"; }

// Runs the asynchronous operations of one connection, one at a time, and waits for each on the caller's thread. They are asynchronous,
// because only such operations can be timed and cancelled.
class Waiter {
 public:
  Waiter(std::stop_token stop, TcpStream& stream)
      : stop_(std::move(stop)), on_stop_(stop_, [&stream] { asio::post(stream.get_executor(), [&stream] { stream.close(); }); }) {}

  // `start` gets the completion handler. The stream's own expiry bounds the wait.
  template <class Start>
  error_code wait(asio::io_context& io, Start start) {
    if (stop_.stop_requested()) return asio::error::operation_aborted;
    error_code result;
    start([&result](error_code ec, auto&&...) { result = ec; });
    io.restart();
    io.run();
    return result;
  }

  bool stopped() const { return stop_.stop_requested(); }

 private:
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> on_stop_;
};

template <class Stream>
class Exchange {
 public:
  template <class... StreamArgs>
  Exchange(const HttpHop& hop, const HttpReceiver& receiver, const HttpOptions& options, StreamArgs&... args)
      : hop_(hop), url_(hop.url), receiver_(receiver), options_(options), stream_(io_, args...), waiter_(receiver.stop, tcp()) {}

  Result<void> connect();
  Result<void> send();
  Result<void> read_head();
  Result<void> read_body(HttpResponse& response);
  const HttpHead& head() const { return head_; }

 private:
  TcpStream& tcp() { return beast::get_lowest_layer(stream_); }
  Result<std::vector<asio::ip::tcp::endpoint>> addresses(Deadline deadline);
  Result<void> handshake(Deadline deadline);
  void expect_progress() { tcp().expires_at(std::min(HttpHop::Clock::now() + options_.idle_timeout, hop_.deadline)); }
  Error failure(error_code ec, const std::string& during, std::chrono::milliseconds limit) const;

  const HttpHop& hop_;
  const HttpUrl& url_;
  const HttpReceiver& receiver_;
  const HttpOptions& options_;
  asio::io_context io_;
  Stream stream_;
  Waiter waiter_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
  HttpHead head_;
};

template <class Stream>
Error Exchange<Stream>::failure(error_code ec, const std::string& during, std::chrono::milliseconds limit) const {
  if (waiter_.stopped()) return Error{errc::cancelled, "cancelled while " + during};
  if (ec == beast::error::timeout && HttpHop::Clock::now() >= hop_.deadline) {
    return Error{errc::timeout, "not done within " + milliseconds(options_.total_timeout) + ", while " + during};
  }
  if (ec == beast::error::timeout) return Error{errc::timeout, "no progress within " + milliseconds(limit) + " while " + during};
  if (ec == http::error::header_limit) {
    return Error{errc::too_large, "the header of the answer is longer than " + std::to_string(options_.max_header_bytes) + " bytes"};
  }
  if (ec == http::error::partial_message || ec == http::error::end_of_stream || ec == asio::ssl::error::stream_truncated ||
      ec == asio::error::eof || ec == asio::error::connection_reset) {
    return Error{errc::network, "the connection was closed while " + during};
  }
  if (ec.category() == http::make_error_code(http::error::bad_version).category()) {
    return Error{errc::network, "the answer is not HTTP as it should be (" + ec.message() + ") while " + during};
  }
  return Error{errc::network, ec.message() + " while " + during};
}

// Connects to the endpoints that the policy admits. Exactly the checked address is used: there is no second look-up.
template <class Stream>
Result<std::vector<asio::ip::tcp::endpoint>> Exchange<Stream>::addresses(Deadline deadline) {
  if (Result<void> ok = options_.policy.check_host(url_.host, url_.port); !ok) return ok.error();
  const auto endpoints = resolve_host(url_.host, url_.port, deadline, receiver_.stop, options_.resolver);
  if (!endpoints && endpoints.error().code == errc::timeout)
    return failure(beast::error::timeout, "looking up the host '" + url_.host + "'", options_.connect_timeout);
  if (!endpoints) return endpoints.error();
  std::vector<asio::ip::tcp::endpoint> admitted;
  Result<void> refused;
  for (const auto& endpoint : *endpoints) {
    // The text of a link-local address contains its zone.
    const std::string text = endpoint.address().to_string();
    const std::optional<IpAddress> address = IpAddress::parse(std::string_view(text).substr(0, text.find('%')));
    if (!address) return Error{errc::network, "the address '" + text + "' of the host cannot be read"};
    Result<void> ok = options_.policy.check_address(url_.host, *address, url_.port);
    if (ok) {
      admitted.push_back(endpoint);
    } else {
      refused = ok;
    }
  }
  if (admitted.empty() && !refused) return refused.error();
  return admitted;
}

template <class Stream>
Result<void> Exchange<Stream>::connect() {
  const Deadline deadline = std::min(HttpHop::Clock::now() + options_.connect_timeout, hop_.deadline);
  const auto endpoints = addresses(deadline);
  if (!endpoints) return endpoints.error();
  error_code ec;
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    // A first address that drops packets must not use up the time of the next ones.
    const auto left = deadline - std::chrono::steady_clock::now();
    tcp().expires_after(left / static_cast<long>(endpoints->size() - i));
    ec = waiter_.wait(io_, [&](auto handler) { tcp().async_connect((*endpoints)[i], handler); });
    if (!ec || waiter_.stopped()) break;
  }
  if (ec) return failure(ec, "connecting to " + url_.host + " port " + url_.port, options_.connect_timeout);
  return handshake(deadline);
}

template <>
Result<void> Exchange<TcpStream>::handshake(Deadline) {
  return {};
}

template <>
Result<void> Exchange<TlsStream>::handshake(Deadline deadline) {
  error_code not_an_address;
  asio::ip::make_address(url_.host, not_an_address);
  if (not_an_address && SSL_set_tlsext_host_name(stream_.native_handle(), url_.host.c_str()) != 1) {
    return Error{errc::invalid_argument, "the host name '" + url_.host + "' cannot be sent in a TLS handshake"};
  }
  stream_.set_verify_mode(asio::ssl::verify_peer);
  // OpenSSL itself checks the host, so that a mismatch has its own verify result.
  X509_VERIFY_PARAM* param = SSL_get0_param(stream_.native_handle());
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = not_an_address ? X509_VERIFY_PARAM_set1_host(param, url_.host.c_str(), url_.host.size())
                                 : X509_VERIFY_PARAM_set1_ip_asc(param, url_.host.c_str());
  if (set != 1) return Error{errc::invalid_argument, "the host name '" + url_.host + "' cannot be checked against a certificate"};
  tcp().expires_at(deadline);
  const error_code ec = waiter_.wait(io_, [&](auto handler) { stream_.async_handshake(asio::ssl::stream_base::client, handler); });
  if (!ec) return {};
  const long verdict = SSL_get_verify_result(stream_.native_handle());
  if (verdict != X509_V_OK) {
    return Error{errc::network, "the certificate of " + url_.host + " is not trusted: " + X509_verify_cert_error_string(verdict)};
  }
  return failure(ec, "the TLS handshake with " + url_.host, options_.connect_timeout);
}

template <class Stream>
Result<void> Exchange<Stream>::send() {
  http::request<http::string_body> message(http::string_to_verb(name_of(hop_.method)), url_.target, 11);
  message.set(http::field::host, url_.authority);
  message.set(http::field::user_agent, options_.user_agent);
  message.set(http::field::accept, "*/*");
  message.set(http::field::accept_encoding, "identity");
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : hop_.headers) message.set(name, value);
  if (!only_reads(hop_.method)) message.content_length(hop_.body.size());
  message.body() = hop_.body;
  http::request_serializer<http::string_body> serializer(message);
  while (!serializer.is_done()) {
    expect_progress();
    const error_code ec = waiter_.wait(io_, [&](auto handler) { http::async_write_some(stream_, serializer, handler); });
    if (ec) return failure(ec, "sending the request", options_.idle_timeout);
  }
  return {};
}

template <class Stream>
Result<void> Exchange<Stream>::read_head() {
  for (int i = 0; i < kMaxInterimAnswers; ++i) {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(options_.max_header_bytes, UINT32_MAX)));
    parser_->body_limit(boost::none);  // unlimited, because read_body counts
    parser_->skip(hop_.method == HttpMethod::head);
    while (!parser_->is_header_done()) {
      expect_progress();
      const error_code ec = waiter_.wait(io_, [&](auto handler) { http::async_read_some(stream_, buffer_, *parser_, handler); });
      if (ec && ec != http::error::need_buffer) return failure(ec, "waiting for the answer", options_.idle_timeout);
    }
    const auto& message = parser_->get();
    if (message.result_int() / 100 == 1 && message.result_int() != 101) continue;
    head_ = {};
    head_.status = static_cast<int>(message.result_int());
    head_.url = url_.text;
    for (const auto& field : message) head_.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    if (const auto length = parser_->content_length()) head_.content_length = *length;
    return {};
  }
  return Error{errc::network, "the server keeps sending interim answers"};
}

template <class Stream>
Result<void> Exchange<Stream>::read_body(HttpResponse& response) {
  if (!parser_->is_done() && head_.content_length && *head_.content_length > receiver_.max_body_bytes)
    return body_too_large(receiver_.max_body_bytes);
  std::vector<char> block(kBodyBlock);
  while (!parser_->is_done()) {
    parser_->get().body().data = block.data();
    parser_->get().body().size = block.size();
    expect_progress();
    const error_code ec = waiter_.wait(io_, [&](auto handler) { http::async_read_some(stream_, buffer_, *parser_, handler); });
    const std::string_view bytes(block.data(), block.size() - parser_->get().body().size);
    response.body_bytes += bytes.size();
    if (response.body_bytes > receiver_.max_body_bytes) return body_too_large(receiver_.max_body_bytes);
    if (!bytes.empty()) {
      if (Result<void> taken = receiver_.on_body(bytes); !taken) return taken;
    }
    if (ec && ec != http::error::need_buffer) {
      return failure(ec,
                     "reading the body, of which " + std::to_string(response.body_bytes) +
                         (head_.content_length ? " of " + std::to_string(*head_.content_length) : std::string()) + " bytes had come",
                     options_.idle_timeout);
    }
  }
  return {};
}

template <class Stream>
Result<HttpResponse> perform(Exchange<Stream>& exchange, const HttpReceiver& receiver) {
  if (Result<void> ok = exchange.connect(); !ok) return ok.error();
  const Result<void> sent = exchange.send();
  // A server may refuse a long body before it has received it all: its response then says more than the broken connection.
  if (!sent && sent.error().code != errc::network) return sent.error();
  if (Result<void> ok = exchange.read_head(); !ok) return sent ? ok.error() : sent.error();
  HttpResponse response;
  response.head = exchange.head();
  const Result<bool> wanted = receiver.wants_body(response.head);
  if (!wanted) return wanted.error();
  if (*wanted) {
    if (Result<void> ok = exchange.read_body(response); !ok) return ok.error();
  }
  return response;
}

}  // namespace

Error body_too_large(std::uint64_t max_bytes) {
  return {errc::too_large, "the body is longer than the limit of " + std::to_string(max_bytes) + " bytes"};
}

Result<HttpResponse> exchange(const HttpHop& hop, const HttpReceiver& receiver, const HttpOptions& options,
                              boost::asio::ssl::context& tls) {
  if (hop.url.https) {
    Exchange<TlsStream> over_tls(hop, receiver, options, tls);
    return perform(over_tls, receiver);
  }
  Exchange<TcpStream> plain(hop, receiver, options);
  return perform(plain, receiver);
}

}  // namespace baton::tools
