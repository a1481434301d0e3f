#include "call_grammar_cache.h"

#include <algorithm>

namespace baton::llm {
namespace {

// Control tokens are structure, and no text of a call's.
std::shared_ptr<const TokenTrie> trie_of(const Tokenizer& tokenizer, std::size_t n_vocab) {
  std::vector<std::string> bytes(n_vocab);
  for (std::size_t i = 0; i < std::min(n_vocab, tokenizer.n_vocab()); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (!tokenizer.is_special(id) && (tokenizer.type(id) == TokenType::normal || tokenizer.type(id) == TokenType::byte))
      bytes[i] = tokenizer.token_bytes(id);
  }
  return std::make_shared<const TokenTrie>(bytes);
}

}  // namespace

std::shared_ptr<CallGrammar> CallGrammarCache::find(const ChatRequest& request) {
  std::vector<ToolSpec> tools;
  std::string key = request.parallel_tool_calls ? "several" : "one";
  for (const ToolSpec& tool : request.tools) {
    if (request.tool_choice.mode == ToolChoice::Mode::named && tool.name != request.tool_choice.name) continue;
    tools.push_back(tool);
    key += "\n" + tool.name + "\n" + tool.parameters.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  const auto at = std::find_if(known_.begin(), known_.end(), [&](const auto& one) { return one.first == key; });
  if (at != known_.end()) {
    known_.splice(known_.begin(), known_, at);
    return at->second;
  }
  if (!trie_) trie_ = trie_of(tokenizer_, n_vocab_);
  const auto compiled = compile_calls(tools, request.parallel_tool_calls, trie_);
  if (!compiled) return nullptr;
  known_.emplace_front(std::move(key), *compiled);
  if (known_.size() > kMaxGrammars) known_.pop_back();
  return known_.front().second;
}

}  // namespace baton::llm
