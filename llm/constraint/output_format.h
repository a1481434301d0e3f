#pragma once
// Compiles the answer's requested format to a grammar, and checks whether an answer fits it.
#include <baton/llm/chat/types.h>
#include <baton/llm/grammar/automaton.h>
#include <baton/llm/grammar/schema_compiler.h>

#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

struct FormatGrammar {
  Automaton automaton;  // pruned
  NodeId start = 0;
  std::vector<Unmasked> unmasked;  // keywords that only misfit() checks
};

// Takes some milliseconds; the grammar's size is limited. Errors: invalid_schema, and for the other formats invalid_argument or
// unsupported. The message says what is wrong with the schema, the pattern or the grammar, and where, but not which of these it is.
Result<FormatGrammar> compile_format(const OutputFormat& format);

// The violations of a whole answer, one per line; null: it fits. The format must have been compiled before without an error.
std::optional<std::string> misfit(const OutputFormat& format, const std::string& answer);

}  // namespace baton::llm
