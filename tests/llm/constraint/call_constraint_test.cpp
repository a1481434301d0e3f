// The tokens that are allowed once the model has begun a call.
#include <baton/llm/constraint/call_constraint.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;

// The beginnings of calls, up to the name's first byte.
constexpr const char* kObject = "{\"name\": \"";
constexpr const char* kList = "[{\"name\": \"";

class CallConstraintTest : public testing::Test {
 protected:
  std::unique_ptr<CallConstraint> constraint(bool parallel = true, float min_share = 0.5f) {
    const std::vector<ToolSpec> tools = {
        {"get_time", "", Json::parse(R"({"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"]})")},
        {"get_all", "", Json::parse(R"({"type":"object","properties":{}})")}};
    CallConstraintOptions options{.tokenizer = &*tokenizer_, .min_share = min_share, .list = list_};
    reader_ = reader(tools, parallel);
    return std::make_unique<CallConstraint>(vocabulary_, ready(compile_calls(tools, parallel, syntax_, *vocabulary_).value()), reader_,
                                            std::move(options));
  }
  std::shared_ptr<AnswerReader> reader(std::vector<ToolSpec> tools, bool parallel = true) const {
    AnswerReaderOptions options;
    options.tools = std::move(tools);
    options.parallel = parallel;
    return std::make_shared<AnswerReader>(*tokenizer_, syntax_, std::move(options));
  }
  // The allowed next bytes. "*": any.
  static std::string next(CallConstraint& constraint) {
    const TokenMask* mask = constraint.mask();
    if (!mask || constraint.min_share() > 1) return "*";  // such a mask is only asked for its share
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
      if (allows(*mask, byte)) all += static_cast<char>(byte);
    }
    return all;
  }
  // share: Choice::allowed_share. Returns the verdict on the last token; those before it are kept.
  static std::optional<Rewind> accept(CallConstraint& constraint, std::int32_t id, float share) {
    return constraint.accept({.id = id, .logprob = 0, .top = {}, .allowed_share = share});
  }
  static std::optional<Rewind> write(CallConstraint& constraint, const std::string& text, float share = 1) {
    std::optional<Rewind> last;
    for (const char c : text) {
      EXPECT_FALSE(last) << text;
      last = accept(constraint, static_cast<unsigned char>(c), share);
    }
    return last;
  }
  // A call begins, up to its name. The model would not have written words instead.
  static void open(CallConstraint& constraint, const std::string& opener = kObject) { EXPECT_FALSE(write(constraint, opener, 0)); }
  static void open_in_tag(CallConstraint& constraint) {
    EXPECT_FALSE(accept(constraint, kCallOpen, 0));
    open(constraint);
  }

  // {"name": "get_all", "arguments": {}} as the first of a list.
  CallList list_of_one() const {
    const std::string before = kList, since = R"(get_all", "arguments": {}})";
    return {tokenizer_->encode(before + since), before, since, ""};
  }
  int calls_read() const {
    int n = 0;
    for (const Delta& delta : reader_->take()) n += std::holds_alternative<CallFinished>(delta);
    return n;
  }

  ChatTokenizer tokenizer_;
  ToolSyntax syntax_{};
  std::shared_ptr<AnswerReader> reader_;  // of the last constraint
  std::shared_ptr<const GrammarVocabulary> vocabulary_ =
      std::make_shared<const GrammarVocabulary>(*tokenizer_, tokenizer_->n_vocab(), syntax_);
  std::function<CallList(std::string_view)> list_;
};

TEST_F(CallConstraintTest, waits_for_its_grammar_where_a_call_begins_and_no_sooner) {
  std::promise<std::shared_ptr<CallGrammar>> promise;
  const std::vector<ToolSpec> tools = {{"get_all", "", Json::parse(R"({"type":"object"})")}};
  CallConstraint c(vocabulary_, promise.get_future().share(), reader(tools), CallConstraintOptions{.tokenizer = &*tokenizer_, .list = {}});
  EXPECT_EQ(next(c), "*");
  write(c, "Well:\n");
  EXPECT_FALSE(c.waiting());
  open(c, kObject + std::string("get_"));
  EXPECT_TRUE(c.waiting());
  EXPECT_FALSE(c.in_call());
  promise.set_value(compile_calls(tools, true, syntax_, *vocabulary_).value());
  EXPECT_FALSE(c.waiting());
  EXPECT_EQ(next(c), "a");
}

