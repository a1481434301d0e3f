#pragma once
// Reports how much of a schema a mask enforces, and its cost, before a model is used.
#include <string>
#include <vector>

#include "schema_compiler.h"

namespace baton::llm {

struct MaskReport {
  // In the order of the schema, each name once.
  std::vector<std::string> masked;
  std::vector<Unmasked> unmasked;  // left to the validator
  std::size_t n_nodes = 0;         // of the automaton, which may have Automaton::kMaxNodes
  double compile_ms = 0;           // on this machine, measured now
  // The reason why there is no mask at all, and any object may be written; empty: there is a mask.
  std::string refused;
  bool impossible = false;  // because no value is valid under the schema
  // Neither masked nor checked afterwards: annotations that read like conditions.
  std::vector<Unmasked> unchecked;
  // Keywords that are not in any draft of JSON Schema: they do not restrict values. `why` is empty.
  std::vector<Unmasked> annotations;
};

// The report for a schema whose values are written as objects (a call's arguments) in the style of calls.
MaskReport report_mask(const Schema& schema);

}  // namespace baton::llm
