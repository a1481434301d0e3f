// A format: the first byte chooses the kind, the rest is its schema, pattern or grammar. A format that compiles can be written: from its
// start some bytes lead to a whole answer, which misfit() accepts.
#include <baton/llm/constraint/compiled_format.h>
#include <baton/llm/grammar/machine.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace baton::llm;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  OutputFormat format;
  if (data[0] == 'g' || data[0] == 'r') {
    format.kind = data[0] == 'g' ? OutputFormat::Kind::grammar : OutputFormat::Kind::regex;
    format.text = text;
  } else {
    format.kind = OutputFormat::Kind::json_schema;
    format.schema = Json::parse(text, nullptr, false);
    if (format.schema.is_discarded()) return 0;
  }
  const auto compiled = CompiledFormat::compile(format);
  if (!compiled) {
    if (compiled.error().message.empty()) std::abort();
    return 0;
  }
  // Any path, until the answer is complete or long enough.
  Machine machine((*compiled)->grammar().automaton, (*compiled)->grammar().start);
  StateId state = machine.start();
  std::string answer;
  for (std::uint32_t turn = static_cast<std::uint32_t>(size); answer.size() < 64 && !machine.accepts(state);
       turn = turn * 1664525 + 1013904223) {
    StateId next = kDeadState;
    for (unsigned i = 0; i < 256 && next == kDeadState; ++i) {
      const auto byte = static_cast<std::uint8_t>(i + (turn >> 24));
      next = machine.step(state, byte);
      if (next != kDeadState) answer += static_cast<char>(byte);
    }
    if (machine.exhausted()) return 0;
    if (next == kDeadState) std::abort();  // a dead end
    state = next;
  }
  if (!machine.accepts(state)) return 0;
  // JSON may contain numbers that no reader can represent, and keywords that are checked afterwards.
  if (format.kind != OutputFormat::Kind::json_schema && (*compiled)->misfit(answer)) std::abort();
  return 0;
}
