#pragma once
// Which patterns a mask holds, of all the schemas that are compiled for one grammar. Asking makes all states of a pattern, so what it costs
// is bounded over all of them: past that, patterns are left to the validator.
#include <map>
#include <string>
#include <string_view>

#include "regex.h"

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
