#pragma once
#include <baton/llm/gguf/gguf.h>

#include <memory>
#include <string>

#include "cli.h"

namespace baton::agent::cli {

// baton inspect MODEL --score TEXT_FILE: the model's log-probability of each token of a text after the ones before it, as JSON lines
// {"position", "token", "text", "logprob" (null for the first), "top": [[id, logprob], ..5]}; `top` has the most probable tokens for the
// next position. With logits_file it also writes all logits, (n_tokens, n_vocab) float32.
int score(const Globals& globals, const std::shared_ptr<const llm::GgufFile>& file, const std::string& text_file,
          const std::string& logits_file);

}  // namespace baton::agent::cli
