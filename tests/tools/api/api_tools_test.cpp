// API files against a real server on this machine.
#include <baton/tools/api/api_tools.h>
#include <baton/tools/api/rate_limit.h>
#include <baton/tools/api/reply.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tls_server.h"
#include "tool_call.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::call_tool;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;
using namespace std::chrono_literals;

const tests::ServedHeaders kJson = {{"Content-Type", "application/json"}};

struct Fixture {
  ToolSet set;
  std::vector<std::chrono::milliseconds> waits;
  std::mutex mutex;
  ApiOptions options;

  Fixture() {
    options.environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "WEATHER_KEY") return "se/cret+key";
      if (name == "QUOTED") return "pass\"word\\x";
      if (name == "BROKEN") return "a\nb";
      return std::nullopt;
    };
    options.wait = [this](std::chrono::milliseconds time, std::stop_token) {
      const std::lock_guard lock(mutex);
      waits.push_back(time);
      return true;
    };
    options.random = [] { return 1.0; };
  }

  Result<void> add(Json tool) {
    tool["name"] = "t";
    tool["description"] = "d";
    return add_api_tools(set, tool.dump(), "t.json", options);
  }
  ToolResult call(Json arguments = Json::object()) { return call_tool(set, "t", std::move(arguments)); }
};

TlsServer::Options plain() { return {.tls = false}; }

TEST(ApiTools, calls_and_answers_with_the_part_that_was_asked_for) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        c.respond(200, kJson, R"({"data":{"place":")" + r.target + R"(","days":[{"t":1,"x":0},{"t":2},{"y":3}]}})");
      },
      plain());
  Fixture f;
  const Json parameters = {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}};
  ASSERT_TRUE(f.add({{"url", server.url("/w/{city}")}, {"parameters", parameters}, {"result", "/data/days/*/t"}}));
  EXPECT_EQ(f.call({{"city", "S\xC3\xA3o Paulo"}}).content, "[1,2]");
  EXPECT_EQ(server.requests().at(0).target, "/w/S%C3%A3o%20Paulo");
  Fixture whole;
  ASSERT_TRUE(whole.add({{"url", server.url("/w")}, {"result", "/data/place"}}));
  EXPECT_EQ(whole.call().content, "/w");
  Fixture missing;
  ASSERT_TRUE(missing.add({{"url", server.url("/w")}, {"result", "/nothing"}}));
  EXPECT_TRUE(missing.call().is_error);
  EXPECT_THAT(missing.call().content, HasSubstr("the reply has nothing at /nothing: {\"data\""));
}

TEST(ApiTools, brings_the_secret_where_it_belongs_and_nowhere_else) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        c.respond(r.target.rfind("/deny", 0) == 0 ? 401 : 200, {}, r.target + " " + r.header("authorization") + " " + r.header("x-key"));
      },
      plain());
  struct Case {
    Json auth;
    const char* echo;  // of the request that the server saw, after the secret was blotted out
  };
  for (const auto& [auth, echo] : {Case{{{"type", "bearer"}, {"env", "WEATHER_KEY"}}, "/ Bearer [WEATHER_KEY] "},
                                   {{{"type", "basic"}, {"env", "WEATHER_KEY"}}, "/ Basic [WEATHER_KEY] "},
                                   {{{"type", "header"}, {"name", "X-Key"}, {"env", "WEATHER_KEY"}}, "/  [WEATHER_KEY]"},
                                   {{{"type", "query"}, {"name", "key"}, {"env", "WEATHER_KEY"}}, "/?key=[WEATHER_KEY]  "}}) {
    Fixture f;
    ASSERT_TRUE(f.add({{"url", server.url("/")}, {"auth", auth}}));
    EXPECT_EQ(f.call().content, echo);
  }
  EXPECT_EQ(server.requests().at(0).header("authorization"), "Bearer se/cret+key");
  EXPECT_EQ(server.requests().at(1).header("authorization"), "Basic c2UvY3JldCtrZXk=");
  EXPECT_EQ(server.requests().at(3).target, "/?key=se%2Fcret%2Bkey");
  Fixture quoted;
  TlsServer echo(
      [](const ServedRequest& r, ServedConnection& c) {
        c.respond(200, kJson, Json{{"saw", r.header("x-key")}}.dump());
      },
      plain());
  ASSERT_TRUE(quoted.add({{"url", echo.url("/")}, {"auth", {{"type", "header"}, {"name", "X-Key"}, {"env", "QUOTED"}}}}));
  EXPECT_EQ(quoted.call().content, R"({"saw":"[QUOTED]"})");
  Fixture denied;
  ASSERT_TRUE(denied.add({{"url", server.url("/deny")}, {"auth", {{"type", "query"}, {"name", "key"}, {"env", "WEATHER_KEY"}}}}));
  const ToolResult result = denied.call();
  EXPECT_TRUE(result.is_error);
  EXPECT_THAT(result.content, HasSubstr("HTTP 401 from"));
  EXPECT_THAT(result.content, HasSubstr("check the environment variable WEATHER_KEY"));
  EXPECT_THAT(result.content, Not(HasSubstr("cret")));
}

