#pragma once
// From ECMAScript's regular expressions to PCRE2's.
#include <baton/llm/error.h>

#include <string>

namespace baton::llm {

enum class Repetitions {
  exact,    // counts beyond PCRE2's limit of 65535 are written as counts of counts
  without,  // a count of more than one is any number: what remains where the exact one is too large for PCRE2
};

// The pattern as PCRE2 reads it. An error where it would be read as something else than ECMAScript means by it.
Result<std::string> pcre2_pattern(const std::string& source, Repetitions repetitions);

}  // namespace baton::llm
