#include <baton/tools/read_json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <random>

#include "sanitized.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string message_of(std::string_view text, const JsonLimits& limits = {}) {
  const auto read = read_json(text, limits);
  return read ? "read: " + read->value.dump() : read.error().message;
}

// A list or an object of n entries.
std::string many(const char* brackets, int n, const std::function<std::string(int)>& entry) {
  std::string text(1, brackets[0]);
  for (int i = 0; i < n; ++i) text += (i == 0 ? "" : ",") + entry(i);
  return text + brackets[1];
}
std::string member(int i) { return "\"k" + std::to_string(i) + "\":1"; }

// Processor time, which other programs do not lengthen. In quadratic time each of these inputs takes many minutes.
double seconds_to_read(const std::string& text, const JsonLimits& limits) {
  const std::clock_t begin = std::clock();
  (void)read_json(text, limits);
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(ReadJson, reads_what_json_parse_reads_and_keeps_the_order) {
  for (const char* text :
       {"null", " true ", "-0", "-1", "18446744073709551615", "18446744073709551616", "1.5e3", R"("\u00fc\ud83d\ude00\n")", "[]", "{}",
        R"({"b":[1,{"c":null,"a":[[],{}]}],"a":{"z":1,"y":{"x":[false]}},"":""})"}) {
    const auto read = read_json(text);
    ASSERT_TRUE(read) << text << ": " << read.error().message;
    EXPECT_EQ(read->value.dump(), Json::parse(text).dump());
    EXPECT_EQ(read->value.type(), Json::parse(text).type()) << text;
  }
  EXPECT_EQ(read_json(R"({"a":[{"b":1},{"b":2}]})")->keys, 3u);
}

// Bytes changed at random: read and refused alike.
TEST(ReadJson, agrees_with_json_parse_on_broken_texts) {
  const std::string whole =
      R"({"type":"message","content":[{"text":"gr\u00fcße \ud83d\ude00"},[-1.5e-3,20,true,null,{"a":{},"a":[]}]],"n":0})";
  constexpr std::string_view kBytes = "{}[]\",:\\u0189-+.eE tfn\x01\xC3\xFF\n";
  std::mt19937 random(7);
  int n_read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole;
    for (int changes = 1 + i % 3; changes > 0; --changes) text[random() % text.size()] = kBytes[random() % kBytes.size()];
    if (i % 5 == 0) text.resize(random() % text.size());
    const Json expected = Json::parse(text, nullptr, false);
    const auto read = read_json(text);
    ASSERT_EQ(read.has_value(), !expected.is_discarded()) << text;
    if (!read) continue;
    ASSERT_EQ(read->value.dump(), expected.dump()) << text;
    ++n_read;
  }
  EXPECT_GT(n_read, 1000);
}

TEST(ReadJson, says_what_is_wrong_and_at_which_byte) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "invalid JSON at byte 0: expected a value, found the end of the text"},
      {"{\"a\": 1, \"b\": x}", "invalid JSON at byte 15: expected a value, found 'x'"},
      {"{", "invalid JSON at byte 1: expected a key in quotes, found the end of the text"},
      {"{a:1}", "invalid JSON at byte 2: expected a key in quotes, found 'a'"},
      {"{\"a\" 1}", "invalid JSON at byte 6: expected ':', found '1'"},
      {"[1 2]", "invalid JSON at byte 4: expected ',' or ']', found '2'"},
      {"{\"a\":1 \"b\":2}", "invalid JSON at byte 10: expected ',' or '}', found a string"},
      {"[1,\n]", "invalid JSON at byte 5 (line 2): expected a value, found ']'"},
      {"[1] []", "invalid JSON at byte 5: expected nothing after the value, found '['"},
      {"[\xC3", "invalid JSON at byte 2: expected a value, found the byte 0xC3"},
      {"\"\xff\"", "invalid JSON at byte 2: invalid string: ill-formed UTF-8 byte"},
      {"[1e999]", "invalid JSON at byte 6: this number is too large"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(message_of(text), expected);
    EXPECT_EQ(read_json(text).error().code, errc::invalid_argument);
  }
}

