#include "compiled_format.h"

#include <baton/llm/grammar/machine.h>
#include <baton/llm/text_grammar/gbnf.h>
#include <baton/llm/text_grammar/regex.h>

namespace baton::llm {
namespace {

using Kind = OutputFormat::Kind;

constexpr std::size_t kMaxPatternBytes = 64 * 1024;

// Any object, of any values.
const Schema& any_object() {
  static const Schema schema = Schema::parse({{"type", "object"}}).value();
  return schema;
}

NodeId schema_rule(const Schema& schema, Kind kind, FormatGrammar& grammar) {
  SchemaCompiler compiler(grammar.automaton, WritingStyle{.free_space = true});
  const NodeId start = kind == Kind::json_object ? compiler.object_rule(schema) : compiler.rule(schema);
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

Result<NodeId> gbnf_rule(const std::string& text, FormatGrammar& grammar) {
  const auto rules = Gbnf::parse(text);
  if (!rules) return rules.error();
  return rules->build(grammar.automaton);
}

std::optional<std::string> json_misfit(const Schema& schema, const std::string& answer) {
  const Json value = Json::parse(answer, nullptr, false);
  if (value.is_discarded()) return answer.empty() ? "the answer is empty" : "the answer is not JSON";
  std::string all;
  for (const Violation& violation : schema.validate(value)) {
    all += (all.empty() ? "" : "\n") + violation.to_string() + (violation.keyword.empty() ? "" : " (" + violation.keyword + ")");
  }
  if (all.empty()) return std::nullopt;
  return all;
}

}  // namespace

Result<std::shared_ptr<const CompiledFormat>> CompiledFormat::compile(OutputFormat format) {
  FormatGrammar grammar;
  std::optional<Schema> schema;
  Result<NodeId> start = NodeId{Automaton::kDead};
  if (format.kind == Kind::regex) {
    start = regex_rule(format.text, grammar);
  } else if (format.kind == Kind::grammar) {
    start = gbnf_rule(format.text, grammar);
  } else {
    auto parsed = format.kind == Kind::json_object ? Result<Schema>(any_object()) : Schema::parse(format.schema);
    if (!parsed) return parsed.error();
    start = schema_rule(*parsed, format.kind, grammar);
    schema = std::move(*parsed);
  }
  if (!start) return start.error();
  if (grammar.automaton.too_large()) {
    return Error{errc::unsupported, "it is too large: it needs more than " + std::to_string(Automaton::kMaxNodes) +
                                        " states; make repetitions and lists of values shorter"};
  }
  // The machine also detects formats that only counting rules out, such as {"minItems": 2, "maxItems": 1} in an allOf.
  if (!grammar.automaton.prune(*start) || Machine(grammar.automaton, *start).start() == kDeadState)
    return Error{errc::invalid_argument, "no text fits it: its parts contradict each other"};
  grammar.start = *start;
  return std::shared_ptr<const CompiledFormat>(new CompiledFormat(std::move(format), std::move(grammar), std::move(schema)));
}

std::optional<std::string> CompiledFormat::misfit(const std::string& answer) const {
  return schema_ ? json_misfit(*schema_, answer) : text_misfit(answer);
}

std::optional<std::string> CompiledFormat::text_misfit(const std::string& answer) const {
  Machine machine(grammar_.automaton, grammar_.start);
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

}  // namespace baton::llm
