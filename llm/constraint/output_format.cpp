#include "output_format.h"

#include <baton/llm/grammar/gbnf.h>
#include <baton/llm/grammar/machine.h>
#include <baton/llm/grammar/regex.h>
#include <baton/llm/json_schema/json_schema.h>

namespace baton::llm {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;

// Any object, of any values.
const Schema& any_object() {
  static const Schema schema = Schema::parse({{"type", "object"}}).value();
  return schema;
}

Result<NodeId> schema_rule(const Json& json, FormatGrammar& grammar) {
  const auto schema = Schema::parse(json);
  if (!schema) return schema.error();
  SchemaCompiler compiler(grammar.automaton, WritingStyle{.free_space = true});
  const NodeId start = compiler.rule(*schema);
  grammar.unmasked = compiler.unmasked();
  return start;
}

Result<NodeId> regex_rule(const std::string& pattern, FormatGrammar& grammar) {
  if (pattern.size() > kMaxPatternBytes) {
    return Error{errc::invalid_argument,
                 "it has " + std::to_string(pattern.size()) + " bytes, more than " + std::to_string(kMaxPatternBytes)};
  }
  const auto regex = Regex::parse(pattern);
  if (!regex) {
    const bool known = regex.error().code == errc::unsupported;
    return Error{regex.error().code, (known ? "not supported: " : "") + regex.error().message};
  }
  return regex->build(grammar.automaton, false, text_edges, {}, grammar.automaton.final());
}

Result<NodeId> rule_of(const OutputFormat& format, FormatGrammar& grammar) {
  switch (format.kind) {
    case OutputFormat::Kind::json_object:
      return SchemaCompiler(grammar.automaton, WritingStyle{.free_space = true}).object_rule(any_object());
    case OutputFormat::Kind::json_schema:
      return schema_rule(format.schema, grammar);
    case OutputFormat::Kind::regex:
      return regex_rule(format.text, grammar);
    case OutputFormat::Kind::grammar: {
      const auto rules = Gbnf::parse(format.text);
      if (!rules) return rules.error();
      return rules->build(grammar.automaton);
    }
  }
  return Automaton::kDead;
}

std::optional<std::string> json_misfit(const Schema& schema, const std::string& answer) {
  const Json value = Json::parse(answer, nullptr, false);
  if (value.is_discarded()) return answer.empty() ? "the answer is empty" : "the answer is no JSON";
  std::string all;
  for (const Violation& violation : schema.validate(value)) {
    all += (all.empty() ? "" : "\n") + violation.to_string() + (violation.keyword.empty() ? "" : " (" + violation.keyword + ")");
  }
  if (all.empty()) return std::nullopt;
  return all;
}

std::optional<std::string> text_misfit(const OutputFormat& format, const std::string& answer) {
  const auto grammar = compile_format(format);
  if (!grammar) return grammar.error().message;
  Machine machine(grammar->automaton, grammar->start);
  StateId state = machine.start();
  std::size_t n = 0;
  while (n < answer.size()) {
    const StateId next = machine.step(state, static_cast<std::uint8_t>(answer[n]));
    if (next == kDeadState) break;
    state = next;
    ++n;
  }
  if (machine.exhausted())
    return "the grammar is too ambiguous: in byte " + std::to_string(n) + " of the answer there are too many ways to read it";
  if (n < answer.size()) return "byte " + std::to_string(n) + " of the answer does not fit";
  if (!machine.accepts(state)) return "the answer ends before it is whole";
  return std::nullopt;
}

}  // namespace

Result<FormatGrammar> compile_format(const OutputFormat& format) {
  FormatGrammar grammar;
  const auto start = rule_of(format, grammar);
  if (!start) return start.error();
  if (grammar.automaton.too_large()) {
    return Error{errc::unsupported, "it is too large: it needs more than " + std::to_string(Automaton::kMaxNodes) +
                                        " states; make repetitions and lists of values shorter"};
  }
  // The machine also detects formats that only counting rules out, such as {"minItems": 2, "maxItems": 1} in an allOf.
  if (!grammar.automaton.prune(*start) || Machine(grammar.automaton, *start).start() == kDeadState)
    return Error{errc::invalid_argument, "no text fits it: its parts contradict each other"};
  grammar.start = *start;
  return grammar;
}

std::optional<std::string> misfit(const OutputFormat& format, const std::string& answer) {
  if (format.kind == OutputFormat::Kind::regex || format.kind == OutputFormat::Kind::grammar) return text_misfit(format, answer);
  if (format.kind == OutputFormat::Kind::json_object) return json_misfit(any_object(), answer);
  const auto schema = Schema::parse(format.schema);
  return schema ? json_misfit(*schema, answer) : schema.error().message;
}

}  // namespace baton::llm
