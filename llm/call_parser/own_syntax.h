#pragma once
// Calls in the syntax of the model's own template: the words that begin one, the call itself, and the words after it. Internal to the
// folder.
#include <baton/llm/chat/types.h>
#include <baton/llm/tool_syntax/syntax_reader.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

class OwnSyntax {
 public:
  // The syntax must outlive this object. tools: the offered ones; empty: no word begins a call.
  OwnSyntax(const ToolSyntax& syntax, const std::vector<ToolSpec>& tools);

  // ---- The words of the syntax that may begin in text
  enum class Word {
    call,       // begins a call in the syntax
    json,       // comes before a call as JSON
    reasoning,  // begins the reasoning
    mark,       // is not shown
  };
  // Whether a word may begin with c, which is then the first byte for step_word(). without_reasoning: no reasoning may begin.
  bool begin_word(char c, bool without_reasoning);
  // The word that c completes. Null: none yet, or, if is_in_word() returns false, the text is not a word.
  std::optional<Word> step_word(char c);
  bool is_in_word() const { return !running_.empty(); }
  void give_word_up() { running_.clear(); }

  // ---- A call, from its name on
  SyntaxReader& call() { return call_; }
  const SyntaxReader& call() const { return call_; }

  // ---- The words after a call in this syntax: its closing words, or those between two calls
  enum class After {
    more,
    next_call,          // the words between two calls are complete
    closed,             // the closing words are complete
    closed_or_between,  // likewise, but more bytes may make them the words between two calls
    other,              // the text is neither
  };
  bool begin_after();  // false: nothing has to follow
  After step_after(char c);
  // Only white space is between two calls, so the text after a call may be the next one's name.
  bool next_begins_with_name() const;

 private:
  struct Beginning {
    Word word;
    LiteralMatcher matcher;
    char first;
  };
  void add(Word word, std::string_view text);

  const ToolSyntax* syntax_;
  std::vector<Beginning> beginnings_, running_;  // all of them, and those that the text since begin_word() may be
  SyntaxReader call_;
  ExpectedText between_, closing_;
};

// Whether a token of this text has a meaning for the parser even if it is a control token.
bool is_call_tag(std::string_view text);

}  // namespace baton::llm
