#include <baton/tools/api/api_file.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::tools {
namespace {

using testing::HasSubstr;

std::string fault(const std::string& text) {
  const auto specs = read_api_file(text, "weather.json");
  return specs ? "none" : specs.error().message;
}

TEST(ApiFile, reads_one_tool_a_list_and_defaults) {
  auto one = read_api_file(R"({"name":"a","description":"d","url":"https://x.test/a"})", "f");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->at(0).method, HttpMethod::get);
  EXPECT_EQ(one->at(0).tool.traits.effect, Effect::reads);
  EXPECT_TRUE(one->at(0).tool.traits.idempotent);
  EXPECT_EQ(one->at(0).tool.parameters["type"], "object");
  EXPECT_EQ(read_api_file(
                R"([{"name":"a","description":"d","url":"https://x.test"},{"name":"b","description":"d","url":"https://x.test?a=b"}])", "f")
                ->size(),
            2u);
  auto with_defaults = read_api_file(
      R"({"defaults":{"auth":{"type":"bearer","env":"T"},"headers":{"X-A":"1","X-B":"2"},"timeout_seconds":5,"limit":{"per_minute":9},"retry":{"attempts":5}},
          "tools":[{"name":"a","description":"d","url":"https://x.test","method":"post","headers":{"x-a":"9"}},
                   {"name":"b","description":"d","url":"https://x.test","auth":[],"limit":{"per_second":1},"timeout_seconds":7}]})",
      "f");
  ASSERT_TRUE(with_defaults) << with_defaults.error().message;
  const ApiSpec &a = with_defaults->at(0), &b = with_defaults->at(1);
  EXPECT_EQ(a.auth.at(0).environment, "T");
  EXPECT_EQ(a.tool.traits.effect, Effect::sends);
  EXPECT_FALSE(a.tool.traits.idempotent);
  EXPECT_EQ(a.retry.attempts, 1);
  EXPECT_EQ(a.headers.size(), 2u);
  EXPECT_EQ(a.tool.traits.timeout, std::chrono::seconds(5));
  EXPECT_TRUE(a.shares_limit);
  EXPECT_EQ(b.retry.attempts, 5);
  EXPECT_TRUE(b.auth.empty());
  EXPECT_FALSE(b.shares_limit);
  EXPECT_EQ(b.tool.traits.timeout, std::chrono::seconds(7));
}

TEST(ApiFile, names_file_place_and_remedy_of_each_fault) {
  EXPECT_EQ(
      fault(
          R"({"name":"a","description":"d","url":"https://x.test/{city}","parameters":{"type":"object","properties":{"town":{}},"required":["town"]}})"),
      "weather.json: /url: {city} is not a parameter; they are town\n"
      "weather.json: /url: {city} is part of the url, so the parameter must be required (or have a default)\n"
      "weather.json: /parameters: 'town' is not used: put {town} into url, query, headers or body, or remove it");
  EXPECT_EQ(fault(R"({"tools":[{"name":"a","description":"d","url":"https://x.test","quary":{}}]})"),
            "weather.json: /tools/0/quary: is not a known key here; did you mean 'query'?");
  struct Case {
    const char* member;
    const char* expected;
  };
  for (const auto& [member, expected] : {
           Case{R"("method":"TRACE")", "/method: must be GET, HEAD"},
           {R"("query":{"q":{"value":"x","style":"wild"}})", "/query/q/style: must be repeat"},
           {R"("query":{"a/b":{}})", "/query/a~1b: lacks \"value\""},
           {R"("query":[1])", "/query: must be an object"},
           {R"("headers":{"Authorization":"Bearer abc"})", "/headers/Authorization: must not be in the file, because it is a secret"},
           {R"("headers":{"Host":"evil"})", "/headers/Host: the request header 'Host' is set by the client"},
           {R"("headers":{"X Y":"a"})", "/headers/X Y: the request header"},
           {R"("headers":{"X":"a\r\nb"})", "/headers/X: holds a line break"},
           {R"("body":{"json":{}})", "/body: a GET request has no body"},
           {R"("method":"POST","body":{"json":{},"text":"a"})", "/body: must have one of"},
           {R"("method":"POST","body":{"json":{"a":["{b}"]}})", "/body/json/a/0: {b} is not a parameter; there are none"},
           {R"("method":"POST","retry":{"attempts":2})", "/retry/attempts: must be 1: a second POST could do its work twice"},
           {R"("auth":{"type":"bearer"})", "/auth: lacks \"env\""},
           {R"("auth":{"type":"magic","env":"X"})", "/auth/type: must be bearer"},
           {R"("auth":{"type":"header","env":"X"})", "/auth: lacks \"name\""},
           {R"("auth":{"type":"bearer","env":"sk-live:123"})",
            "/auth/env: must be the name of an environment variable, not the secret itself"},
           {R"("auth":[{"type":"query","name":"k","env":"X"},3])", "/auth/1: must be an object"},
           {R"("result":"data")", "/result: must be a JSON pointer"},
           {R"("pages":{"by":"cursor","parameter":"c"})", "/pages: lacks \"next\""},
           {R"("pages":{"by":"page","parameter":"p","max":1000})", "/pages/max: must be a whole number from 1 to 100"},
           {R"("pages":{"by":"wish"})", "/pages/by: must be cursor"},
           {R"("limit":{"per_second":0})", "/limit/per_second: must be a whole number"},
           {R"("timeout_seconds":"5")", "/timeout_seconds: must be a whole number"},
           {R"("parameters":{"type":"string"})", "/parameters: must be a JSON schema with \"type\": \"object\""},
           {R"("parameters":3)", "/parameters: must be an object"},
       }) {
    const std::string text = R"({"name":"a","description":"d","url":"https://x.test",)" + std::string(member) + "}";
    EXPECT_THAT(fault(text), HasSubstr(std::string("weather.json: ") + expected)) << member;
  }
  for (const auto& [url, expected] : {Case{"ftp://x.test/", "neither http:// nor https://"},
                                      {"x.test/a", "is malformed"},
                                      {"https://{host}/a", "must not have an argument in scheme, host or port"},
                                      {"https://x.test:{port}/a", "must not have an argument in scheme, host or port"},
                                      {"{base}/a", "must not have an argument in scheme, host or port"},
                                      {"https://u:p@x.test/a", "user name or password"},
                                      {"https://x.test/a#b", "must not have a '#'"},
                                      {"https://x.test/a/../b", "must not have '..'"},
                                      {"https://x.test/a%{b}", "must have two hexadecimal digits after each '%'"},
                                      {"https://x.test/w[ather/{b}", "URL"},
                                      {"https://x.test/{", "has a '{' without its '}'"},
                                      {"https://0x7f.1/", "is a number but no address"}}) {
    EXPECT_THAT(fault(R"({"name":"a","description":"d","url":")" + std::string(url) + "\"}"), HasSubstr(expected)) << url;
  }
  EXPECT_THAT(fault("{"), HasSubstr("weather.json: cannot be read as JSON: invalid JSON at byte 1: expected a key in quotes"));
  EXPECT_THAT(fault("[]"), HasSubstr("holds no tool"));
  EXPECT_THAT(fault("3"), HasSubstr("must be an object (one tool)"));
  EXPECT_THAT(fault(R"({"tools":{}})"), HasSubstr("/tools: must be a list"));
  EXPECT_THAT(fault(R"([{"name":"a b","url":1}])"), HasSubstr("/0/name: must be 1 to 64"));
  EXPECT_THAT(fault(std::string(5000, '[')), HasSubstr("nested deeper than 200 levels"));
  EXPECT_THAT(
      fault(R"({"name":"a","description":"d","url":"https://x.test","a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"a7":1,"a8":1,"a9":1})"),
      HasSubstr("... and 1 more"));
}

TEST(ApiFile, paths_are_json_pointers) {
  EXPECT_EQ(*parse_api_path(""), ApiPath());
  EXPECT_EQ(*parse_api_path("/data/0/a~1b~0"), (ApiPath{"data", "0", "a/b~"}));
  EXPECT_FALSE(parse_api_path("data"));
}

}  // namespace
}  // namespace baton::tools
