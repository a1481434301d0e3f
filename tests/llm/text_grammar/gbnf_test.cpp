#include <baton/llm/grammar/machine.h>
#include <baton/llm/text_grammar/gbnf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace baton::llm {
namespace {

using testing::HasSubstr;

class Language {
 public:
  explicit Language(const std::string& source) : Language(Gbnf::parse(source).value()) {}

  bool has(const std::string& text) {
    StateId state = machine_.start();
    for (const char c : text) {
      if (state == kDeadState) return false;
      state = machine_.step(state, static_cast<std::uint8_t>(c));
    }
    return state != kDeadState && machine_.accepts(state);
  }
  Machine& machine() { return machine_; }

 private:
  explicit Language(const Gbnf& grammar) : start_(grammar.build(automaton_)), machine_(pruned(), start_) {}
  const Automaton& pruned() {
    EXPECT_TRUE(automaton_.prune(start_));
    return automaton_;
  }
  Automaton automaton_;
  NodeId start_;
  Machine machine_;
};

std::string wrong_with(const std::string& source) {
  const auto grammar = Gbnf::parse(source);
  if (grammar) return "nothing";
  EXPECT_EQ(grammar.error().code, errc::invalid_argument);
  return grammar.error().message;
}

TEST(Gbnf, texts_classes_groups_and_repetitions) {
  Language list(R"(root ::= "[" (item ("," ws item)*)? "]"   # a comment
    item ::= [0-9]{1,3} | "\"" [^"\\\n]* "\"" | .
    ws   ::= " "?)");
  for (const char* text : {"[]", "[1]", "[1,23, 456]", R"(["a b","é"])", "[x]", "[,]"}) EXPECT_TRUE(list.has(text)) << text;
  for (const char* text : {"", "[", "[1,]", "[1,  2]", "[1234]", "[\"a\nb\"]", R"(["a\"])"}) EXPECT_FALSE(list.has(text)) << text;
}

TEST(Gbnf, each_kind_of_repetition) {
  Language repeats(R"(root ::= "a"{2} "b"{1,2} "c"{2,} "d"{,1} "e"+ ("f" | "g")?)");
  for (const char* text : {"aabcce", "aabbccccdeeeg", "aabccdef"}) EXPECT_TRUE(repeats.has(text)) << text;
  for (const char* text : {"abcce", "aaabcce", "aabbbcce", "aabce", "aabccdde", "aabccd", "aabccefg"})
    EXPECT_FALSE(repeats.has(text)) << text;
}

TEST(Gbnf, escapes_and_characters_of_several_bytes) {
  Language escapes(R"(root ::= "\x41\u00e9\U0001F600\t" [\]\-\^a-c\u4e00-\u9fff] [^\x00-\x7f])");
  EXPECT_TRUE(escapes.has("Aé😀\t]é"));
  EXPECT_TRUE(escapes.has("Aé😀\t-中"));
  EXPECT_TRUE(escapes.has("Aé😀\t中😀"));
  EXPECT_FALSE(escapes.has("Aé😀\tdé"));
  EXPECT_FALSE(escapes.has("Aé😀\tad"));
}

TEST(Gbnf, rules_call_rules_and_themselves) {
  Language nested(R"x(root ::= expr
    expr ::= term ([-+*/] term)*
    term ::= num
      | "(" expr ")"
    num ::= [0-9]+)x");
  EXPECT_TRUE(nested.has("1+(23*(4-5))/6"));
  EXPECT_TRUE(nested.has("((((((7))))))"));
  EXPECT_FALSE(nested.has("(1+2"));
  EXPECT_FALSE(nested.has("1+"));
}

TEST(Gbnf, what_may_be_nothing_repeats_without_end) {
  Language nothing(R"(root ::= (a | "")* b
    a ::= "x"?
    b ::= )");
  EXPECT_TRUE(nothing.has(""));
  EXPECT_TRUE(nothing.has("xxx"));
  EXPECT_FALSE(nothing.has("xy"));
}

TEST(Gbnf, names_line_and_column_of_what_is_wrong) {
  EXPECT_EQ(wrong_with("root ::= \"a\"\n  | [0-9"), "line 2, column 5: a '[' without its ']'");
  EXPECT_THAT(wrong_with("root ::= \"é\" )"), HasSubstr("line 1, column 14: a ')'"));
  EXPECT_THAT(wrong_with("root ::= (\"a\" | \"b\""), HasSubstr("column 10: a '('"));
  EXPECT_THAT(wrong_with("root ::= \"a"), HasSubstr("column 10: a text"));
  EXPECT_THAT(wrong_with("root ::= *"), HasSubstr("nothing before it"));
  EXPECT_THAT(wrong_with("root ::= \"a\"**"), HasSubstr("repetition of a repetition"));
  EXPECT_THAT(wrong_with("root ::= \"a\"{3,2}"), HasSubstr("{3,2}"));
  EXPECT_THAT(wrong_with("root ::= \"a\"{x}"), HasSubstr("number of repetitions"));
  EXPECT_THAT(wrong_with("root ::= \"a\"{5000}"), HasSubstr("more than 1000"));
  EXPECT_THAT(wrong_with("root ::= [z-a]"), HasSubstr("backwards"));
  EXPECT_THAT(wrong_with("root ::= []"), HasSubstr("no character"));
  EXPECT_THAT(wrong_with("root ::= \"\\q\""), HasSubstr("column 11: unknown escape"));
  EXPECT_THAT(wrong_with("root ::= \"\\ud800\""), HasSubstr("not a character"));
  EXPECT_THAT(wrong_with("root ::= <think>"), HasSubstr("a rule's name"));
  EXPECT_THAT(wrong_with("hello"), HasSubstr("line 1, column 1: expected a rule"));
  EXPECT_THAT(wrong_with(""), HasSubstr("no rule 'root'"));
  EXPECT_THAT(wrong_with("root ::= " + std::string(500, '(')), HasSubstr("deeper than 100"));
}

TEST(Gbnf, rules_that_make_no_sense_are_named) {
  EXPECT_THAT(wrong_with("root ::= \"a\" item"), HasSubstr("line 1, column 14: there is no rule 'item'"));
  EXPECT_THAT(wrong_with("root ::= \"a\"\nroot ::= \"b\""), HasSubstr("line 2, column 1: a second rule 'root'"));
  EXPECT_THAT(wrong_with("root ::= \"a\"\nspare ::= \"b\""), HasSubstr("line 2, column 1: the rule 'spare' is not used"));
  EXPECT_THAT(wrong_with("root ::= \"a\" | b\nb ::= \"(\" b \")\""), HasSubstr("line 2, column 1: the rule 'b' never ends"));
  EXPECT_THAT(wrong_with("root ::= e\ne ::= e \"+\" [0-9] | [0-9]"), HasSubstr("line 2, column 1: left recursion: e -> e"));
  EXPECT_THAT(wrong_with("root ::= a\na ::= \"x\"? b | \"y\"\nb ::= s* a \"z\"\ns ::= \" \""), HasSubstr("left recursion: a -> b -> a"));
}

// Each "a" doubles the number of parses.
TEST(Gbnf, what_is_too_ambiguous_ends_within_bounds) {
  Language doubling(R"(root ::= s
    s ::= "a" s "b" s | "a" s "c" s | "")");
  StateId state = doubling.machine().start();
  int n = 0;
  while (state != kDeadState && n < 1000) {
    state = doubling.machine().step(state, 'a');
    ++n;
  }
  EXPECT_EQ(state, kDeadState);
  EXPECT_TRUE(doubling.machine().exhausted());
  EXPECT_GT(n, 8);
}

}  // namespace
}  // namespace baton::llm
