#pragma once
// The calls that an answer may hold, as a grammar: a tool's name that was offered, arguments that fit its schema.
#include <baton/llm/chat/types.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/grammar/json_text.h>
#include <baton/llm/grammar/schema_compiler.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::llm {

// What of a tool's schema is not in the grammar.
struct UnmaskedOfTool {
  std::string tool;
  Unmasked what;
};

// One thread at a time.
struct CallGrammar {
  std::unique_ptr<Grammar> grammar;
  std::vector<UnmaskedOfTool> unmasked;
};

// Of a call, {"name": .., "arguments": {..}}, or a list of calls, from its first bracket on, and then of anything. Up to the name white
// space is free, as the model has written it before the grammar holds; from there on there is one style. A tool whose schema nothing can
// satisfy, or that is too large, may have any object for its arguments: the validator has the last word. errc::invalid_schema.
Result<std::shared_ptr<CallGrammar>> compile_calls(const std::vector<ToolSpec>& tools, bool parallel,
                                                   std::shared_ptr<const TokenTrie> trie);

}  // namespace baton::llm