TEST(ApiTools, a_secret_that_is_not_there_is_said_at_once) {
  Fixture f;
  const auto unset = f.add({{"url", "https://x.test/"}, {"auth", {{"type", "bearer"}, {"env", "NOT_SET"}}}});
  ASSERT_FALSE(unset);
  EXPECT_THAT(unset.error().message, HasSubstr("t.json: /auth: the environment variable NOT_SET is not set"));
  const auto broken = f.add({{"url", "https://x.test/"}, {"auth", {{"type", "bearer"}, {"env", "BROKEN"}}}});
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("holds a line break"));
}

TEST(ApiTools, reaches_the_private_address_that_its_file_names_and_no_other) {
  TlsServer inside([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "secret"); }, plain());
  TlsServer server([&](const ServedRequest&, ServedConnection& c) { c.redirect(302, inside.url("/")); }, plain());
  Fixture f;
  ASSERT_TRUE(f.add({{"url", server.url("/")}}));
  EXPECT_THAT(f.call().content, HasSubstr("which is this machine itself; only the user can allow it"));
  EXPECT_TRUE(inside.requests().empty());
  Fixture metadata;
  ASSERT_TRUE(metadata.add({{"url", "http://169.254.169.254/latest/"}}));
  EXPECT_THAT(metadata.call().content, HasSubstr("a cloud metadata service"));
  Fixture name;
  name.options.http.resolver = [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{"127.0.0.1"}; };
  ASSERT_TRUE(name.add({{"url", "http://api.test:" + std::to_string(inside.port()) + "/"}}));
  EXPECT_THAT(name.call().content, HasSubstr("the host 'api.test' leads to 127.0.0.1"));
  Fixture allowed;
  allowed.options.http.resolver = name.options.http.resolver;
  allowed.options.allow_hosts = {"127.0.0.1"};
  ASSERT_TRUE(allowed.add({{"url", "http://api.test:" + std::to_string(inside.port()) + "/"}}));
  EXPECT_EQ(allowed.call().content, "secret");
}

TEST(ApiTools, tries_again_what_may_be_tried_again) {
  std::atomic<int> n{0};
  TlsServer server(
      [&](const ServedRequest& r, ServedConnection& c) {
        const int attempt = ++n;
        if (r.target == "/after") return void(c.respond(attempt < 2 ? 429 : 200, {{"Retry-After", "3"}}, "ok"));
        if (r.target == "/cut" && attempt < 3) return;
        if (r.target == "/404") return void(c.respond(404, {}, "gone"));
        c.respond(r.target == "/cut" || attempt == 4 ? 200 : 503, {}, "ok");
      },
      plain());
  const auto run = [&](const char* path, const char* method, int attempts) {
    n = 0;
    auto f = std::make_unique<Fixture>();
    Json tool = {{"url", server.url(path)}, {"method", method}};
    if (attempts > 0) tool["retry"] = {{"attempts", attempts}, {"first_delay_ms", 100}, {"max_delay_ms", 250}};
    EXPECT_TRUE(f->add(tool));
    return std::pair(f->call(), f->waits);
  };
  auto [four, waits] = run("/", "GET", 4);
  EXPECT_EQ(four.content, "ok");
  EXPECT_EQ(waits, (std::vector<std::chrono::milliseconds>{100ms, 200ms, 250ms}));
  EXPECT_TRUE(run("/", "GET", 2).first.is_error);
  EXPECT_EQ(n, 2);
  EXPECT_THAT(run("/", "POST", 0).first.content, HasSubstr("HTTP 503"));
  EXPECT_EQ(n, 1);
  EXPECT_EQ(run("/after", "PUT", 2).second, std::vector<std::chrono::milliseconds>{3000ms});
  EXPECT_EQ(run("/cut", "DELETE", 3).first.content, "ok");
  EXPECT_TRUE(run("/404", "GET", 3).first.is_error);
  EXPECT_EQ(n, 1);
}

TEST(ApiTools, does_not_wait_past_the_end_of_the_call) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(429, {{"Retry-After", "3600"}}, "slow down"); }, plain());
  Fixture f;
  ASSERT_TRUE(f.add({{"url", server.url("/")}}));
  EXPECT_THAT(f.call().content, HasSubstr("HTTP 429"));
  EXPECT_THAT(f.call().content, HasSubstr("to be tried again in 3600 s: slow down"));
  EXPECT_TRUE(f.waits.empty());
}

