#pragma once
// Arguments that are no JSON object: parameters one by one, in the words of ToolSyntax::Parameters.
#include <baton/llm/grammar/schema_compiler.h>

#include "grammar_vocabulary.h"
#include "tool_syntax.h"

namespace baton::llm {

// A text of the syntax: white space in it is free, and so is a hole, within bounds.
NodeId syntax_text(Automaton& out, std::string_view text, const GrammarVocabulary& vocabulary, NodeId next);

// From behind the name to the end of the call. Declared parameters, in their order; those that are not required may be left out. Strings
// stand as the syntax has them (parameter_value.h): their lengths, patterns and formats are checked afterwards. kDead where the schema is
// not just a list of properties. unmasked: what this syntax leaves to the validator is added to it.
NodeId parameter_grammar(Automaton& out, SchemaCompiler& compiler, const Schema& schema, const ToolSyntax& syntax,
                         const GrammarVocabulary& vocabulary, std::vector<Unmasked>& unmasked, NodeId next);

}  // namespace baton::llm
