#include "call_grammar_cache.h"

#include <baton/llm/tool_syntax/json_dump.h>

#include <algorithm>

namespace baton::llm {
std::shared_ptr<CallGrammar> CallGrammarCache::find(const ChatRequest& request) {
  std::vector<ToolSpec> tools;
  std::string key = request.turn.parallel_tool_calls ? "several" : "one";
  for (const ToolSpec& tool : request.tools) {
    if (request.turn.tool_choice.mode == ToolChoice::Mode::named && tool.name != request.turn.tool_choice.name) continue;
    tools.push_back(tool);
    key += "\n" + tool.name + "\n" + dumped(tool.parameters);
  }
  std::erase_if(known_, [](const auto& one) { return one.second->grammar->is_full(); });
  const auto at = std::find_if(known_.begin(), known_.end(), [&](const auto& one) { return one.first == key; });
  if (at != known_.end()) {
    known_.splice(known_.begin(), known_, at);
    return at->second;
  }
  const auto compiled = compile_calls(tools, request.turn.parallel_tool_calls, syntax_, *trie_.vocabulary());
  if (!compiled) return nullptr;
  known_.emplace_front(std::move(key), *compiled);
  if (known_.size() > kMaxGrammars) known_.pop_back();
  return known_.front().second;
}

}  // namespace baton::llm
