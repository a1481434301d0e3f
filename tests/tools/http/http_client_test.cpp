#include <baton/tools/http/http_client.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tls_server.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;
using namespace std::chrono_literals;

HttpOptions trusting(const TlsServer& server) {
  HttpOptions options;
  options.ca_file = server.ca_file();
  options.connect_timeout = 10s;
  options.idle_timeout = 10s;
  return options;
}

Result<HttpResponse> get(const TlsServer& server, const std::string& path) {
  return make_http_client(trusting(server))->send({.url = server.url(path)});
}

TEST(HttpClient, brings_a_body_over_tls_with_its_head) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {{"X-Thing", "yes"}}, "hello"); });
  const auto response = get(server, "/a?b=c");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->body_bytes, 5u);
  EXPECT_EQ(response->head.content_length, 5u);
  EXPECT_EQ(*find_header(response->head.headers, "x-thing"), "yes");
  const ServedRequest request = server.requests().at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a?b=c");
  EXPECT_EQ(request.header("host"), "localhost:" + std::to_string(server.port()));
  EXPECT_EQ(request.header("accept-encoding"), "identity");
}

TEST(HttpClient, sends_the_callers_headers_and_streams_a_range) {
  const std::string content(300'000, 'x');
  TlsServer server([&](const ServedRequest& r, ServedConnection& c) { c.serve(r, content); });
  std::string got;
  int heads = 0;
  const auto response = make_http_client(trusting(server))
                            ->send({.url = server.url("/f"),
                                    .headers = {{"Range", "bytes=100000-"}},
                                    .on_head = [&](const HttpHead& head) -> Result<void> {
                                      ++heads;
                                      EXPECT_EQ(head.status, 206);
                                      EXPECT_EQ(head.content_length, 200'000u);
                                      return {};
                                    },
                                    .on_body = [&](std::string_view bytes) -> Result<void> {
                                      got += bytes;
                                      return {};
                                    }});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(heads, 1);
  EXPECT_EQ(got.size(), 200'000u);
  EXPECT_TRUE(response->body.empty());
  EXPECT_EQ(response->body_bytes, 200'000u);
}

TEST(HttpClient, gives_an_answer_of_any_status_to_the_caller) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(404, {}, "nothing here"); });
  const auto response = get(server, "/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->head.status, 404);
  EXPECT_EQ(response->body, "nothing here");
}

TEST(HttpClient, reads_chunked_bodies_and_skips_interim_answers) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) {
    c.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    c.send("4;x=y\r\ndefg\r\n0\r\n\r\n");
  });
  const auto response = get(server, "/");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "abcdefg");
  EXPECT_FALSE(response->head.content_length);
}

TEST(HttpClient, reads_an_empty_body) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.send("HTTP/1.1 204 No Content\r\n\r\n"); });
  const auto response = get(server, "/");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->head.status, 204);
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, follows_redirects_relative_and_absolute) {
  TlsServer* self = nullptr;
  TlsServer server([&](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/one/x") {
      c.redirect(302, "../two?q=a b");
    } else if (r.target == "/two?q=a%20b") {
      c.redirect(307, self->url("/three"));
    } else {
      c.respond(200, {}, r.target);
    }
  });
  self = &server;
  const auto response = get(server, "/one/x");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "/three");
  EXPECT_EQ(response->head.url, server.url("/three"));
}

TEST(HttpClient, keeps_credentials_on_their_origin) {
  TlsServer other([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "signed"); });
  TlsServer server([&](const ServedRequest& r, ServedConnection& c) { c.redirect(302, r.target == "/a" ? "/b" : other.url("/x")); });
  HttpOptions options = trusting(server);
  const std::string both = server.ca_file() + ".both";
  {
    FILE* out = std::fopen(both.c_str(), "w");
    for (const std::string& file : {server.ca_file(), other.ca_file()}) {
      FILE* in = std::fopen(file.c_str(), "r");
      for (int c; (c = std::fgetc(in)) != EOF;) std::fputc(c, out);
      std::fclose(in);
    }
    std::fclose(out);
  }
  options.ca_file = both;
  const auto response = make_http_client(options)->send(
      {.url = server.url("/a"), .headers = {{"Authorization", "Bearer secret"}, {"Cookie", "c=1"}, {"Range", "bytes=1-"}}});
  std::filesystem::remove(both);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(server.requests().at(1).header("authorization"), "Bearer secret");  // /b: the same origin
  EXPECT_EQ(other.requests().at(0).header("authorization"), "");
  EXPECT_EQ(other.requests().at(0).header("cookie"), "");
  EXPECT_EQ(other.requests().at(0).header("range"), "bytes=1-");
}

