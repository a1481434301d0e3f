#pragma once
// Where a grammar leaves only one continuation, the text is known before a model has chosen it.
#include <string>

#include "grammar.h"
#include "json_layout.h"

namespace baton::llm {

// The text after this state, at most `limit` bytes, as long as there is only one continuation. If white space is optional, the layout of
// the text so far decides; in that case the result is a guess.
std::string forced_text(Grammar& grammar, StateId from, JsonLayout so_far, std::size_t limit);

}  // namespace baton::llm
