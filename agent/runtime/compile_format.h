#pragma once
// Compiles the format of an answer.
#include <baton/agent/core/text_format.h>

namespace baton::agent {

// Sets format.compiled, unless it is set or the format is plain text. Errors: those of llm::CompiledFormat::compile.
llm::Result<void> compile_format(TextFormat& format);

}  // namespace baton::agent
