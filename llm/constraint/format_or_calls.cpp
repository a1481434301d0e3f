#include "format_or_calls.h"

#include <algorithm>

#include "parameter_grammar.h"

namespace baton::llm {
namespace {

NodeId names(Automaton& out, const std::vector<ToolSpec>& tools, bool quoted) {
  const NodeId rest = out.final();  // a token may extend beyond the name, where the grammar of calls continues
  out.byte(rest, 0x00, 0xFF, rest);
  std::vector<std::string> texts;
  for (const ToolSpec& tool : tools) texts.push_back(quoted ? write_json(Json(tool.name), {}).substr(1) : tool.name);
  return out.one_of(texts, rest);
}

}  // namespace

std::unique_ptr<Grammar> call_openings(const std::vector<ToolSpec>& tools, const ToolSyntax& syntax, const GrammarVocabulary& vocabulary,
                                       bool spaced) {
  Automaton out;
  const NodeId quoted = names(out, tools, true);
  const NodeId space = json_space(out);
  const auto sign = [&](std::string_view text, NodeId next) { return out.bytes(text, out.call(space, next)); };
  const auto object = [&](const std::string& key) {
    return sign("{", sign(write_json(Json(key), {}), sign(":", out.bytes("\"", quoted))));
  };
  const NodeId one = object("name");
  const NodeId json = out.any_of({one, sign("[", one)});
  std::vector<NodeId> ways = {json, out.bytes("```json\n", json)};
  if (syntax.form == ToolSyntax::Form::text) {
    ways.push_back(syntax_text(out, syntax.calls_prefix, vocabulary, names(out, tools, false)));
  } else if (syntax.calls_prefix.find_first_not_of(" \t\r\n") != std::string::npos) {
    const NodeId own = object(syntax.name_key);
    ways.push_back(syntax_text(out, syntax.calls_prefix, vocabulary, syntax.form == ToolSyntax::Form::json_list ? sign("[", own) : own));
  }
  NodeId start = out.any_of(ways);
  if (spaced) start = out.call(space, start);
  out.prune(start);
  return std::make_unique<Grammar>(std::move(out), start, vocabulary.trie());
}

const TokenMask* FormatOrCalls::mask() {
  if (calling()) {
    called_ = true;
    return calls_->mask();
  }
  const TokenMask* format = format_->mask();
  if (!may_call()) return format;
  const TokenMask& opening = openings_->mask(opening_);
  if (!format_->alive()) return &(mask_ = opening);
  mask_ = *format;
  for (std::size_t i = 0; i < std::min(mask_.size(), opening.size()); ++i) mask_[i] |= opening[i];
  return &mask_;
}

const TokenMask* FormatOrCalls::refined(std::int32_t wanted) {
  if (calling()) return calls_->refined(wanted);
  return may_call() ? nullptr : format_->refined(wanted);
}

std::optional<Rewind> FormatOrCalls::accept(const Choice& choice) {
  if (!calling()) {
    if (may_call()) opening_ = openings_->step(opening_, calls_->bytes(choice.id));
    format_->accept(choice);
    if (opening_ == kDeadState) calls_->leave_alone();
    return calls_->read(choice);
  }
  std::optional<Rewind> to = calls_->accept(choice);
  if (!to || calls_->in_call()) return to;
  // The call was not intended: only the format is left.
  called_ = false;
  opening_ = kDeadState;
  calls_->leave_alone();
  format_->restart();
  return to;
}

std::vector<std::int32_t> FormatOrCalls::draft() {
  if (calling()) return calls_->draft();
  return may_call() ? std::vector<std::int32_t>() : format_->draft();
}

}  // namespace baton::llm