TEST_F(CallConstraintTest, holds_nothing_where_a_schema_could_not_be_read) {
  CallConstraint c(vocabulary_, ready(nullptr), reader({{"get_all", "", Json::object()}}),
                   CallConstraintOptions{.tokenizer = &*tokenizer_, .list = {}});
  open(c);
  EXPECT_EQ(next(c), "*");
  EXPECT_FALSE(c.holds_whole("get_all"));
}

TEST_F(CallConstraintTest, holds_from_the_names_quote_to_the_last_bracket) {
  const auto c = constraint();
  EXPECT_EQ(next(*c), "*");
  open(*c);
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
  open(*c);
  write(*c, R"(get_time", "arguments": {"zone": "UTC)");
  ASSERT_TRUE(c->in_call());
  EXPECT_EQ(c->refined(kEndOfText), nullptr);
  EXPECT_EQ(c->refined('\n'), nullptr) << "no string holds a line break: anything else will do";
  const TokenMask* quote = c->refined('"');
  ASSERT_TRUE(quote);
  EXPECT_TRUE(allows(*quote, '"'));
  EXPECT_FALSE(allows(*quote, 'x'));
  write(*c, "\"");
  EXPECT_EQ(next(*c), "\t\n\r }") << "nothing is owed any more";
}

TEST_F(CallConstraintTest, a_list_goes_on_or_ends_and_with_one_call_it_ends) {
  for (const bool parallel : {true, false}) {
    const auto c = constraint(parallel);
    open(*c, kList);
    write(*c, R"(get_all", "arguments": {}})");
    EXPECT_EQ(next(*c), parallel ? "\t\n\r ,]" : "\t\n\r ]");
    write(*c, "]");
    EXPECT_EQ(next(*c), "*");
  }
}

TEST_F(CallConstraintTest, lets_go_where_the_model_means_no_tool_of_ours) {
  const auto c = constraint();
  write(*c, "So");
  EXPECT_LT(c->min_share(), 0) << "nothing to decide yet";
  accept(*c, 0xC3, 1);  // half a character: its text comes with the tag's, so the tag's token cannot be withdrawn
  open_in_tag(*c);
  EXPECT_EQ(c->min_share(), 0.5f);
  EXPECT_FALSE(accept(*c, 'A', 0.1f));
  EXPECT_EQ(next(*c), "*");
  write(*c, "lice");
  EXPECT_EQ(next(*c), "*") << "no tool begins like this";
  write(*c, "\"}");
  accept(*c, kCallClose, 1);
  open_in_tag(*c);
  EXPECT_FALSE(accept(*c, 'g', 0.9f));
  EXPECT_EQ(next(*c), "e");
  EXPECT_FLOAT_EQ(c->share().value(), 0.9f);
  EXPECT_LT(c->min_share(), 0) << "decided";
}

TEST_F(CallConstraintTest, goes_back_to_where_the_call_began_where_it_is_none) {
  const auto c = constraint();
  write(*c, "So:");
  open_in_tag(*c);
  const auto back = accept(*c, 'A', 0.1f);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->keep, 3);
  EXPECT_TRUE(back->then.empty());
  ASSERT_TRUE(c->mask());
  for (const char opener : {'{', '[', '`', '<'}) EXPECT_FALSE(allows(*c->mask(), opener)) << "no call once more";
  for (const char other : {'T', ' '}) EXPECT_TRUE(allows(*c->mask(), other));
  EXPECT_TRUE(allows(*c->mask(), kImEnd));
  EXPECT_FALSE(write(*c, " ")) << "once";
  EXPECT_FALSE(allows(*c->mask(), '{')) << "nor behind white space";
  write(*c, "T");
  EXPECT_EQ(next(*c), "*");
}

