#include "drafter.h"

#include <algorithm>

namespace baton::llm {

void Drafter::begin(std::string_view text) {
  layout_ = {};
  layout_.observe(text);
}

std::vector<std::int32_t> Drafter::draft(Grammar& grammar, StateId from) const {
  std::string text = forced_text(grammar, from, layout_, kMaxBytes);
  text.resize(std::min(text.size(), text.find(kTokenMark)));  // a control token is a token of its own, for the next draft
  if (text.empty()) return {};
  std::vector<std::int32_t> tokens = tokenizer_->encode(text);
  // Some tokenizers put a space before every text: then the draft would be another text.
  if (tokenizer_->decode_bytes(tokens) != text) return {};
  const std::string last = tokenizer_->token_bytes(tokens.back());
  const StateId before = grammar.step(from, std::string_view(text).substr(0, text.size() - last.size()));
  const TokenMask& mask = grammar.mask(before);
  const auto longer = grammar.trie().beginning_with(last);
  const auto exact = grammar.trie().exactly(last);
  const bool open = std::any_of(longer.begin(), longer.end(), [&](std::int32_t id) {
    return allows(mask, id) && std::find(exact.begin(), exact.end(), id) == exact.end();
  });
  if (open) tokens.pop_back();
  return tokens;
}

}  // namespace baton::llm
