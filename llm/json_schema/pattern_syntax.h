#pragma once
// Translates ECMAScript's regular expressions to PCRE2's.
#include <baton/llm/error.h>

#include <string>

namespace baton::llm {

enum class Repetitions {
  exact,    // counts beyond PCRE2's limit of 65535 are written as counts of counts
  without,  // a count of more than one becomes any number: the fallback if the exact pattern is too large for PCRE2
};

// The pattern in PCRE2's syntax. An error if PCRE2 would give it another meaning than ECMAScript.
Result<std::string> pcre2_pattern(const std::string& source, Repetitions repetitions);

}  // namespace baton::llm
