#include "call_grammar.h"

#include <algorithm>

#include "parameter_grammar.h"

namespace baton::llm {
namespace {

// Builds the grammar of one set of tools.
class CallCompiler {
 public:
  CallCompiler(const std::vector<ToolSpec>& tools, const ToolSyntax& syntax, const GrammarVocabulary& vocabulary, CallGrammar& into)
      : tools_(tools), syntax_(syntax), vocabulary_(vocabulary), into_(into), compiler_(out_, style_, patterns_) {}

  std::optional<Error> read_schemas() {
    static const Json kAnyObject = {{"type", "object"}};
    std::size_t n_nodes = 0;  // of all tools: the parts that they do not share must fit in total
    for (const ToolSpec& tool : tools_) {
      auto schema = schema_of(tool);
      if (!schema) return Error{schema.error().code, "tool '" + tool.name + "': " + schema.error().message};
      Automaton alone;
      SchemaCompiler compiler(alone, style_, patterns_);
      const NodeId rule = compiler.object_rule(*schema);
      n_nodes += alone.nodes().size();
      std::string refused;
      if (alone.too_large()) {
        refused = alone.why_too_large();
      } else if (!alone.prune(rule) || Machine(alone, rule).start() == kDeadState) {
        refused = "no object is valid under it";
      } else if (n_nodes > Automaton::kMaxNodes / 2) {
        refused = "with the tools before it, it needs more than " + std::to_string(Automaton::kMaxNodes / 2) + " nodes";
      }
      const bool fits = refused.empty();
      for (const Unmasked& what : compiler.unmasked()) into_.unmasked.push_back({tool.name, what});
      if (!fits) into_.unmasked.push_back({tool.name, {"", "", "any object may be written and is checked afterwards: " + refused}});
      if (fits && compiler.unmasked().empty() && (syntax_.form != ToolSyntax::Form::text || syntax_.has_json_arguments()))
        into_.whole.push_back(tool.name);
      refused_.push_back(!fits);
      schemas_.push_back(fits ? std::move(*schema) : Schema::parse(kAnyObject).value());
    }
    return std::nullopt;
  }

  void build(bool parallel) {
    for (const Schema& schema : schemas_) arguments_.push_back(compiler_.object_rule(schema));
    space_ = json_space(out_);
    const NodeId rest = out_.final();  // the text after the call is not restricted
    out_.byte(rest, 0x00, 0xFF, rest);
    // In a list: "]", or, if several calls are allowed, another call.
    const NodeId more = out_.add();
    out_.empty(more, space(out_.bytes("]", rest)));
    const NodeId next_name = out_.bytes("\"", names(more));
    if (parallel) out_.empty(more, sign(",", sign("{", before_name(next_name))));
    const NodeId in_object = names(rest), in_list = names(more);
    std::vector<NodeId> entries = {out_.bytes(call_entry::kObject, in_object), out_.bytes(call_entry::kList, in_list),
                                   out_.bytes(call_entry::kColon, space(out_.bytes("\"", in_object))),
                                   out_.bytes(call_entry::kColonInList, space(out_.bytes("\"", in_list)))};
    if (syntax_.form == ToolSyntax::Form::text) entries.push_back(out_.bytes(call_entry::kOwn, own(rest)));
    const NodeId start = out_.any_of(entries);
    out_.prune(start);
    into_.grammar = std::make_unique<Grammar>(std::move(out_), start, vocabulary_.trie());
  }

 private:
  NodeId space(NodeId next) { return out_.call(space_, next); }
  NodeId sign(std::string_view text, NodeId next) { return out_.bytes(text, space(next)); }
  NodeId member(const std::string& key, NodeId value) { return out_.bytes(write_json(Json(key), style_), space(sign(":", value))); }

  // An id, if the template's calls have one. Baton does not need it, but the model has learned to write it.
  NodeId id(NodeId next) { return JsonStrings(out_).any(Count{1, 64}, next); }

  // NAME", "arguments": {..}}
  NodeId names(NodeId next) {
    std::vector<NodeId> ends = {out_.bytes("}", next)};
    if (!syntax_.id_key.empty())
      ends.push_back(sign(",", member(syntax_.id_key, out_.call(id(out_.final()), space(out_.bytes("}", next))))));
    const NodeId end = out_.any_of(ends);
    std::vector<NodeId> ways;
    for (std::size_t i = 0; i < tools_.size(); ++i) {
      const NodeId object = out_.call(arguments_[i], space(end));
      std::vector<NodeId> keys = {member("arguments", object)};
      if (syntax_.arguments_key != "arguments") keys.push_back(member(syntax_.arguments_key, object));
      ways.push_back(out_.bytes(write_json(Json(tools_[i].name), style_).substr(1), space(sign(",", out_.any_of(keys)))));
    }
    return out_.any_of(ways);
  }

  // Between a further call's bracket and its name.
  NodeId before_name(NodeId name) {
    std::vector<NodeId> keys = {member("name", name)};
    if (syntax_.name_key != "name") keys.push_back(member(syntax_.name_key, name));
    const NodeId key = out_.any_of(keys);
    if (syntax_.id_key.empty()) return key;
    return out_.any_of({key, member(syntax_.id_key, out_.call(id(out_.final()), space(sign(",", key))))});
  }

  NodeId own(NodeId rest) {
    std::vector<NodeId> ways;
    for (std::size_t i = 0; i < tools_.size(); ++i) {
      NodeId behind = Automaton::kDead;
      if (syntax_.has_json_arguments()) {
        behind = syntax_text(out_, syntax_.name_suffix, vocabulary_, out_.call(arguments_[i], rest));
      } else if (!refused_[i]) {
        std::vector<Unmasked> unmasked;
        behind = parameter_grammar(out_, compiler_, schemas_[i], syntax_, vocabulary_, unmasked, rest);
        for (Unmasked& what : unmasked) into_.unmasked.push_back({tools_[i].name, std::move(what)});
      }
      if (behind == Automaton::kDead) behind = rest;
      ways.push_back(out_.bytes(tools_[i].name, behind));
    }
    return out_.any_of(ways);
  }

  const std::vector<ToolSpec>& tools_;
  const ToolSyntax& syntax_;
  const GrammarVocabulary& vocabulary_;
  CallGrammar& into_;
  const WritingStyle style_{.free_space = true};
  const std::shared_ptr<TamePatterns> patterns_ = std::make_shared<TamePatterns>();
  Automaton out_;
  SchemaCompiler compiler_;
  std::vector<Schema> schemas_;
  std::vector<bool> refused_;      // by tool: any object is allowed instead of its schema
  std::vector<NodeId> arguments_;  // by tool
  NodeId space_ = Automaton::kDead;
};

}  // namespace

Result<std::shared_ptr<CallGrammar>> compile_calls(const std::vector<ToolSpec>& tools, bool parallel, const ToolSyntax& syntax,
                                                   const GrammarVocabulary& vocabulary) {
  auto compiled = std::make_shared<CallGrammar>();
  CallCompiler compiler(tools, syntax, vocabulary, *compiled);
  if (auto error = compiler.read_schemas()) return *error;
  compiler.build(parallel);
  return compiled;
}

}  // namespace baton::llm
