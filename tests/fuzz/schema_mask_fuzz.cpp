// A schema on the first line, and bytes that choose: a text written along its mask is JSON and valid, unless the compiler reported a
// keyword that it leaves to the validator.
#include <baton/llm/grammar/machine.h>
#include <baton/llm/schema_grammar/schema_compiler.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace baton::llm;

constexpr std::size_t kMaxWritten = 400;

// A whole text, or nothing if the walk did not complete one in time. It aborts the process at a state without successors.
std::string walk(Machine& machine, std::string_view choices) {
  std::string text;
  StateId state = machine.start();
  for (std::size_t i = 0; i < kMaxWritten; ++i) {
    const auto choice = static_cast<std::uint8_t>(choices.empty() ? i * 37 : static_cast<unsigned char>(choices[i % choices.size()]) + i);
    if (machine.accepts(state) && choice % 4 == 0) return text;
    StateId next = kDeadState;
    for (unsigned tried = 0; tried < 256 && next == kDeadState; ++tried) {
      const auto byte = static_cast<std::uint8_t>(choice + tried);
      next = machine.step(state, byte);
      if (next != kDeadState) text += static_cast<char>(byte);
    }
    if (next == kDeadState && machine.accepts(state)) return text;
    if (next == kDeadState) std::abort();
    state = next;
  }
  return machine.accepts(state) ? text : "";
}

// Numbers of more digits than a double holds are rounded when they are read: to a bound, to a multiple, or to infinity.
bool has_long_number(const std::string& text) {
  std::size_t run = 0;
  return std::any_of(text.begin(), text.end(), [&](unsigned char c) {
    run = std::isdigit(c) || (c == '.' && run > 0) ? run + 1 : 0;
    return run > 15;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const Json json = Json::parse(input.substr(0, line), nullptr, false);
  if (json.is_discarded()) return 0;
  const auto schema = Schema::parse(json);
  if (!schema) return 0;
  Automaton automaton;
  SchemaCompiler compiler(automaton, {});
  const NodeId start = compiler.rule(*schema);
  if (automaton.too_large()) return automaton.why_too_large().empty() ? (std::abort(), 0) : 0;
  if (!automaton.prune(start)) return 0;
  Machine machine(automaton, start);
  if (machine.start() == kDeadState) return 0;
  const std::string text = walk(machine, input.substr(std::min(line + 1, input.size())));
  if (text.empty() || has_long_number(text)) return 0;
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    std::fprintf(stderr, "no JSON: %s\n", text.c_str());
    std::abort();
  }
  if (!compiler.unmasked().empty()) return 0;
  for (const Violation& violation : schema->validate(value)) {
    if (violation.keyword.empty()) continue;  // a limit of the validator
    std::fprintf(stderr, "%s\n%s %s\n", text.c_str(), violation.keyword.c_str(), violation.to_string().c_str());
    std::abort();
  }
  return 0;
}
