#pragma once
// A model's tokens as byte strings for the grammars of calls. Control tokens of the model's call syntax are marked, so that no text can be
// mistaken for them.
#include <baton/llm/grammar/token_trie.h>
#include <baton/llm/tokenizer/tokenizer.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

// Precedes the text of a control token. This byte does not occur in UTF-8.
constexpr char kTokenMark = '\xFF';

// Immutable; any thread.
class GrammarVocabulary {
 public:
  // n_vocab: of the model's logits, at least the tokenizer's.
  GrammarVocabulary(const Tokenizer& tokenizer, std::size_t n_vocab, const ToolSyntax& syntax);

  // Empty: the token has no text, and no grammar allows it.
  const std::string& bytes(std::int32_t id) const;
  std::shared_ptr<const TokenTrie> trie() const { return trie_; }
  // Tokens that do not begin a call: white space, and tokens that begin with a word or end the turn.
  const TokenMask& words() const { return words_; }
  // The text with its control tokens marked.
  std::string marked(std::string_view text) const;

 private:
  std::vector<std::string> bytes_;
  TokenMask words_;
  std::vector<std::string> control_;  // texts, longest first
  std::shared_ptr<const TokenTrie> trie_;
};

}  // namespace baton::llm