TEST(HttpClient, refuses_a_redirect_from_https_to_http) {
  TlsServer plain([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "tampered"); }, {.tls = false});
  TlsServer server([&](const ServedRequest&, ServedConnection& c) { c.redirect(302, plain.url("/")); });
  const auto response = get(server, "/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::network);
  EXPECT_THAT(response.error().message, HasSubstr("from https to http"));
  EXPECT_TRUE(plain.requests().empty());
}

TEST(HttpClient, gives_up_on_endless_and_malformed_redirects) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) { c.redirect(302, r.target == "/file" ? "file:///etc/passwd" : "/again"); });
  const auto endless = get(server, "/");
  ASSERT_FALSE(endless);
  EXPECT_THAT(endless.error().message, HasSubstr("more than 8 redirects"));
  EXPECT_EQ(server.requests().size(), 9u);
  const auto file = get(server, "/file");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("neither http:// nor https://"));
}

TEST(HttpClient, does_not_trust_an_unknown_certificate) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "who am I"); });
  const auto response = make_http_client()->send({.url = server.url("/")});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::network);
  EXPECT_THAT(response.error().message, HasSubstr("is not trusted"));
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, does_not_trust_a_certificate_of_another_host_or_time) {
  TlsServer::Handler ok = [](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, ""); };
  TlsServer other_host(ok, {.certificate_names = "DNS:example.test"});
  const auto wrong_name = get(other_host, "/");
  ASSERT_FALSE(wrong_name);
  EXPECT_THAT(wrong_name.error().message, HasSubstr("ostname mismatch"));
  TlsServer expired(ok, {.expired = true});
  const auto too_old = get(expired, "/");
  ASSERT_FALSE(too_old);
  EXPECT_THAT(too_old.error().message, HasSubstr("expired"));
  TlsServer only_name(ok, {.certificate_names = "DNS:localhost"});
  const auto by_ip = make_http_client(trusting(only_name))->send({.url = "https://127.0.0.1:" + std::to_string(only_name.port()) + "/"});
  ASSERT_FALSE(by_ip);
  EXPECT_THAT(by_ip.error().message, HasSubstr("IP address mismatch"));
}

TEST(HttpClient, says_when_the_ca_file_cannot_be_loaded) {
  HttpOptions options;
  options.ca_file = "/nonexistent/ca.pem";
  const auto response = make_http_client(options)->send({.url = "https://localhost/"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::io);
  EXPECT_THAT(response.error().message, HasSubstr("/nonexistent/ca.pem"));
}

TEST(HttpClient, tells_a_body_that_breaks_off) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/length") c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    if (r.target == "/chunked") c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf");
    // The end of such a body is the end of the connection, which anybody between the two can cause, too: TLS tells the two apart.
    if (r.target == "/until-close") c.send("HTTP/1.1 200 OK\r\n\r\nhalf");
    if (r.target == "/head") c.send("HTTP/1.1 200 OK\r\nContent-");
  });
  for (const char* path : {"/length", "/chunked", "/until-close", "/head", "/nothing"}) {
    const auto response = get(server, path);
    ASSERT_FALSE(response) << path;
    EXPECT_EQ(response.error().code, errc::network) << path;
    EXPECT_THAT(response.error().message, HasSubstr("the connection was closed while")) << path;
    EXPECT_THAT(response.error().message, HasSubstr(server.url(path)));
  }
  EXPECT_THAT(get(server, "/length").error().message, HasSubstr("4 of 100 bytes"));
}

TEST(HttpClient, refuses_what_is_not_http_and_headers_that_never_end) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/ssh") {
      c.send("SSH-2.0-OpenSSH_9.2\r\n");
    } else {
      c.send("HTTP/1.1 200 OK\r\n");
      while (c.send("X-Filler: " + std::string(1000, 'a') + "\r\n")) {
      }
    }
  });
  const auto ssh = get(server, "/ssh");
  ASSERT_FALSE(ssh);
  EXPECT_THAT(ssh.error().message, HasSubstr("not HTTP"));
  const auto filler = get(server, "/");
  ASSERT_FALSE(filler);
  EXPECT_EQ(filler.error().code, errc::too_large) << filler.error().message;
}