TEST(ApiTools, carries_the_calls_key_when_it_sends) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) { c.respond(201, {}, r.body); }, plain());
  Fixture f;
  ASSERT_TRUE(f.add({{"url", server.url("/")}, {"method", "POST"}, {"body", {{"json", {{"a", 1}}}}}}));
  EXPECT_EQ(f.call().content, R"({"a":1})");
  EXPECT_EQ(server.requests().at(0).header("idempotency-key"), "key-1");
  EXPECT_EQ(f.set.find("t")->spec().traits.effect, Effect::sends);
}

// Three pages of two, in each of the ways that APIs use.
void serve_pages(const ServedRequest& r, ServedConnection& c) {
  const auto at = r.target.find("n=");
  const int n = at == std::string::npos ? 1 : std::atoi(r.target.c_str() + at + 2);
  const std::string items = n > 3 ? "[]" : "[{\"id\":" + std::to_string(2 * n - 1) + "},{\"id\":" + std::to_string(2 * n) + "}]";
  const std::string next = std::to_string(n + 1);
  tests::ServedHeaders headers = kJson;
  if (n < 3 && r.target.rfind("/link", 0) == 0)
    headers.emplace_back("Link", "</link?n=1>; rel=\"first\", </link?n=" + next + ">; rel=\"next\"");
  if (r.target.rfind("/away", 0) == 0) headers.emplace_back("Link", "<http://evil.test/?n=2>; rel=next");
  c.respond(200, headers,
            "{\"items\":" + items + ",\"next\":" + (n < 3 ? next : "null") + ",\"url\":" + (n < 3 ? "\"/url?n=" + next + "\"" : "\"\"") +
                ",\"more\":" + (n < 3 ? "true" : "false") + "}");
}

TEST(ApiTools, goes_through_pages) {
  TlsServer server(serve_pages, plain());
  const std::string all = R"([{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}])";
  struct Case {
    const char* path;
    Json pages;
    std::size_t n_requests;
  };
  for (const auto& [path, pages, n_requests] : {Case{"/page", {{"by", "page"}, {"parameter", "n"}}, 4},
                                                {"/more", {{"by", "page"}, {"parameter", "n"}, {"more", "/more"}}, 3},
                                                {"/cursor", {{"by", "cursor"}, {"parameter", "n"}, {"next", "/next"}}, 3},
                                                {"/link", {{"by", "link"}}, 3},
                                                {"/url", {{"by", "url"}, {"next", "/url"}}, 3}}) {
    const std::size_t before = server.requests().size();
    Fixture f;
    ASSERT_TRUE(f.add({{"url", server.url(path)}, {"result", "/items"}, {"pages", pages}}));
    EXPECT_EQ(f.call().content, all) << path;
    EXPECT_EQ(server.requests().size() - before, n_requests) << path;
  }
  Fixture few;
  ASSERT_TRUE(few.add({{"url", server.url("/link")}, {"result", "/items"}, {"pages", {{"by", "link"}, {"max", 2}}}}));
  EXPECT_EQ(few.call().content, "[these are the first 2 pages, 4 items; there are more]\n[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]");
  Fixture away;
  ASSERT_TRUE(away.add({{"url", server.url("/away")}, {"result", "/items"}, {"pages", {{"by", "link"}}}}));
  EXPECT_THAT(away.call().content,
              HasSubstr("[the next page is said to be at another host, where it is not fetched; there are more]\n[{\"id\":1}"));
}

TEST(ApiTools, keeps_its_rate) {
  RateLimit limit({.per_second = 2, .per_minute = 5});
  const Clock::time_point t{};
  const auto late = t + 1h;
  EXPECT_EQ(limit.turn(t, late), t);
  EXPECT_EQ(limit.turn(t, late), t);
  EXPECT_EQ(limit.turn(t, late), t + 1s);
  EXPECT_EQ(limit.turn(t + 500ms, late), t + 1s);
  EXPECT_EQ(limit.turn(t + 5s, late), t + 5s);
  EXPECT_EQ(limit.turn(t + 6s, t + 10s), std::nullopt);
  EXPECT_EQ(limit.turn(t + 6s, late), t + 60s);
  EXPECT_EQ(limit.turn(t + 6s, late), t + 60s);
  EXPECT_EQ(limit.turn(t + 6s, late), t + 61s);
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "ok"); }, plain());
  Fixture f;
  ASSERT_TRUE(f.add({{"url", server.url("/")}, {"limit", {{"per_minute", 1}}}, {"timeout_seconds", 2}}));
  EXPECT_EQ(f.call().content, "ok");
  EXPECT_THAT(f.call().content, HasSubstr("too many calls for this API's limit"));
}

