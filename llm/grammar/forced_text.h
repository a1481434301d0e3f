#pragma once
// Where a grammar leaves only one way on, what will be written is known before a model has chosen it.
#include <string>

#include "grammar.h"
#include "json_layout.h"

namespace baton::llm {

// What follows from this state, at most `limit` bytes, as far as there is one way on. Where white space may be written or not, the layout
// of what was written so far decides: there it is a guess.
std::string forced_text(Grammar& grammar, StateId from, JsonLayout so_far, std::size_t limit);

}  // namespace baton::llm
