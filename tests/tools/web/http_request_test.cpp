#include <baton/tools/web/http_request.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls_server.h"
#include "tool_call.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::call_tool;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;

std::string here(const TlsServer& server) { return "localhost:" + std::to_string(server.port()); }

std::unique_ptr<ToolSet> tools_for(const TlsServer& server, bool allow_send = false) {
  auto set = std::make_unique<ToolSet>();
  HttpRequestOptions options;
  options.allow_hosts = {here(server)};
  options.allow_send = allow_send;
  options.http.ca_file = server.ca_file();
  EXPECT_TRUE(add_http_request(*set, options));
  return set;
}

TEST(HttpRequest, brings_status_type_and_text) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    c.respond(200, {{"Content-Type", "application/json"}}, "{\"asked\":\"" + r.header("x-asked") + "\"}");
  });
  const auto set = tools_for(server);
  const ToolResult result = call_tool(*set, "http_request", {{"url", server.url("/a?b=c")}, {"headers", {{"X-Asked", "yes"}}}});
  EXPECT_FALSE(result.is_error);
  EXPECT_EQ(result.content, "HTTP 200, application/json, 15 bytes, from " + server.url("/a?b=c") + "\n\n{\"asked\":\"yes\"}");
}

TEST(HttpRequest, is_not_there_without_an_allowed_host_and_says_which_entry_is_wrong) {
  ToolSet set;
  EXPECT_TRUE(add_http_request(set, {}));
  EXPECT_TRUE(set.empty());
  const auto added = add_http_request(set, {.allow_hosts = {"https://example.com"}});
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("'https://example.com' is not a host that can be allowed"));
}

TEST(HttpRequest, reaches_no_other_host_not_even_by_redirect) {
  TlsServer other([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "secret"); }, {.tls = false});
  TlsServer server([&](const ServedRequest&, ServedConnection& c) { c.redirect(302, other.url("/")); }, {.tls = false});
  const auto set = tools_for(server);
  for (const std::string& url : {server.url("/"), other.url("/"), "http://127.0.0.1:" + std::to_string(server.port()) + "/",
                                 std::string("http://169.254.169.254/latest/meta-data/"), std::string("http://example.com/")}) {
    const ToolResult result = call_tool(*set, "http_request", {{"url", url}});
    EXPECT_TRUE(result.is_error) << url;
    EXPECT_THAT(result.content, Not(HasSubstr("secret")));
    EXPECT_THAT(result.content, HasSubstr("is not among those that the user allowed (--allow-host")) << url;
  }
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpRequest, only_reads_unless_sending_is_allowed) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, ""); });
  const auto set = tools_for(server);
  EXPECT_EQ(set->find("http_request")->spec().traits.effect, Effect::reads);
  EXPECT_FALSE(set->find("http_request")->spec().parameters["properties"].contains("body"));
  EXPECT_TRUE(call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "POST"}}).is_error);
  EXPECT_TRUE(server.requests().empty());
  EXPECT_EQ(tools_for(server, true)->find("http_request")->spec().traits.effect, Effect::sends);
}

TEST(HttpRequest, sends_json_and_text_with_the_calls_key) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    c.respond(201, {{"Content-Type", "text/plain"}}, r.method + r.body);
  });
  const auto set = tools_for(server, true);
  ToolResult result =
      call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "POST"}, {"json", {{"b", 1}, {"a", {1, 2}}}}}, "once");
  EXPECT_THAT(result.content, HasSubstr("\n\nPOST{\"b\":1,\"a\":[1,2]}"));
  EXPECT_EQ(server.requests().back().header("content-type"), "application/json");
  EXPECT_EQ(server.requests().back().header("idempotency-key"), "once");
  result = call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "PUT"}, {"body", "text"}});
  EXPECT_THAT(result.content, HasSubstr("\n\nPUTtext"));
  result = call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "DELETE"}});
  EXPECT_THAT(result.content, HasSubstr("\n\nDELETE"));
  result = call_tool(*set, "http_request", {{"url", server.url("/")}});
  EXPECT_EQ(server.requests().back().headers.count("idempotency-key"), 0u);
  const std::size_t before = server.requests().size();
  EXPECT_THAT(call_tool(*set, "http_request", {{"url", server.url("/")}, {"body", "x"}}).content, HasSubstr("did you mean POST?"));
  EXPECT_THAT(call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "POST"}, {"body", "x"}, {"json", 1}}).content,
              HasSubstr("not both"));
  EXPECT_TRUE(call_tool(*set, "http_request", {{"url", server.url("/")}, {"headers", {{"X", "a\r\nHost: evil"}}}}).is_error);
  EXPECT_EQ(server.requests().size(), before);
}

TEST(HttpRequest, cuts_long_text_and_names_binary_without_fetching_it) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) {
    if (r.target == "/long") {
      c.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n");
      while (c.send("400\r\n" + std::string(1024, 'a') + "\r\n")) {
      }
    } else if (r.target == "/png") {
      c.send("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5000000000\r\n\r\n\x89PNG");
    } else {
      c.respond(200, {},
                std::string("\x7F"
                            "ELF\x02\x01\0\0",
                            8));
    }
  });
  const auto set = tools_for(server);
  const ToolResult cut = call_tool(*set, "http_request", {{"url", server.url("/long")}});
  EXPECT_FALSE(cut.is_error);
  EXPECT_THAT(cut.content, StartsWith("HTTP 200, text/html, more than 16"));
  EXPECT_THAT(cut.content, HasSubstr("a\n[cut here: these are the first 16384 bytes]"));
  const ToolResult png = call_tool(*set, "http_request", {{"url", server.url("/png")}});
  EXPECT_TRUE(png.is_error);
  EXPECT_THAT(png.content, StartsWith("HTTP 200, image/png, 5000000000 bytes"));
  EXPECT_THAT(png.content, HasSubstr("The body is binary and is not shown."));
  EXPECT_THAT(call_tool(*set, "http_request", {{"url", server.url("/elf")}}).content, HasSubstr("binary"));
}

TEST(HttpRequest, shows_text_of_another_encoding_and_says_when_it_knows_none) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        c.respond(200, {{"Content-Type", "text/plain; charset=" + r.target.substr(1)}}, "Z\xfcrich");
      },
      {.tls = false});
  const auto set = tools_for(server);
  EXPECT_THAT(call_tool(*set, "http_request", {{"url", server.url("/iso-8859-1")}}).content, HasSubstr("\n\nZürich"));
  EXPECT_THAT(call_tool(*set, "http_request", {{"url", server.url("/martian")}}).content, HasSubstr("in an encoding that is not known"));
}

TEST(HttpRequest, a_status_of_an_error_is_an_error_with_its_body) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(404, {{"Content-Type", "text/plain"}}, "no such page"); });
  const auto set = tools_for(server);
  const ToolResult result = call_tool(*set, "http_request", {{"url", server.url("/")}});
  EXPECT_TRUE(result.is_error);
  EXPECT_THAT(result.content, StartsWith("HTTP 404, text/plain, 12 bytes"));
  EXPECT_THAT(result.content, HasSubstr("\n\nno such page"));
  const ToolResult head = call_tool(*set, "http_request", {{"url", server.url("/")}, {"method", "HEAD"}});
  EXPECT_THAT(head.content, Not(HasSubstr("no such page")));
}

}  // namespace
}  // namespace baton::tools