TEST(HttpClient, bounds_the_body_declared_or_not) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/declared") {
      c.respond(200, {}, std::string(2000, 'b'));
    } else {
      c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      while (c.send("400\r\n" + std::string(1024, 'c') + "\r\n")) {
      }
    }
  });
  for (const char* path : {"/declared", "/endless"}) {
    const auto response = make_http_client(trusting(server))->send({.url = server.url(path), .max_body_bytes = 1500});
    ASSERT_FALSE(response) << path;
    EXPECT_EQ(response.error().code, errc::too_large);
    EXPECT_THAT(response.error().message, HasSubstr("1500 bytes"));
  }
}

TEST(HttpClient, returns_the_callers_own_errors) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "body"); });
  HttpRequest request{.url = server.url("/")};
  request.on_head = [](const HttpHead&) -> Result<void> { return Error{errc::io, "no thanks"}; };
  EXPECT_EQ(make_http_client(trusting(server))->send(request).error().message, "no thanks");
  request.on_head = nullptr;
  request.on_body = [](std::string_view) -> Result<void> { return Error{errc::too_large, "disk full"}; };
  const auto response = make_http_client(trusting(server))->send(request);
  EXPECT_EQ(response.error().message, "disk full");
  EXPECT_EQ(response.error().code, errc::too_large);
}

TEST(HttpClient, times_out_on_a_silent_server) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/body") c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    c.hold();
  });
  HttpOptions options = trusting(server);
  options.idle_timeout = 100ms;
  for (const char* path : {"/head", "/body"}) {
    const auto response = make_http_client(options)->send({.url = server.url(path)});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, errc::timeout) << response.error().message;
    EXPECT_THAT(response.error().message, HasSubstr("100 ms"));
  }
}

TEST(HttpClient, times_out_when_tls_is_not_answered) {
  TlsServer silent([](const ServedRequest&, ServedConnection&) {}, {.tls = false});  // waits for a plain request that never comes
  HttpOptions options;
  options.connect_timeout = 200ms;
  const auto response = make_http_client(options)->send({.url = "https://localhost:" + std::to_string(silent.port()) + "/"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::timeout) << response.error().message;
}

TEST(HttpClient, is_cancelled_from_another_thread_while_it_waits) {
  std::promise<void> asked;
  TlsServer server([&](const ServedRequest&, ServedConnection& c) {
    asked.set_value();
    c.hold();
  });
  std::stop_source stop;
  std::thread canceller([&] {
    asked.get_future().wait();
    stop.request_stop();
  });
  const auto response = make_http_client(trusting(server))->send({.url = server.url("/"), .stop = stop.get_token()});
  canceller.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::cancelled);
  const auto again = make_http_client(trusting(server))->send({.url = server.url("/"), .stop = stop.get_token()});
  EXPECT_EQ(again.error().code, errc::cancelled);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, says_which_host_or_port_does_not_answer) {
  int port = 0;
  {
    TlsServer gone([](const ServedRequest&, ServedConnection&) {}, {.tls = false});
    port = gone.port();
  }
  const auto refused = make_http_client()->send({.url = "http://127.0.0.1:" + std::to_string(port) + "/"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::network);
  EXPECT_THAT(refused.error().message, HasSubstr("connecting to 127.0.0.1 port " + std::to_string(port)));
  const auto unknown = make_http_client({.connect_timeout = 20s})->send({.url = "http://no-such-host.invalid/"});
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().code == errc::not_found || unknown.error().code == errc::timeout) << unknown.error().message;
  EXPECT_THAT(unknown.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(HttpClient, refuses_urls_and_headers_that_it_cannot_send) {
  const auto client = make_http_client();
  for (const char* url : {"", "localhost", "ftp://localhost/", "http://", "http:///x", "https://user:pw@localhost/",
                          "http://localhost:99999/", "http://local host/", "http://localhost:0/", "file:///etc/passwd"}) {
    const auto response = client->send({.url = url});
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, errc::invalid_argument) << url << ": " << response.error().message;
  }
  const HttpHeaders bad[] = {{{"X", "a\r\nEvil: 1"}}, {{"X Y", "a"}}, {{"", "a"}}, {{"Host", "b"}}, {{"X", std::string("a\0b", 3)}}};
  for (const HttpHeaders& headers : bad) {
    const auto response = client->send({.url = "http://localhost:1/", .headers = headers});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, errc::invalid_argument) << response.error().message;
  }
}

TEST(HttpClient, serves_many_threads_at_once) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) { c.respond(200, {}, r.target); });
  const auto client = make_http_client(trusting(server));
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const std::string path = "/" + std::to_string(t);
      const auto response = client->send({.url = server.url(path)});
      if (response && response->body == path) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
}

}  // namespace
}  // namespace baton::tools
