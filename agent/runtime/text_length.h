#pragma once
// Texts that cannot fit the model's context are refused before anything of them is stored.
#include <baton/agent/error.h>

#include <baton/agent/generator/generator.h>
#include "request.h"

namespace baton::agent {

// errc::context_overflow if a single message or result of the request's input has more tokens than the context. Only texts that are long
// enough to cost others their time are checked: a shorter one is counted with the rest of its prompt. `facts` may be null.
Result<void> check_text_lengths(const RunRequest& request, const ModelFacts* facts);

}  // namespace baton::agent
