#include "grammar_vocabulary.h"

#include <baton/llm/tool_syntax/call_openers.h>

#include <algorithm>

namespace baton::llm {

GrammarVocabulary::GrammarVocabulary(const Tokenizer& tokenizer, std::size_t n_vocab, const ToolSyntax& syntax) : bytes_(n_vocab) {
  for (std::size_t i = 0; i < std::min(n_vocab, tokenizer.n_vocab()); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (tokenizer.ends_generation(id)) continue;
    if (tokenizer.is_special(id)) {
      const std::string text(tokenizer.text(id));
      if (!syntax.has_token(text)) continue;
      control_.push_back(text);
      bytes_[i] = kTokenMark + text;
    } else if (tokenizer.type(id) == TokenType::normal || tokenizer.type(id) == TokenType::byte) {
      bytes_[i] = tokenizer.token_bytes(id);
    }
  }
  const std::string_view open = trimmed(syntax.calls_prefix);
  const std::string openers = std::string("`{[<") + kTokenMark + (open.empty() ? "" : std::string(open.substr(0, 1)));
  words_.assign((n_vocab + 31) / 32, 0);
  for (std::size_t i = 0; i < n_vocab; ++i) {
    const auto opens = [&](std::string_view text) { return !text.empty() && openers.find(text.front()) != std::string::npos; };
    if (!opens(trimmed(bytes_[i])) && !opens(after_marks(bytes_[i]))) words_[i >> 5] |= 1u << (i & 31);
  }
  std::sort(control_.begin(), control_.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  trie_ = std::make_shared<const TokenTrie>(bytes_);
}

const std::string& GrammarVocabulary::bytes(std::int32_t id) const {
  static const std::string none;
  return id >= 0 && static_cast<std::size_t>(id) < bytes_.size() ? bytes_[static_cast<std::size_t>(id)] : none;
}

std::string GrammarVocabulary::marked(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    const auto token = std::find_if(control_.begin(), control_.end(), [&](const std::string& one) { return text.starts_with(one); });
    const std::size_t n = token == control_.end() ? 1 : token->size();
    if (token != control_.end()) out += kTokenMark;
    out += text.substr(0, n);
    text.remove_prefix(n);
  }
  return out;
}

}  // namespace baton::llm
