// The influence of arguments on a request: they fill their place, and nothing else.
#include <baton/tools/api/api_file.h>
#include <baton/tools/api/request_builder.h>
#include <baton/tools/http/http_url.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::tools {
namespace {

using testing::HasSubstr;

ApiSpec spec_of(Json tool) {
  tool["name"] = "t";
  tool["description"] = "d";
  auto specs = read_api_file(tool.dump(), "t.json");
  EXPECT_TRUE(specs) << specs.error().message;
  return specs ? specs->at(0) : ApiSpec();
}

Json strings(std::initializer_list<const char*> names, std::initializer_list<const char*> required = {}) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const char* name : names) schema["properties"][name] = Json::object();
  for (const char* name : required) schema["required"].push_back(name);
  return schema;
}

std::string url_of(const ApiSpec& spec, const Json& arguments) {
  const auto request = build_request(spec, arguments);
  return request ? request->full_url() : "refused: " + request.error().message;
}

TEST(TextTemplate, reads_arguments_and_braces) {
  const auto text = TextTemplate::parse("a{b}c{{d}}{e f}");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->arguments(), (std::vector<std::string>{"b", "e f"}));
  EXPECT_EQ(text->parts()[2].text, "c{d}");
  EXPECT_EQ(*TextTemplate::parse("{x}")->whole(), "x");
  EXPECT_EQ(TextTemplate::parse("{x}y")->whole(), nullptr);
  for (const char* wrong : {"{", "}", "a{b", "a}b", "{}", "{a{b}}"}) EXPECT_FALSE(TextTemplate::parse(wrong)) << wrong;
}

TEST(RequestBuilder, arguments_stay_in_their_path_segment) {
  const ApiSpec spec = spec_of({{"url", "https://api.test/users/{id}/posts"}, {"parameters", strings({"id"}, {"id"})}});
  EXPECT_EQ(url_of(spec, {{"id", "a b"}}), "https://api.test/users/a%20b/posts");
  EXPECT_EQ(url_of(spec, {{"id", 17}}), "https://api.test/users/17/posts");
  EXPECT_EQ(url_of(spec, {{"id", {1, 2}}}), "https://api.test/users/1%2C2/posts");
  EXPECT_EQ(url_of(spec, {{"id", "a?admin=1#x"}}), "https://api.test/users/a%3Fadmin%3D1%23x/posts");
  EXPECT_EQ(url_of(spec, {{"id", "@evil.test/"}}), "https://api.test/users/%40evil.test%2F/posts");
  EXPECT_EQ(url_of(spec, {{"id", "%2e%2e"}}), "https://api.test/users/%252e%252e/posts");
  EXPECT_EQ(url_of(spec, {{"id", "caf\xC3\xA9"}}), "https://api.test/users/caf%C3%A9/posts");
  for (const Json& hostile :
       {Json(".."), Json("."), Json(""), Json("../../admin"), Json("a/../b"), Json("..\\admin"), Json("a/.."), Json("x\r\nHost: e"),
        Json(std::string("a\0b", 3)), Json(nullptr), Json::object(), Json({{"a", 1}}), Json::array({Json::array({1})})}) {
    EXPECT_THAT(url_of(spec, {{"id", hostile}}), HasSubstr("refused: ")) << hostile;
  }
  EXPECT_THAT(url_of(spec, Json::object()), HasSubstr("the argument 'id' is missing"));
}

TEST(RequestBuilder, two_arguments_cannot_make_dots_together) {
  const ApiSpec spec = spec_of({{"url", "https://api.test/a/{x}{y}/b"}, {"parameters", strings({"x", "y"}, {"x", "y"})}});
  EXPECT_EQ(url_of(spec, {{"x", "1"}, {"y", "2"}}), "https://api.test/a/12/b");
  EXPECT_THAT(url_of(spec, {{"x", "."}, {"y", "."}}), HasSubstr("refused: the argument 'x' holds '.'"));
  EXPECT_EQ(url_of(spec, {{"x", ".a"}, {"y", "b."}}), "https://api.test/a/.ab./b");
}

TEST(RequestBuilder, whatever_an_argument_holds_host_and_path_are_the_files) {
  const ApiSpec spec =
      spec_of({{"url", "https://api.test/v1/{id}"}, {"query", {{"q", "{q}"}}}, {"parameters", strings({"id", "q"}, {"id"})}});
  const std::string alphabet = "abz09/\\?#&=@:;%.+ \t\r\n\"'<>[]{}|^`~!$()*,\x7F\x01\xC3\xA9\xFF";
  unsigned state = 1;
  int sent = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string id, q;
    for (std::string* text : {&id, &q}) {
      for (int n = static_cast<int>((state = state * 1664525 + 1013904223) >> 28); n >= 0; --n) {
        *text += alphabet[((state = state * 1664525 + 1013904223) >> 16) % alphabet.size()];
      }
    }
    const auto request = build_request(spec, {{"id", id}, {"q", q}});
    if (!request) continue;
    ++sent;
    const auto url = parse_http_url(request->full_url());
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->origin(), "https://api.test:443");
    EXPECT_EQ(url->text, request->full_url());  // nothing in it needed an escape
    ASSERT_EQ(url->target.rfind("/v1/", 0), 0u);
    EXPECT_EQ(std::count(url->target.begin(), url->target.end(), '/'), 2);
    EXPECT_EQ(std::count(url->target.begin(), url->target.end(), '?'), 1);
    EXPECT_EQ(url->target.find('&'), std::string::npos);
  }
  EXPECT_GT(sent, 5'000);
}

