#pragma once
// An HTTP server for tests, on 127.0.0.1, with or without TLS (a self-signed certificate, generated). One thread a connection; each
// connection serves one request through the handler, which may answer with anything.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "test_certificate.h"

namespace baton::tests {

struct ServedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // as Content-Length says

  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

using ServedHeaders = std::vector<std::pair<std::string, std::string>>;

// One connection, as a handler sees it. When the handler returns, the connection is closed.
class ServedConnection {
 public:
  ServedConnection(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}

  // Raw bytes; returns false if the client has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n =
          ssl_ != nullptr
              ? static_cast<ssize_t>(SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20))))
              : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // The whole answer, with Content-Length.
  bool respond(int status, const ServedHeaders& headers, std::string_view body) {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " Status\r\n";
    for (const auto& [name, value] : headers) head += name + ": " + value + "\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return send(head) && send(body);
  }

  bool redirect(int status, const std::string& location) { return respond(status, {{"Location", location}}, "moved"); }

  // Serves `content` like a file server: 200, or 206 for "Range: bytes=N-" (or N-M), or 416 past the end.
  bool serve(const ServedRequest& request, std::string_view content, ServedHeaders headers = {}) {
    headers.emplace_back("Accept-Ranges", "bytes");
    const std::string range = request.header("range");
    unsigned long long first = 0, last = content.empty() ? 0 : content.size() - 1;
    const int n = std::sscanf(range.c_str(), "bytes=%llu-%llu", &first, &last);
    if (n < 1) return respond(200, headers, content);
    if (first >= content.size()) {
      headers.emplace_back("Content-Range", "bytes */" + std::to_string(content.size()));
      return respond(416, headers, "");
    }
    last = std::min<unsigned long long>(last, content.size() - 1);
    headers.emplace_back("Content-Range",
                         "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(content.size()));
    return respond(206, headers, content.substr(first, last - first + 1));
  }

  // Sends nothing more until the client goes or the server ends.
  void hold() {
    char byte;
    while (::recv(fd_, &byte, 1, 0) > 0) {
    }
  }

 private:
  int fd_;
  SSL* ssl_;
};

class TlsServer {
 public:
  using Handler = std::function<void(const ServedRequest&, ServedConnection&)>;

  struct Options {
    bool tls = true;
    std::string certificate_names = "DNS:localhost,IP:127.0.0.1";
    bool expired = false;
  };

  explicit TlsServer(Handler handler) : TlsServer(std::move(handler), Options()) {}
  TlsServer(Handler handler, Options options) : handler_(std::move(handler)), tls_(options.tls) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets whose client has gone
    if (tls_) use(certificate_.emplace(options.certificate_names, options.expired));
    listen_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listen_, 64) != 0 ||
        ::getsockname(listen_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the test server cannot listen on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~TlsServer() {
    stopping_ = true;
    ::shutdown(listen_, SHUT_RDWR);
    acceptor_.join();
    ::close(listen_);
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    if (context_ != nullptr) SSL_CTX_free(context_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path) const {
    return (tls_ ? "https://localhost:" : "http://localhost:") + std::to_string(port_) + path;
  }
  std::string ca_file() const { return certificate_ ? certificate_->certificate_file() : ""; }  // the client's trusted certificate
  std::vector<ServedRequest> requests() const {                                                 // so far
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void use(const TestCertificate& certificate) {
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(context_, certificate.certificate_file().c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_, certificate.key_file().c_str(), SSL_FILETYPE_PEM);
  }

  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    SSL* ssl = nullptr;
    if (tls_) {
      ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
    }
    if (ssl == nullptr || SSL_accept(ssl) == 1) {
      ServedRequest request;
      if (read_request(fd, ssl, request)) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        ServedConnection connection(fd, ssl);
        handler_(request, connection);
      }
    }
    {
      const std::lock_guard lock(mutex_);
      std::erase(open_, fd);
    }
    if (ssl != nullptr) SSL_free(ssl);
    ::close(fd);
  }

  static bool read_request(int fd, SSL* ssl, ServedRequest& request) {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      char byte;
      const auto n = ssl != nullptr ? static_cast<ssize_t>(SSL_read(ssl, &byte, 1)) : ::recv(fd, &byte, 1, 0);
      if (n <= 0) return false;
      text += byte;
    }
    std::size_t at = text.find("\r\n");
    const std::string line = text.substr(0, at);
    request.method = line.substr(0, line.find(' '));
    request.target = line.substr(request.method.size() + 1, line.rfind(' ') - request.method.size() - 1);
    for (at += 2; text.compare(at, 2, "\r\n") != 0;) {
      const std::size_t end = text.find("\r\n", at), colon = text.find(':', at);
      std::string name = text.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      std::size_t value = colon + 1;
      while (value < end && text[value] == ' ') ++value;
      request.headers[name] = text.substr(value, end - value);
      at = end + 2;
    }
    const std::size_t length = std::strtoull(request.header("content-length").c_str(), nullptr, 10);
    while (request.body.size() < length) {
      char block[4096];
      const std::size_t want = std::min(sizeof block, length - request.body.size());
      const auto n = ssl != nullptr ? static_cast<ssize_t>(SSL_read(ssl, block, static_cast<int>(want))) : ::recv(fd, block, want, 0);
      if (n <= 0) return false;
      request.body.append(block, static_cast<std::size_t>(n));
    }
    return true;
  }

  const Handler handler_;
  const bool tls_;
  std::optional<TestCertificate> certificate_;
  SSL_CTX* context_ = nullptr;
  int listen_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  mutable std::mutex mutex_;  // guards the three below
  std::vector<int> open_;
  std::list<std::thread> threads_;
  std::vector<ServedRequest> requests_;
};

}  // namespace baton::tests
