#include "call_grammar.h"

namespace baton::llm {
namespace {}  // namespace

Result<std::shared_ptr<CallGrammar>> compile_calls(const std::vector<ToolSpec>& tools, bool parallel,
                                                   std::shared_ptr<const TokenTrie> trie) {
  const WritingStyle style{.free_space = true};
  const Json any_object = {{"type", "object"}};
  auto compiled = std::make_shared<CallGrammar>();
  std::vector<Schema> schemas;
  for (const ToolSpec& tool : tools) {
    auto schema = Schema::parse(tool.parameters);
    if (!schema) return Error{schema.error().code, "tool '" + tool.name + "': " + schema.error().message};
    Automaton alone;
    SchemaCompiler compiler(alone, style);
    const NodeId rule = compiler.object_rule(*schema);
    const bool fits = !alone.too_large() && alone.prune(rule) && Machine(alone, rule).start() != kDeadState;
    for (const Unmasked& what : compiler.unmasked()) compiled->unmasked.push_back({tool.name, what});
    if (!fits)
      compiled->unmasked.push_back({tool.name, {"", "", "no object fits it, or it is too large for a mask: it is checked afterwards"}});
    schemas.push_back(fits ? std::move(*schema) : Schema::parse(any_object).value());
  }

  Automaton out;
  SchemaCompiler compiler(out, style);
  std::vector<NodeId> arguments;
  for (const Schema& schema : schemas) {
    arguments.push_back(compiler.object_rule(schema));
  }
  const NodeId rest = out.final();  // what follows is none of our business
  out.byte(rest, 0x00, 0xFF, rest);

  const NodeId space_rule = json_space(out);
  const auto space = [&](NodeId next) { return out.call(space_rule, next); };
  const auto sign = [&](const char* text, NodeId next) { return out.bytes(text, space(next)); };
  // "NAME", "arguments": {..}}
  const auto calls = [&](NodeId next) {
    std::vector<NodeId> ways;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const NodeId object = out.call(arguments[i], space(out.bytes("}", next)));
      ways.push_back(out.bytes(write_json(Json(tools[i].name), style), sign(",", out.bytes("\"arguments\"", sign(":", object)))));
    }
    return out.any_of(ways);
  };
  const auto first_call = [&](NodeId next) {
    const NodeId colon = space(sign(":", calls(next)));
    std::vector<NodeId> keys;
    for (const char* key : {"\"name\"", "\"function\"", "\"tool\""}) keys.push_back(out.bytes(key, colon));
    return sign("{", out.any_of(keys));
  };
  // In a list: "]", or, where several are wanted, another call.
  const NodeId more = out.add();
  out.empty(more, space(out.bytes("]", rest)));
  if (parallel) out.empty(more, sign(",", sign("{", out.bytes("\"name\"", sign(":", calls(more))))));
  const NodeId start = out.any_of({first_call(rest), sign("[", first_call(more))});
  out.prune(start);
  compiled->grammar = std::make_unique<Grammar>(std::move(out), start, std::move(trie));
  return compiled;
}

}  // namespace baton::llm