// A call is as certain as its beginning and its name together.
TEST_F(CallConstraintTest, an_answer_that_begins_with_a_call_is_also_asked_how_sure_it_was_to_begin_one) {
  const auto c = constraint();
  EXPECT_GT(c->min_share(), 1) << "the share of words is asked for, and they are not held to";
  EXPECT_TRUE(allows(*c->mask(), 'T'));
  EXPECT_FALSE(allows(*c->mask(), '{'));
  accept(*c, '\n', 1);
  EXPECT_GT(c->min_share(), 1) << "white space is no beginning yet";
  for (const char mark : {'*', '('}) {
    EXPECT_TRUE(allows(*c->mask(), mark));
    accept(*c, mark, 1);
    EXPECT_GT(c->min_share(), 1) << "nor is what may stand before a call";
  }
  accept(*c, '{', 0.25f);
  EXPECT_LT(c->min_share(), 0);
  write(*c, "\"name\": \"");
  EXPECT_FLOAT_EQ(c->min_share(), 0.5f / 0.75f);
  accept(*c, 'g', 0.9f);
  EXPECT_FLOAT_EQ(c->share().value(), 0.675f);
  EXPECT_TRUE(c->in_call());
}

TEST_F(CallConstraintTest, a_call_behind_words_is_as_sure_as_its_name) {
  const auto c = constraint();
  accept(*c, 'S', 0.75f);
  open_in_tag(*c);
  EXPECT_EQ(c->min_share(), 0.5f);
  accept(*c, 'g', 0.9f);
  EXPECT_FLOAT_EQ(c->share().value(), 0.9f);
}

TEST_F(CallConstraintTest, what_was_taken_back_is_not_called_behind_words_that_name_it) {
  const auto c = constraint();
  open(*c);
  EXPECT_EQ(accept(*c, 'g', 0.4f).value().keep, 0);
  for (int i = 1; i < 8; ++i) {
    write(*c, "Use get_time:");
    EXPECT_EQ(next(*c), "*");
    open_in_tag(*c);
    ASSERT_EQ(accept(*c, 'g', 1).value().keep, 13 * i);
    EXPECT_FALSE(c->in_call());
  }
  write(*c, "Use");
  ASSERT_TRUE(c->mask());
  EXPECT_FALSE(allows(*c->mask(), '{')) << "it shall not try for ever";
  EXPECT_LT(c->min_share(), 0);
}

TEST_F(CallConstraintTest, goes_on_as_a_list_where_several_calls_may_follow) {
  std::string asked;
  const CallList list = list_of_one();
  list_ = [&](std::string_view call) {
    asked = call;
    return list;
  };
  const auto c = constraint();
  open(*c);
  EXPECT_FALSE(accept(*c, 'g', 0.9f));
  const auto back = write(*c, R"(et_all", "arguments": {}})");
  EXPECT_EQ(asked, R"({"name": "get_all", "arguments": {}})");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->keep, 0);
  EXPECT_EQ(back->then, list.tokens);
  EXPECT_EQ(calls_read(), 1) << "the call is given out first";
  EXPECT_EQ(next(*c), "\t\n\r ,]");
  EXPECT_FALSE(write(*c, "]"));
  EXPECT_EQ(next(*c), "*");
  EXPECT_FLOAT_EQ(c->share().value(), 0.9f);
  EXPECT_EQ(calls_read(), 0) << "and not again";
}

