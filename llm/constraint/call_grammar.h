#pragma once
// The calls that an answer may contain, as a grammar: the name of an offered tool, and arguments that fit its schema.
#include <baton/llm/chat/types.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/schema_grammar/json_text.h>
#include <baton/llm/schema_grammar/schema_compiler.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <memory>
#include <string>
#include <vector>

#include "grammar_vocabulary.h"

namespace baton::llm {

// The parts of a tool's schema that are not in the grammar.
struct UnmaskedOfTool {
  std::string tool;
  Unmasked what;
};

// The entry points of the grammar, as the bytes that lead there from its start: all but the last two are after a name's opening quote.
namespace call_entry {
constexpr std::string_view kObject = "\xFEo";       // {"name": "
constexpr std::string_view kList = "\xFEl";         // [{"name": "
constexpr std::string_view kOwn = "\xFEt";          // at the name in the template's own syntax
constexpr std::string_view kColon = "\xFE:";        // {"name":
constexpr std::string_view kColonInList = "\xFE;";  // [{"name":
}  // namespace call_entry

// The beginning of a list of calls, up to the first name's colon. With exactly this layout, small models write as many calls as are needed;
// with a single object, or a list on one line, they write one and stop (docs/tool-calling.md).
constexpr std::string_view kListOpening = "```json\n[\n    {\n        \"name\":";

// Used by one thread at a time.
struct CallGrammar {
  std::unique_ptr<Grammar> grammar;
  std::vector<UnmaskedOfTool> unmasked;
  std::vector<std::string> whole;  // tools whose whole schema is in the grammar: arguments written under it are valid
};

// Compiles the grammar for one call (or a list, if `parallel`), starting at the first call's name. After the last call, any text is
// accepted. A tool whose schema cannot be satisfied, or is too large, may have any object as its arguments: the validator checks them
// afterwards. errc::invalid_schema.
Result<std::shared_ptr<CallGrammar>> compile_calls(const std::vector<ToolSpec>& tools, bool parallel, const ToolSyntax& syntax,
                                                   const GrammarVocabulary& vocabulary);

}  // namespace baton::llm
