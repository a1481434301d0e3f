#include "format_grammar_cache.h"

#include <baton/llm/tool_syntax/json_dump.h>

#include <algorithm>

namespace baton::llm {

Result<std::shared_ptr<Grammar>> FormatGrammarCache::find(const CompiledFormat& compiled) {
  const OutputFormat& format = compiled.format();
  std::string key = std::to_string(static_cast<int>(format.kind)) + format.text;
  if (format.kind == OutputFormat::Kind::json_schema) key += dumped(format.schema);
  std::erase_if(known_, [](const auto& one) { return one.second->is_full(); });
  const auto at = std::find_if(known_.begin(), known_.end(), [&](const auto& one) { return one.first == key; });
  if (at != known_.end()) {
    known_.splice(known_.begin(), known_, at);
    return at->second;
  }
  auto grammar = std::make_shared<Grammar>(compiled.grammar().automaton, compiled.grammar().start, trie_.get());
  // The first mask is the most expensive one. It is computed here, in parallel with other answers' tokens.
  const TokenMask& first = grammar->mask(grammar->start());
  const bool possible = std::any_of(first.begin(), first.end(), [](std::uint32_t word) { return word != 0; });
  if (!possible && !grammar->accepts(grammar->start()))
    return Error{errc::unsupported, "the model's vocabulary has no token that an answer of this format could begin with"};
  known_.emplace_front(std::move(key), grammar);
  if (known_.size() > kMaxGrammars) known_.pop_back();
  return grammar;
}

}  // namespace baton::llm