TEST(ReadJson, each_limit_is_told_with_its_figure) {
  const JsonLimits limits{.levels = 3, .keys_of_object = 4, .keys = 6, .values = 10};
  EXPECT_EQ(message_of("[[[1]]]", limits), "read: [[[1]]]");
  EXPECT_EQ(message_of("[[{\"a\":[]}]]", limits), "JSON refused at byte 8: it is nested deeper than 3 levels");
  EXPECT_EQ(message_of(many("{}", 5, member), limits), "JSON refused at byte 33: an object has more than 4 keys");
  EXPECT_EQ(message_of("[" + many("{}", 4, member) + "," + many("{}", 3, member) + "]", limits),
            "JSON refused at byte 50: its objects have more than 6 keys in all");
  EXPECT_THAT(message_of("[0,1,2,3,4,5,6,7,8,9,10]", limits), HasSubstr("it has more than 10 values"));
  EXPECT_EQ(read_json("[[[[]]]]", limits).error().code, errc::too_large);
  EXPECT_TRUE(read_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(read_json(std::string(65, '[') + std::string(65, ']')));
}

// Like Json::parse: the last value, in the place of the first.
TEST(ReadJson, reports_keys_that_stand_twice) {
  const auto read = read_json(R"({"a": {"b": 1}, "c": [{"b": 1}, {"b": 2, "x/~": [], "b": {"d": [1]}, "x/~": 3}], "a": 4})");
  EXPECT_EQ(read->repeated, (std::vector<std::string>{"/c/1/b", "/c/1/x~1~0", "/a"}));
  EXPECT_EQ(read->value.dump(), R"({"a":4,"c":[{"b":1},{"b":{"d":[1]},"x/~":3}]})");
  EXPECT_TRUE(read_json(R"([{"a":1},{"a":2,"b":{"a":3}}])")->repeated.empty());

  // Many keys are looked up in another way.
  const auto wide = read_json(many("{}", 2000, [](int i) { return "\"k" + std::to_string(i % 1000) + "\":" + std::to_string(i); }));
  EXPECT_EQ(wide->keys, 2000u) << "each is read";
  EXPECT_EQ(wide->value.size(), 1000u);
  EXPECT_EQ(wide->repeated.size(), ReadJson::kMostRepeated);
  EXPECT_EQ(wide->repeated[1], "/k1");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(wide->value["k" + std::to_string(i)], 1000 + i);

  const std::string name(100'000, 'n');
  const auto long_names = read_json("{\"" + name + "\":1,\"" + name + "\":2}");
  EXPECT_LT(long_names->repeated.front().size(), 1100u);
}

TEST(ReadJson, takes_linear_time_for_wide_and_long_documents) {
  if (kSanitized) GTEST_SKIP() << "it measures time, and a sanitizer changes that";
  const JsonLimits deep{.levels = 10'000'000, .keys_of_object = SIZE_MAX, .keys = SIZE_MAX, .values = SIZE_MAX};
  const std::string inputs[] = {
      many("{}", 300'000, member),
      many("[]", 500'000, [](int) { return "{}"; }),
      many("[]", 300'000, [](int i) { return "\"s" + std::to_string(i) + "\""; }),
      many("[]", 200'000, [](int i) { return "{\"a\":{\"b\":" + std::to_string(i) + "}}"; }),
      many("{}", 500'000, [](int) { return std::string("\"k\":1"); }),
      std::string(500'000, '[') + std::string(500'000, ']'),
      many("[]", 100, [](int) { return many("{}", 4000, member); }),
  };
  for (const std::string& text : inputs) EXPECT_LT(seconds_to_read(text, deep), 20) << text.substr(0, 40);
}

TEST(ReadJson, refuses_the_widest_bodies_by_default_and_takes_those_that_clients_send) {
  if (kSanitized) GTEST_SKIP() << "it measures time, and a sanitizer changes that";
  EXPECT_THAT(message_of(many("{}", 1'000'000, member)), HasSubstr("more than 4096 keys"));
  EXPECT_THAT(message_of(many("[]", 1'100'000, [](int) { return "{}"; })), HasSubstr("more than 1000000 values"));
  EXPECT_THAT(message_of(many("[]", 300, [](int) { return many("{}", 4000, member); })), HasSubstr("more than 500000 keys"));
  EXPECT_THAT(message_of(std::string(8 << 20, '{')), StartsWith("invalid JSON at byte 2"));
  EXPECT_THAT(message_of(std::string(8 << 20, '[')), StartsWith("JSON refused at byte 65"));

  const auto numbers = many("[]", 500'000, [](int i) { return "0." + std::to_string(i); });  // such as embeddings
  EXPECT_TRUE(read_json(numbers));
  const auto tools = many("[]", 256, [](int i) {
    return "{\"name\":\"t" + std::to_string(i) + "\",\"parameters\":" +
           many("{}", 300, [](int k) { return "\"p" + std::to_string(k) + "\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}"; }) + "}";
  });
  EXPECT_TRUE(read_json(tools)) << message_of(tools).substr(0, 200);
  const auto messages = many("[]", 10'000, [](int i) {
    return R"({"type":"message","role":"user","content":[{"type":"input_text","text":")" + std::to_string(i) + "\"}]}";
  });
  EXPECT_TRUE(read_json(messages));
}

}  // namespace
}  // namespace baton::tools
