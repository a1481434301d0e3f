// Masks against the machine, stepped through every token, over a vocabulary of all awkward cases.
#include "grammar_fixture.h"

#include <random>

namespace baton::llm {
namespace {

std::vector<std::string> vocabulary() {
  std::vector<std::string> tokens = {"", "<|end|>"};  // a control token has no bytes; a long name is text like any other
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(std::string(1, static_cast<char>(byte)));
  const std::vector<std::string> pieces = {
      "{",        "}",  "[", "]", "\"", ", ", ": ",   "\\",   "\\n", "\\u00", "a", "abc", "ü",    "\xc3", "\xbc",     "𝄞",    "\xf0\x9d",
      "\x84\x9e", "12", "0", "-", ".5", "e+", "true", "null", "fal", "se",    " ", "\n",  "name", "x_y",  "\xed\xa0", "日本", "\xe6\x97"};
  std::mt19937 random(7);
  const auto pick = [&]() -> const std::string& { return pieces[random() % pieces.size()]; };
  for (int i = 0; i < 3000; ++i) {
    std::string token;
    for (unsigned n = 1 + random() % 4; n > 0; --n) token += pick();
    tokens.push_back(token);
  }
  tokens.push_back(std::string(300, 'a'));  // longer than any token that is examined
  return tokens;
}

bool fits(Machine& machine, StateId state, const std::string& token) {
  for (const char c : token) {
    if (state == kDeadState) return false;
    state = machine.step(state, static_cast<std::uint8_t>(c));
  }
  return state != kDeadState;
}

TEST(Masker, allows_exactly_the_tokens_that_fit_wherever_the_writing_has_come_to) {
  const std::vector<std::string> tokens = vocabulary();
  const TokenTrie trie(tokens);
  std::mt19937 random(11);
  int n_masks = 0;
  for (
      const char* schema :
      {"{}",
       R"({"type":"object","properties":{"name":{"type":"string","maxLength":5},"x_y":{"type":"integer"},"abc":{"enum":["aü","a日本",null]}}})",
       R"({"type":"array","items":{"type":"string","minLength":3,"maxLength":9}})", R"({"type":"string","pattern":"^(abc|ü|\\n)+$"})",
       R"({"type":"string","minLength":4})",
       R"({"type":"array","items":{"anyOf":[{"type":"number","minimum":0},{"type":"string"},{"type":"boolean"}]},"maxItems":6})",
       R"({"type":"object","additionalProperties":{"type":"string","pattern":"𝄞"}})"}) {
    Written written(schema);
    Machine& machine = written.machine();
    Masker masker(machine, trie);
    for (int run = 0; run < 12; ++run) {
      StateId state = machine.start();
      for (int step = 0; step < 25; ++step) {
        const TokenMask mask = masker.mask(state);
        std::vector<std::int32_t> allowed;
        for (std::size_t id = 0; id < tokens.size(); ++id) {
          const bool expected = !tokens[id].empty() && tokens[id].size() <= TokenTrie::kMaxTokenBytes && fits(machine, state, tokens[id]);
          ASSERT_EQ(allows(mask, static_cast<std::int32_t>(id)), expected) << schema << ": token '" << tokens[id] << "'";
          if (expected) allowed.push_back(static_cast<std::int32_t>(id));
        }
        ++n_masks;
        if (allowed.empty()) break;
        for (const char c : tokens[static_cast<std::size_t>(allowed[random() % allowed.size()])])
          state = machine.step(state, static_cast<std::uint8_t>(c));
      }
    }
  }
  EXPECT_GT(n_masks, 500);
}

TEST(Masker, follows_a_text_as_far_as_it_may_be_written) {
  const std::vector<std::string> tokens = {"\"", "\",", "\"}", "\"}}", "a", "/", "/\"}", "/a", "x\""};
  const TokenTrie trie(tokens);
  Written written(R"({"type":"object","properties":{"k":{"type":"string"}},"required":["k"],"additionalProperties":false})");
  Machine& machine = written.machine();
  Masker masker(machine, trie);
  StateId state = machine.start();
  for (const char c : std::string(R"({"k": "v)")) state = machine.step(state, static_cast<std::uint8_t>(c));
  const auto allowed = [&](const TokenMask& mask) {
    std::vector<std::string> all;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (allows(mask, static_cast<std::int32_t>(id))) all.push_back(tokens[id]);
    }
    return all;
  };
  EXPECT_EQ(masker.writable(state, "/\", \""), "/\"") << "another member there is not";
  EXPECT_EQ(masker.writable(state, "\n"), "");
  EXPECT_THAT(allowed(masker.along(state, "/\"")), testing::ElementsAre("/\"}"));
  EXPECT_THAT(allowed(masker.along(state, "\"")), testing::ElementsAre("\"", "\"}"));
  EXPECT_THAT(allowed(masker.along(state, "aa\"")), testing::ElementsAre("a")) << "no token goes so far: the longest on the way";
}

TEST(Masker, a_state_that_was_met_before_costs_no_new_states) {
  const std::vector<std::string> tokens = vocabulary();
  const TokenTrie trie(tokens);
  Written written(
      R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}})");
  Machine& machine = written.machine();
  Masker masker(machine, trie);
  const auto write = [&](const std::string& text) {
    StateId state = machine.start();
    for (const char c : text) {
      state = machine.step(state, static_cast<std::uint8_t>(c));
      masker.mask(state);
    }
  };
  write(R"([{"name": "a"}, {"name": "b"}, )");
  const std::size_t before = machine.n_states();
  write(R"([{"name": "a"}, {"name": "b"}, {"name": "abcd"}, {"name": "x"}, {"name": "y"}])");
  EXPECT_EQ(machine.n_states(), before);
}

}  // namespace
}  // namespace baton::llm
