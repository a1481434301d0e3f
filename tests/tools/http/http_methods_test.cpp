// Features beyond GET: methods, bodies, their changes by redirects, and the time limit of the whole request.
#include <baton/tools/http/http_client.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls_server.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;
using namespace std::chrono_literals;

std::unique_ptr<HttpClient> client_for(const TlsServer& server) {
  HttpOptions options;
  options.ca_file = server.ca_file();
  return make_http_client(options);
}

TEST(HttpMethods, each_sends_its_method_and_body) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) { c.respond(200, {}, r.method + ":" + r.body); });
  for (const HttpMethod method : {HttpMethod::post, HttpMethod::put, HttpMethod::patch, HttpMethod::delete_}) {
    const auto response =
        client_for(server)->send({.url = server.url("/x"), .method = method, .headers = {{"Content-Type", "text/plain"}}, .body = "a\nb"});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, std::string(name_of(method)) + ":a\nb");
    EXPECT_EQ(server.requests().back().header("content-type"), "text/plain");
  }
  ASSERT_TRUE(client_for(server)->send({.url = server.url("/x"), .method = HttpMethod::post}));
  EXPECT_EQ(server.requests().back().header("content-length"), "0");
  ASSERT_TRUE(client_for(server)->send({.url = server.url("/x")}));
  EXPECT_EQ(server.requests().back().headers.count("content-length"), 0u);
}

TEST(HttpMethods, names_are_read_in_any_case) {
  EXPECT_EQ(http_method("delete"), HttpMethod::delete_);
  EXPECT_EQ(http_method("PaTcH"), HttpMethod::patch);
  EXPECT_FALSE(http_method("TRACE"));
  EXPECT_FALSE(http_method(""));
}

TEST(HttpMethods, head_brings_no_body_whatever_its_length) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.send("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"); });
  const auto response = client_for(server)->send({.url = server.url("/"), .method = HttpMethod::head});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->head.content_length, 999999999999u);
  EXPECT_EQ(response->body_bytes, 0u);
}

TEST(HttpMethods, get_takes_no_body) {
  const auto response = make_http_client()->send({.url = "http://localhost:1/", .body = "x"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::invalid_argument);
}

TEST(HttpMethods, a_body_of_megabytes_arrives_whole) {
  const std::string body(5 << 20, 'z');
  for (const bool tls : {false, true}) {
    TlsServer server([](const ServedRequest& r, ServedConnection& c) { c.respond(200, {}, std::to_string(r.body.size())); }, {.tls = tls});
    const auto response = client_for(server)->send({.url = server.url("/"), .method = HttpMethod::post, .body = body});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, std::to_string(body.size()));
  }
}

struct RedirectCase {
  int status;
  HttpMethod method;
  const char* expected;  // "METHOD:body" at the end; null: refused
};

TEST(HttpMethods, redirects_within_an_origin_change_the_method_as_http_says) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/end") {
      c.respond(200, {}, r.method + ":" + r.body + ":" + r.header("content-type") + ":" + r.header("x-key"));
    } else {
      c.redirect(std::stoi(r.target.substr(1)), "/end");
    }
  });
  using M = HttpMethod;
  for (const auto& [status, method, expected] : {RedirectCase{301, M::post, "GET:::k"},
                                                 {302, M::post, "GET:::k"},
                                                 {303, M::post, "GET:::k"},
                                                 {307, M::post, "POST:b:t/t:k"},
                                                 {308, M::post, "POST:b:t/t:k"},
                                                 {301, M::put, "PUT:b:t/t:k"},
                                                 {302, M::delete_, "DELETE:b:t/t:k"},
                                                 {303, M::put, "GET:::k"},
                                                 {303, M::delete_, "GET:::k"},
                                                 {308, M::patch, "PATCH:b:t/t:k"}}) {
    const auto response = client_for(server)->send({.url = server.url("/" + std::to_string(status)),
                                                    .method = method,
                                                    .headers = {{"Content-Type", "t/t"}, {"X-Key", "k"}},
                                                    .body = "b"});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, expected) << status << ' ' << name_of(method);
  }
  ASSERT_TRUE(client_for(server)->send({.url = server.url("/303"), .method = M::head}));
  EXPECT_EQ(server.requests().back().method, "HEAD");
}

TEST(HttpMethods, no_body_and_no_key_goes_to_another_origin) {
  TlsServer other([](const ServedRequest& r, ServedConnection& c) { c.respond(200, {}, r.method + ":" + r.body); }, {.tls = false});
  TlsServer server([&](const ServedRequest& r, ServedConnection& c) { c.redirect(std::stoi(r.target.substr(1)), other.url("/end")); },
                   {.tls = false});
  const HttpHeaders headers = {
      {"X-Api-Key", "secret"}, {"Authorization", "Bearer secret"}, {"Idempotency-Key", "i"}, {"Content-Type", "t/t"}, {"Accept", "a/b"}};
  for (const int status : {307, 308}) {
    const auto response = client_for(server)->send(
        {.url = server.url("/" + std::to_string(status)), .method = HttpMethod::post, .headers = headers, .body = "secret"});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, errc::network);
    EXPECT_THAT(response.error().message, HasSubstr("refused to take a POST request over to " + other.url("/end")));
  }
  for (const HttpMethod method : {HttpMethod::put, HttpMethod::delete_}) {
    EXPECT_FALSE(client_for(server)->send({.url = server.url("/302"), .method = method}));
  }
  EXPECT_TRUE(other.requests().empty());
  const auto response =
      client_for(server)->send({.url = server.url("/303"), .method = HttpMethod::post, .headers = headers, .body = "secret"});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "GET:");
  const ServedRequest got = other.requests().at(0);
  for (const char* name : {"x-api-key", "authorization", "idempotency-key", "content-type"}) EXPECT_EQ(got.headers.count(name), 0u) << name;
  EXPECT_EQ(got.header("accept"), "a/b");
}

TEST(HttpMethods, the_whole_has_a_time_limit_that_a_dripping_server_cannot_stretch) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        if (r.target == "/loop") {
          std::this_thread::sleep_for(60ms);
          c.redirect(302, "/loop");
          return;
        }
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while (c.send("x")) std::this_thread::sleep_for(20ms);
      },
      {.tls = false});
  HttpOptions options;
  options.idle_timeout = 5s;
  options.total_timeout = 250ms;
  for (const char* path : {"/drip", "/loop"}) {
    const auto start = std::chrono::steady_clock::now();
    const auto response = make_http_client(options)->send({.url = server.url(path)});
    ASSERT_FALSE(response) << path;
    EXPECT_EQ(response.error().code, errc::timeout) << response.error().message;
    EXPECT_THAT(response.error().message, HasSubstr("not done within 250 ms")) << path;
    EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  }
}

}  // namespace
}  // namespace baton::tools
