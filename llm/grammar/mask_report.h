#pragma once
// What a mask enforces of one schema, and what it costs: for people who want to know before a model is asked.
#include <string>
#include <vector>

#include "schema_compiler.h"

namespace baton::llm {

struct MaskReport {
  // In the order of the schema, each name once.
  std::vector<std::string> masked;
  std::vector<Unmasked> unmasked;  // left to the validator
  std::size_t n_nodes = 0;         // of the automaton, which may have Automaton::kMaxNodes
  double compile_ms = 0;           // of this machine, just now
  // Why there is no mask at all, and any object may be written; empty: there is one.
  std::string refused;
  bool impossible = false;  // because nothing is valid under it
  // Neither masked nor checked afterwards: notes that read like conditions.
  std::vector<Unmasked> unchecked;
  // Keywords that no draft of JSON Schema has: they say nothing about values. `why` is empty.
  std::vector<Unmasked> annotations;
};

// Of a schema whose values are written as objects (a call's arguments) in the style of calls.
MaskReport report_mask(const Schema& schema);

}  // namespace baton::llm
