#include "call_grammar.h"

namespace baton::llm {
namespace {

// As much as an indented line begins with: a model that has lost its way could write it for ever.
constexpr int kMaxSpace = 16;

NodeId white_space(Automaton& out, NodeId next) {
  for (int i = 0; i < kMaxSpace; ++i) {
    const NodeId space = out.add();
    for (const char c : {' ', '\t', '\n', '\r'}) out.byte(space, static_cast<unsigned char>(c), static_cast<unsigned char>(c), next);
    out.empty(space, next);
    next = space;
  }
  return next;
}

// "NAME", "arguments": {..}}
NodeId named_call(Automaton& out, const WritingStyle& style, const std::string& name, NodeId arguments, NodeId next) {
  return out.bytes(write_json(Json(name), style) + style.item_separator + "\"arguments\"" + style.key_separator,
                   out.call(arguments, out.bytes("}", next)));
}

}  // namespace

Result<std::shared_ptr<CallGrammar>> compile_calls(const std::vector<ToolSpec>& tools, bool parallel,
                                                   std::shared_ptr<const TokenTrie> trie) {
  const WritingStyle style;
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

  const auto calls = [&](NodeId next) {
    std::vector<NodeId> ways;
    for (std::size_t i = 0; i < tools.size(); ++i) ways.push_back(named_call(out, style, tools[i].name, arguments[i], next));
    return out.any_of(ways);
  };
  const auto first_call = [&](NodeId next) {
    const NodeId colon = white_space(out, out.bytes(":", white_space(out, calls(next))));
    std::vector<NodeId> keys;
    for (const char* key : {"\"name\"", "\"function\"", "\"tool\""}) keys.push_back(out.bytes(key, colon));
    return out.bytes("{", white_space(out, out.any_of(keys)));
  };
  // In a list: "]", or, where several are wanted, another call in the same style.
  const NodeId more = out.add();
  out.byte(more, ']', ']', rest);
  if (parallel) out.empty(more, out.bytes(style.item_separator + "{\"name\"" + style.key_separator, calls(more)));
  const NodeId start = out.any_of({first_call(rest), out.bytes("[", white_space(out, first_call(more)))});
  out.prune(start);
  compiled->grammar = std::make_unique<Grammar>(std::move(out), start, std::move(trie));
  return compiled;
}

}  // namespace baton::llm
