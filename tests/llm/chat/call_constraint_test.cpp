// What the model may write once it has begun a call.
#include <baton/llm/chat/call_constraint.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;

class CallConstraintTest : public testing::Test {
 protected:
  CallConstraintTest() {
    std::vector<std::string> bytes(tokenizer_->n_vocab());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (tokenizer_->type(static_cast<std::int32_t>(i)) == TokenType::normal)
        bytes[i] = tokenizer_->token_bytes(static_cast<std::int32_t>(i));
    }
    trie_ = std::make_shared<const TokenTrie>(bytes);
  }

  std::unique_ptr<CallConstraint> constraint(bool parallel = true, float min_share = 0.5f) {
    const std::vector<ToolSpec> tools = {
        {"get_time", "", Json::parse(R"({"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"]})")},
        {"get_all", "", Json::parse(R"({"type":"object","properties":{}})")}};
    return std::make_unique<CallConstraint>(*tokenizer_, compile_calls(tools, parallel, trie_).value(), min_share);
  }
  // The bytes that may follow. "*": any.
  static std::string next(CallConstraint& constraint) {
    const TokenMask* mask = constraint.mask();
    if (!mask) return "*";
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
      if (allows(*mask, byte)) all += static_cast<char>(byte);
    }
    return all;
  }
  static void write(CallConstraint& constraint, const std::string& text) {
    for (const char c : text) constraint.accept({.id = static_cast<unsigned char>(c), .logprob = 0, .top = {}});
  }

  ChatTokenizer tokenizer_;
  std::shared_ptr<const TokenTrie> trie_;
};

TEST_F(CallConstraintTest, holds_from_the_names_quote_to_the_last_bracket) {
  const auto c = constraint();
  for (const char* begun : {"{", "{\n  \"name", R"({"name": )", R"({"answer": ")", R"([{"name":)"}) {
    c->look_at(begun, false);
    EXPECT_EQ(next(*c), "*") << begun;
  }
  c->look_at("{\n  \"name\": \"", false);
  EXPECT_EQ(next(*c), "g");
  write(*c, "get_");
  EXPECT_EQ(next(*c), "at");
  write(*c, R"(time", "arguments": {"zone": ")");
  EXPECT_GT(next(*c).size(), 90u) << "a string's body";
  write(*c, R"(Asia"})");
  EXPECT_EQ(next(*c), "\t\n\r }");
  write(*c, "\n}");
  EXPECT_EQ(next(*c), "*") << "what follows is free";
}

TEST_F(CallConstraintTest, what_is_forbidden_is_replaced_by_what_begins_alike) {
  const auto c = constraint();
  c->look_at(R"({"name": "get_time", "arguments": {"zone": "UTC)", false);
  ASSERT_TRUE(c->engaged());
  EXPECT_EQ(c->narrowed(kEndOfText), nullptr);
  EXPECT_EQ(c->narrowed('\n'), nullptr) << "no string holds a line break: anything else will do";
  const TokenMask* quote = c->narrowed('"');
  ASSERT_TRUE(quote);
  EXPECT_TRUE(allows(*quote, '"'));
  EXPECT_FALSE(allows(*quote, 'x'));
  write(*c, "\"");
  EXPECT_EQ(next(*c), "\t\n\r }") << "nothing is owed any more";
}

TEST_F(CallConstraintTest, a_list_goes_on_or_ends_and_with_one_call_it_ends) {
  for (const bool parallel : {true, false}) {
    const auto c = constraint(parallel);
    c->look_at(R"([{"function": ")", false);
    write(*c, R"(get_all", "arguments": {}})");
    EXPECT_EQ(next(*c), parallel ? "\t\n\r ,]" : "\t\n\r ]");
    write(*c, "]");
    EXPECT_EQ(next(*c), "*");
  }
}

TEST_F(CallConstraintTest, lets_go_where_the_model_means_no_tool_of_ours) {
  const auto c = constraint();
  EXPECT_LT(c->min_share(), 0) << "nothing to decide yet";
  c->look_at(R"({"name": ")", false);
  EXPECT_EQ(c->min_share(), 0.5f);
  c->accept({.id = 'A', .logprob = 0, .top = {}, .allowed_share = 0.1f});
  EXPECT_EQ(next(*c), "*");
  c->look_at(R"({"name": "Alice)", false);
  EXPECT_EQ(next(*c), "*") << "no tool begins like this";
  c->look_at(R"({"name": ")", false);
  c->accept({.id = 'g', .logprob = 0, .top = {}, .allowed_share = 0.9f});
  EXPECT_EQ(next(*c), "e");
  EXPECT_FLOAT_EQ(c->share(), 0.9f);
  EXPECT_LT(c->min_share(), 0) << "decided";
}

TEST_F(CallConstraintTest, holds_at_once_where_a_call_is_required) {
  const auto c = constraint();
  c->look_at(R"({"name":)", true);
  EXPECT_LT(c->min_share(), 0);
  EXPECT_EQ(next(*c), "\t\n\r \"");
}

TEST_F(CallConstraintTest, a_schema_that_no_object_fits_is_left_to_the_validator) {
  const auto compiled = compile_calls({{"odd", "", Json::parse(R"({"type":"string"})")}}, true, trie_).value();
  ASSERT_EQ(compiled->unmasked.size(), 1u);
  EXPECT_EQ(compiled->unmasked[0].tool, "odd");
  Grammar& grammar = *compiled->grammar;
  EXPECT_NE(grammar.step(grammar.start(), R"({"name": "odd", "arguments": {"a": [1]}})"), kDeadState);
}

}  // namespace
}  // namespace baton::llm