TEST(RequestBuilder, queries_have_styles) {
  const auto url = [](const char* style, const Json& value) {
    const ApiSpec spec =
        spec_of({{"url", "https://api.test/"}, {"query", {{"f", {{"value", "{x}"}, {"style", style}}}}}, {"parameters", strings({"x"})}});
    return url_of(spec, {{"x", value}}).substr(17);
  };
  const Json list = {"a,b", 2};
  EXPECT_EQ(url("repeat", list), "?f=a%2Cb&f=2");
  EXPECT_EQ(url("comma", list), "?f=a%2Cb,2");
  EXPECT_EQ(url("space", list), "?f=a%2Cb%202");
  EXPECT_EQ(url("pipe", list), "?f=a%2Cb%7C2");
  EXPECT_EQ(url("brackets", list), "?f%5B%5D=a%2Cb&f%5B%5D=2");
  EXPECT_EQ(url("deep", Json{{"a", list}, {"b", {{"c", true}}}}), "?f%5Ba%5D%5B0%5D=a%2Cb&f%5Ba%5D%5B1%5D=2&f%5Bb%5D%5Bc%5D=true");
  EXPECT_THAT(url("deep", Json{{"a][b", 1}}), HasSubstr("holds a bracket"));
  EXPECT_EQ(url("json", Json{{"a", 1}}), "?f=%7B%22a%22%3A1%7D");
  EXPECT_EQ(url("repeat", "a&g=1"), "?f=a%26g%3D1");
  EXPECT_EQ(url("repeat", Json::array()), "");
  const ApiSpec spec = spec_of(
      {{"url", "https://api.test/?v=2"}, {"query", {{"q", "{x}"}, {"n", 10}, {"p", "id:{y}"}}}, {"parameters", strings({"x", "y"})}});
  EXPECT_EQ(url_of(spec, Json::object()), "https://api.test/?v=2&n=10");
  EXPECT_EQ(url_of(spec, {{"x", ""}, {"y", 1.5}}), "https://api.test/?v=2&q=&n=10&p=id%3A1.5");
  EXPECT_THAT(url_of(spec, {{"x", {{"admin", true}}}}), HasSubstr("refused"));
}

TEST(RequestBuilder, headers_take_no_line_break) {
  const ApiSpec spec = spec_of({{"url", "https://api.test/"}, {"headers", {{"X-Trace", "id {x}"}}}, {"parameters", strings({"x"})}});
  EXPECT_EQ(build_request(spec, {{"x", "7"}})->headers, (HttpHeaders{{"X-Trace", "id 7"}}));
  EXPECT_TRUE(build_request(spec, Json::object())->headers.empty());
  for (const char* hostile : {"a\r\nHost: evil", "a\nb", "a\rb", "\x7F", "\x01"}) {
    const auto request = build_request(spec, {{"x", hostile}});
    ASSERT_FALSE(request) << hostile;
    EXPECT_THAT(request.error().message, HasSubstr("the header X-Trace cannot hold"));
  }
}

TEST(RequestBuilder, bodies_keep_the_types_of_arguments) {
  ApiSpec spec =
      spec_of({{"url", "https://api.test/"},
               {"method", "POST"},
               {"body", {{"json", {{"title", "{t}"}, {"note", "by {who}"}, {"list", {"{a}", "{b}"}}, {"fixed", 1}, {"any", "{any}"}}}}},
               {"parameters", strings({"t", "who", "a", "b", "any"})}});
  auto request = build_request(spec, {{"t", "q\"x\""}, {"a", 1}, {"any", {{"deep", Json::array()}}}});
  EXPECT_EQ(request->body, R"({"title":"q\"x\"","list":[1],"fixed":1,"any":{"deep":[]}})");
  EXPECT_EQ(*find_header(request->headers, "content-type"), "application/json");
  EXPECT_EQ(build_request(spec, {{"t", nullptr}, {"who", "me"}})->body, R"({"title":null,"note":"by me","list":[],"fixed":1})");

  spec = spec_of({{"url", "https://api.test/"},
                  {"method", "POST"},
                  {"body", {{"form", {{"meta", "{m}"}, {"n", "{n}"}}}}},
                  {"parameters", strings({"m", "n"})}});
  request = build_request(spec, {{"m", {{"a b", "1&n=2"}, {"list", {{{"price", "p"}}}}}}, {"n", 3}});
  EXPECT_EQ(request->body, "meta%5Ba%20b%5D=1%26n%3D2&meta%5Blist%5D%5B0%5D%5Bprice%5D=p&n=3");
  EXPECT_EQ(*find_header(request->headers, "content-type"), "application/x-www-form-urlencoded");

  spec = spec_of({{"url", "https://api.test/"},
                  {"method", "PUT"},
                  {"body", {{"text", "{m}!"}, {"type", "text/csv"}}},
                  {"parameters", strings({"m"})}});
  EXPECT_EQ(build_request(spec, {{"m", "a,b\n"}})->body, "a,b\n!");
}

TEST(RequestBuilder, fills_in_the_schemas_defaults) {
  Json schema = strings({"v"});
  schema["properties"]["v"] = {{"default", "latest"}};
  const ApiSpec spec = spec_of({{"url", "https://api.test/{v}"}, {"parameters", schema}});
  EXPECT_EQ(url_of(spec, Json::object()), "https://api.test/latest");
}

}  // namespace
}  // namespace baton::tools