// The model may continue by itself there; only its end is uncertain.
TEST_F(CallConstraintTest, a_call_in_the_templates_form_goes_on_as_a_list_where_the_model_would_end) {
  list_ = [this](std::string_view) { return list_of_one(); };
  syntax_.form = ToolSyntax::Form::json_object;
  syntax_.calls_prefix = "<tool_call>";
  syntax_.calls_suffix = "</tool_call>";
  for (const bool alone : {true, false}) {
    const auto c = constraint();
    for (int i = 0; i < (alone ? 1 : 2); ++i) {
      open_in_tag(*c);
      EXPECT_FALSE(accept(*c, 'g', 0.9f));
      EXPECT_FALSE(write(*c, R"(et_all", "arguments": {}})"));
      EXPECT_FALSE(c->in_call());
      EXPECT_FALSE(accept(*c, kCallClose, 1));
    }
    const auto back = accept(*c, kImEnd, 1);
    ASSERT_EQ(back.has_value(), alone);
    EXPECT_EQ(c->in_call(), alone);
    if (alone) {
      EXPECT_EQ(next(*c), "\t\n\r ,]");
    }
  }
}

TEST_F(CallConstraintTest, a_list_is_begun_as_small_models_write_it_best) {
  const CallList list = begin_list(*tokenizer_, R"({"name": "f", "arguments": {"a": [1, "x"], "b": {}, "c": [{"d": 1}]}})");
  const std::string text =
      "```json\n[\n    {\n        \"name\": \"f\",\n        \"arguments\": {\n            \"a\": [1, \"x\"],\n"
      "            \"b\": {},\n            \"c\": [\n                {\n                    \"d\": 1\n                }\n"
      "            ]\n        }\n    }";
  EXPECT_EQ(tokenizer_->decode(list.tokens) + list.owed, text);
  EXPECT_EQ(list.before + list.since + list.owed, text);
  EXPECT_TRUE(list.since.starts_with("f\""));
}

// " }," may be one token: a list that ends with " }" before it is known whether it continues would have to write a comma alone.
TEST_F(CallConstraintTest, a_list_is_begun_up_to_where_its_tokens_part) {
  GgufWriter writer;
  add_byte_vocabulary(writer, "qwen2", {"\u0120 }", "\u0120} ,"}, {{"\u0120}", 1}, {"\u0120},", 1}, {"<|im_end|>", 3}});
  const auto bytes = writer.bytes();
  const auto file = GgufFile::from_memory(std::as_bytes(std::span(bytes)), "merges.gguf").value();
  const Tokenizer tokenizer = Tokenizer::from_gguf(file).value();
  const CallList list = begin_list(tokenizer, R"({"name": "get_all", "arguments": {}})");
  EXPECT_EQ(list.owed, " }");
  EXPECT_TRUE(tokenizer.decode(list.tokens).ends_with("\"arguments\": {}\n   ")) << tokenizer.decode(list.tokens);
  list_ = [&](std::string_view) { return list; };
  const auto c = constraint();
  open(*c);
  EXPECT_FALSE(accept(*c, 'g', 0.9f));
  EXPECT_EQ(write(*c, R"(et_all", "arguments": {}})").value().then, list.tokens);
  EXPECT_EQ(next(*c), " ") << "what is owed comes first";
  write(*c, " }");
  EXPECT_EQ(next(*c), "\t\n\r ,]");
}

TEST_F(CallConstraintTest, holds_at_once_where_a_call_is_required) {
  const auto c = constraint();
  c->begin_at(call_entry::kColon, "", "");
  EXPECT_LT(c->min_share(), 0);
  EXPECT_EQ(next(*c), "\t\n\r \"");
}

TEST_F(CallConstraintTest, a_schema_that_no_object_fits_is_left_to_the_validator) {
  const auto compiled = compile_calls({{"odd", "", Json::parse(R"({"type":"string"})")}}, true, syntax_, *vocabulary_).value();
  ASSERT_EQ(compiled->unmasked.size(), 1u);
  EXPECT_EQ(compiled->unmasked[0].tool, "odd");
  Grammar& grammar = *compiled->grammar;
  EXPECT_NE(grammar.step(grammar.start(), std::string(call_entry::kObject) + R"(odd", "arguments": {"a": [1]}})"), kDeadState);
}

}  // namespace
}  // namespace baton::llm
