#pragma once
// Decides which patterns a mask enforces, over all schemas that are compiled for one grammar. The check creates all states of a pattern, so
// its cost is bounded over all of them; beyond the bound, patterns are left to the validator.
#include <map>
#include <string>
#include <string_view>

#include <baton/llm/text_grammar/regex.h>

namespace baton::llm {

class TamePatterns {
 public:
  bool contains(std::string_view source, const Regex& regex) {
    const auto [at, fresh] = known_.try_emplace(std::string(source), false);
    if (fresh) at->second = regex.is_tame(states_left_);
    return at->second;
  }

 private:
  std::map<std::string, bool> known_;
  std::size_t states_left_ = 40'000;
};

}  // namespace baton::llm