// In quadratic time the first reply would take minutes, past any deadline.
TEST(ApiTools, a_reply_may_be_wide_but_not_without_end) {
  const auto keys = [](int n) {
    std::string text = "{\"last\":\"z\"";
    for (int i = 0; i < n; ++i) text += ",\"k" + std::to_string(i) + "\":1";
    return text + "}";
  };
  TlsServer server(
      [&](const ServedRequest& r, ServedConnection& c) { c.respond(200, kJson, keys(r.target == "/wide" ? 150'000 : 250'000)); }, plain());
  Fixture wide, wider;
  ASSERT_TRUE(wide.add({{"url", server.url("/wide")}, {"result", "/last"}}));
  EXPECT_EQ(wide.call().content, "z");
  ASSERT_TRUE(wider.add({{"url", server.url("/wider")}, {"result", "/last"}}));
  EXPECT_THAT(wider.call().content, HasSubstr("the reply is too large to be searched: JSON refused at byte"));
  Fixture unsearched;
  ASSERT_TRUE(unsearched.add({{"url", server.url("/wider")}}));
  EXPECT_THAT(unsearched.call().content, HasSubstr("\"k0\":1"));
}

TEST(ApiTools, tells_binary_and_empty_replies) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        if (r.target == "/png") return void(c.respond(200, {{"Content-Type", "image/png"}}, "\x89PNG"));
        if (r.target == "/json") return void(c.respond(200, kJson, "<html>"));
        c.respond(204, {}, "");
      },
      plain());
  for (const auto& [path, expected] : {std::pair{"/png", "the reply is binary (image/png, 4 bytes)"},
                                       {"/json", "the reply is not JSON as expected (application/json, 6 bytes): <html>"},
                                       {"/", "HTTP 204: done, the reply is empty"}}) {
    Fixture f;
    ASSERT_TRUE(f.add({{"url", server.url(path)}}));
    EXPECT_THAT(f.call().content, HasSubstr(expected));
  }
}

TEST(ApiTools, reads_a_reply_in_the_charset_that_it_declares) {
  TlsServer server(
      [](const ServedRequest&, ServedConnection& c) {
        c.respond(200, {{"Content-Type", "application/json; charset=ISO-8859-1"}}, "{\"city\": \"Z\xfcrich\"}");
      },
      plain());
  Fixture f;
  ASSERT_TRUE(f.add({{"url", server.url("/")}, {"result", "/city"}}));
  EXPECT_EQ(f.call().content, "Zürich");
}

TEST(ApiTools, the_weather_example_runs) {
  std::ifstream in(std::string(BATON_SOURCE_DIR) + "/examples/weather_api.json");
  std::string text(std::istreambuf_iterator<char>(in), {});
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        const bool known = r.header("x-api-key") == "se/cret+key" && r.target == "/v1/weather/Lisbon?unit=celsius";
        c.respond(known ? 200 : 404, kJson, R"({"current":{"temperature":21},"station":7})");
      },
      plain());
  const std::size_t port = text.find("8787");
  ASSERT_NE(port, std::string::npos);
  text.replace(port, 4, std::to_string(server.port()));
  Fixture f;
  const auto added = add_api_tools(f.set, text, "weather_api.json", f.options);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(call_tool(f.set, "get_weather", {{"city", "Lisbon"}}).content, R"({"temperature":21})");
}

TEST(ApiTools, reads_links_and_dates) {
  EXPECT_EQ(next_link({{"link", "<a>; rel=prev, <b?x=1,2>; title=\"next\"; rel=\"last next\""}}), "b?x=1,2");
  EXPECT_EQ(next_link({{"Link", "<a>; rel=\"nextish\""}, {"Link", "<c>;rel=NEXT"}}), "c");
  EXPECT_EQ(next_link({{"Link", "<a; rel=next"}, {"X", "<c>; rel=next"}}), "");
  const auto now = std::chrono::system_clock::from_time_t(1'000'000'000);  // Sun, 09 Sep 2001 01:46:40 GMT
  EXPECT_EQ(retry_after({{"Retry-After", "Sun, 09 Sep 2001 01:47:40 GMT"}}, now), 60s);
  EXPECT_EQ(retry_after({{"Retry-After", "Sun, 09 Sep 2001 01:45:40 GMT"}}, now), 0s);
  EXPECT_EQ(retry_after({{"Retry-After", "120"}}, now), 120s);
  for (const char* wrong : {"", "-1", "soon", "99999999999999999999"})
    EXPECT_EQ(retry_after({{"Retry-After", wrong}}, now), std::nullopt) << wrong;
}

}  // namespace
}  // namespace baton::tools
