#pragma once
// Arguments that are not a JSON object: a list of parameters in the notation of ToolSyntax::Parameters.
#include <baton/llm/schema_grammar/schema_compiler.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include "grammar_vocabulary.h"

namespace baton::llm {

// A text of the syntax. Its white space is flexible, and so is a hole, within bounds.
NodeId syntax_text(Automaton& out, std::string_view text, const GrammarVocabulary& vocabulary, NodeId next);

// The part from after the name to the end of the call: declared parameters, in their order; those that are not required may be left out.
// Strings are written as the syntax has them (parameter_value.h): their lengths, patterns and formats are checked afterwards. kDead if the
// schema is not just a list of properties. unmasked: receives the keywords that this syntax leaves to the validator.
NodeId parameter_grammar(Automaton& out, SchemaCompiler& compiler, const Schema& schema, const ToolSyntax& syntax,
                         const GrammarVocabulary& vocabulary, std::vector<Unmasked>& unmasked, NodeId next);

}  // namespace baton::llm
