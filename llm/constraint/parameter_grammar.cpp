#include "parameter_grammar.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/json_schema/formats.h>
#include <baton/llm/schema_grammar/json_strings.h>
#include <baton/llm/schema_grammar/schema_facts.h>
#include <baton/llm/tool_syntax/call_openers.h>
#include <baton/llm/tool_syntax/literal_value.h>
#include <baton/llm/tool_syntax/parameter_value.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace baton::llm {
namespace {

unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

// Any text up to the first `end` (the automaton of Knuth, Morris and Pratt, 1977), after which it continues at `next`.
NodeId text_up_to(Automaton& out, std::string_view end, NodeId next) {
  std::vector<NodeId> nodes;  // by the number of bytes of `end` read so far
  for (std::size_t i = 0; i < end.size(); ++i) nodes.push_back(out.add());
  nodes.push_back(next);
  std::set<unsigned> letters;
  for (const char c : end) letters.insert(byte_of(c));
  for (std::size_t i = 0; i < end.size(); ++i) {
    unsigned from = 1;
    for (const unsigned letter : letters) {
      if (letter > from) out.byte(nodes[i], from, letter - 1, nodes[0]);
      from = letter + 1;
      const std::string read = std::string(end.substr(0, i)) + static_cast<char>(letter);
      std::size_t n = read.size();
      while (n > 0 && read.compare(read.size() - n, n, end.substr(0, n)) != 0) --n;
      const bool other_token = n == 0 && static_cast<char>(letter) == kTokenMark;
      if (!other_token && nodes[n] != Automaton::kDead) out.byte(nodes[i], letter, letter, nodes[n]);
    }
    if (from <= 0xFD) out.byte(nodes[i], from, 0xFD, nodes[0]);  // except our own marks
  }
  return nodes.front();
}

// Any text that does not contain `close` followed by one of `after`, ignoring white space between them. So a value may contain closing
// words, which SyntaxReader reads in the same way. The text may end anywhere, at `next`, which has the closing words.
class ClosedText {
 public:
  ClosedText(Automaton& out, std::string_view close, const std::vector<std::string>& after, NodeId next)
      : out_(out), n_close_(close.size()), next_(next) {
    for (const std::string& one : after) {
      ends_.emplace_back(close);
      std::copy_if(one.begin(), one.end(), std::back_inserter(ends_.back()), [](char c) { return !is_json_space(c); });
    }
    for (const std::string& end : ends_) letters_.insert(end.begin(), end.end());
    letters_.insert({' ', '\t', '\r', '\n'});
  }

  NodeId build() {
    const NodeId start = node_of({});
    while (!waiting_.empty() && !out_.too_large()) {
      const Places places = waiting_.back();
      waiting_.pop_back();
      add_edges(places);
    }
    return start;
  }

 private:
  using Places = std::set<std::pair<std::size_t, std::size_t>>;  // the index into ends_, and how many of its bytes were read

  NodeId node_of(const Places& places) {
    const auto [at, is_new] = nodes_.emplace(places, Automaton::kDead);
    if (is_new) {
      at->second = out_.add();
      out_.empty(at->second, next_);
      waiting_.push_back(places);
    }
    return at->second;
  }

  void add_edges(const Places& places) {
    const NodeId from = nodes_.at(places), start = nodes_.at({});
    unsigned lowest = 1;
    const auto others_up_to = [&](unsigned highest) {
      if (lowest <= highest) out_.byte(from, lowest, highest, start);
    };
    for (const unsigned char letter : letters_) {
      others_up_to(letter - 1u);
      lowest = letter + 1u;
      if (const auto after = step(places, static_cast<char>(letter))) out_.byte(from, letter, letter, node_of(*after));
    }
    others_up_to(0xFD);  // except our own marks
  }

  // Null: the byte completes an end, or begins a token that may not occur in text.
  std::optional<Places> step(const Places& places, char c) const {
    Places after;
    const auto read = [&](std::size_t end, std::size_t n) {
      if (ends_[end][n] == c) after.emplace(end, n + 1);
    };
    for (const auto& [end, n] : places) {
      read(end, n);
      if (n >= n_close_ && is_json_space(c)) after.emplace(end, n);
    }
    for (std::size_t end = 0; end < ends_.size(); ++end) read(end, 0);
    if (after.empty() && c == kTokenMark) return std::nullopt;
    for (const auto& [end, n] : after) {
      if (n == ends_[end].size()) return std::nullopt;
    }
    return after;
  }

  Automaton& out_;
  const std::size_t n_close_;
  const NodeId next_;
  std::vector<std::string> ends_;
  std::set<unsigned char> letters_;
  std::map<Places, NodeId> nodes_;
  std::vector<Places> waiting_;
};

// The rest of a string in single quotes, with JSON's escapes (`escape`: the rule for the text after a backslash), and one for the quote.
NodeId single_quoted(Automaton& out, NodeId escape, NodeId next) {
  const NodeId inside = out.add();
  for (const auto& [lo, hi] : {std::pair{0x20u, 0x26u}, {0x28u, 0x5Bu}, {0x5Du, 0xFDu}}) out.byte(inside, lo, hi, inside);  // not our marks
  out.byte(inside, '\\', '\\', out.any_of({out.call(escape, inside), out.bytes("'", inside)}));
  out.empty(inside, out.bytes("'", next));
  return inside;
}

class Parameters {
 public:
  Parameters(Automaton& out, SchemaCompiler& compiler, const ToolSyntax& syntax, const GrammarVocabulary& vocabulary,
             std::vector<Unmasked>& unmasked)
      : out_(out), compiler_(compiler), syntax_(syntax), p_(syntax.parameters), vocabulary_(vocabulary), unmasked_(unmasked) {}

  NodeId build(const SchemaNode& root, NodeId next) {
    NodeId some = text(syntax_.call_suffix, next), none = text(p_.none, next);
    for (auto property = root.properties.rbegin(); property != root.properties.rend(); ++property) {
      const auto& [name, schema] = *property;
      const bool wanted = std::find(root.required.begin(), root.required.end(), name) != root.required.end();
      name_ = name;
      const NodeId value = out_.bytes(name, value_of(*schema, value_end(some)));
      const NodeId first = text(p_.prefix, value), later = text(p_.separator, value);
      none = wanted ? first : out_.any_of({first, none});
      some = wanted ? later : out_.any_of({later, some});
    }
    return none;
  }

 private:
  NodeId text(std::string_view what, NodeId next) { return syntax_text(out_, what, vocabulary_, next); }

  bool escapes() const { return p_.quote_prefix == "'"; }

  // The text that closes the value of name_.
  NodeId value_end(NodeId next) {
    std::string_view rest = p_.value_suffix;
    for (auto hole = rest.rfind(kKeyHole); hole != std::string_view::npos; hole = rest.rfind(kKeyHole)) {
      next = out_.bytes(name_, text(rest.substr(hole + 1), next));
      rest = rest.substr(0, hole);
    }
    return text(rest, next);
  }

  // The value, with the text between a name and its value.
  NodeId value_of(const SchemaNode& schema, NodeId next) {
    const bool quoted = p_.quote_prefix == "\"";  // JSON's own strings
    const ParameterValues values = parameter_values(schema, budget_);
    if (!quoted && !values.no_strings()) return with_strings(schema, values, next);
    return text(p_.key_suffix, as_json(schema, next));
  }

  // As JSON, or in the syntax's own words.
  NodeId as_json(const SchemaNode& schema, NodeId next) {
    if (schema.types == kBooleanType && !schema.enum_values && !schema.constant)
      return out_.any_of({out_.bytes(p_.yes, next), out_.bytes(p_.no, next)});
    if (schema.types == kNullType) return out_.bytes(p_.null, next);
    std::vector<NodeId> ways = {out_.call(compiler_.rule(schema), next)};
    add_words(schema, next, ways);
    return out_.any_of(ways);
  }

  // Adds the syntax's own words, if they differ from JSON's.
  void add_words(const SchemaNode& schema, NodeId next, std::vector<NodeId>& ways) {
    for (const auto& [value, word] : {std::pair{Json(true), p_.yes}, {Json(false), p_.no}, {Json(nullptr), p_.null}}) {
      if (word != value.dump() && is_valid(schema, value)) ways.push_back(out_.bytes(word, next));
    }
  }

  // Strings are written without escapes, after a word or between the syntax's own quotes. Without quotes, if any string is allowed, no
  // other value can be distinguished from it.
  NodeId with_strings(const SchemaNode& schema, const ParameterValues& values, NodeId next) {
    NodeId strings = Automaton::kDead;
    if (values.strings) {
      std::vector<std::string> valid;
      std::copy_if(values.strings->begin(), values.strings->end(), std::back_inserter(valid),
                   [&](const std::string& value) { return is_valid(schema, value); });
      if (escapes()) std::transform(valid.begin(), valid.end(), valid.begin(), in_single_quotes);
      strings = text(p_.quote_prefix, out_.one_of(std::move(valid), text(p_.quote_suffix, next)));
    } else {
      strings = any_string(next);
      note_strings(schema);
    }
    std::vector<NodeId> others;
    const bool told_apart = values.strings || !p_.quote_prefix.empty() || !p_.text_key_suffix.empty();
    if (values.others && told_apart) {
      others.push_back(out_.call(compiler_.rule_without_strings(schema), next));
      add_words(schema, next, others);
    }
    if (values.others && !told_apart) note(schema, "", "where any string may stand, everything may");
    if (!p_.text_key_suffix.empty()) return out_.any_of({text(p_.text_key_suffix, strings), text(p_.key_suffix, out_.any_of(others))});
    others.insert(others.begin(), strings);
    return text(p_.key_suffix, out_.any_of(others));
  }

  void note(const SchemaNode& schema, std::string keyword, const std::string& why) {
    unmasked_.push_back({schema.pointer, std::move(keyword), why + ": it is checked afterwards"});
  }
  // Reports the conditions that are not enforced for such strings: each schema once. Not recursive, because a chain of references may be as
  // long as the document.
  void note_strings(const SchemaNode& first) {
    std::vector<const SchemaNode*> waiting{&first};
    while (!waiting.empty()) {
      const SchemaNode& schema = *waiting.back();
      waiting.pop_back();
      if (!noted_.insert(&schema).second) continue;
      for (const auto& [has, keyword] : {std::pair{schema.pattern.has_value(), "pattern"},
                                         {find_format(schema.format) != nullptr, "format"},
                                         {schema.min_length.has_value(), "minLength"},
                                         {schema.max_length.has_value(), "maxLength"},
                                         {schema.not_schema != nullptr, "not"}}) {
        if (has) note(schema, keyword, "the strings of this syntax are masked up to their end only");
      }
      if (schema.ref) waiting.push_back(schema.ref);
      for (const auto* all : {&schema.all_of, &schema.any_of, &schema.one_of}) waiting.insert(waiting.end(), all->begin(), all->end());
    }
  }

  NodeId any_string(NodeId next) {
    if (escapes()) return text(p_.quote_prefix, single_quoted(out_, strings_.escape(kAllCodePoints), next));
    if (!p_.quote_prefix.empty()) return text(p_.quote_prefix, text_up_to(out_, vocabulary_.marked(p_.quote_suffix), next));
    const std::string more = vocabulary_.marked(p_.separator), end = vocabulary_.marked(syntax_.call_suffix);
    if (!p_.value_suffix.empty()) {
      const std::string_view own_end = trimmed(std::string_view(p_.value_suffix).substr(0, p_.value_suffix.find(kKeyHole)));
      const std::string_view rest = trimmed(std::string_view(p_.value_suffix).substr(p_.value_suffix.rfind(kKeyHole) + 1));
      return closed_text(vocabulary_.marked(own_end) + name_ + vocabulary_.marked(rest), {more, end}, next);
    }
    // The common prefix of both continuations ends the value.
    std::string_view both(more.data(),
                          static_cast<std::size_t>(std::mismatch(more.begin(), more.end(), end.begin(), end.end()).first - more.begin()));
    const auto tag = both.find_first_of(std::string("<[") + kTokenMark);
    if (tag == std::string_view::npos) return Automaton::kDead;
    const auto tag_end = both.find_first_of(">]", tag);
    if (tag_end == std::string_view::npos) return Automaton::kDead;
    const std::size_t behind = tag_end + 1;
    return closed_text(both.substr(tag, behind - tag), {more.substr(behind), end.substr(behind)}, next);
  }

  // The closing tag itself is written by `next`, which has it after optional white space.
  NodeId closed_text(std::string_view close, std::vector<std::string> after, NodeId next) {
    for (std::string& one : after) one.resize(std::min(one.find(kHole), one.size()));
    return ClosedText(out_, close, after, next).build();
  }

  Automaton& out_;
  SchemaCompiler& compiler_;
  const ToolSyntax& syntax_;
  const ToolSyntax::Parameters& p_;
  const GrammarVocabulary& vocabulary_;
  std::vector<Unmasked>& unmasked_;
  JsonStrings strings_{out_};
  std::string name_;  // of the parameter whose value is compiled
  std::set<const SchemaNode*> noted_;
  int budget_ = 100'000;  // of all parameters of a tool
};

// Letters, digits and the other characters of ids and channels.
NodeId hole(Automaton& out, NodeId next) {
  const NodeId node = out.add();
  for (const auto& [lo, hi] : {std::pair{'a', 'z'}, std::pair{'A', 'Z'}, std::pair{'0', '9'}})
    out.byte(node, byte_of(lo), byte_of(hi), node);
  for (const char c : {' ', '_', '-', '.', ':'}) out.byte(node, byte_of(c), byte_of(c), node);
  out.empty(node, out.bytes(std::string(1, kTokenMark) + "<|constrain|>", node));  // harmony's word for the type of the arguments
  out.empty(node, next);
  return node;
}

}  // namespace

NodeId syntax_text(Automaton& out, std::string_view text, const GrammarVocabulary& vocabulary, NodeId next) {
  const std::string marked = vocabulary.marked(text);
  NodeId space = Automaton::kDead;
  bool blank = false;
  for (auto c = marked.rbegin(); c != marked.rend(); ++c) {
    if (is_json_space(*c)) {
      if (!std::exchange(blank, true)) {
        if (space == Automaton::kDead) space = json_space(out);
        next = out.call(space, next);
      }
      continue;
    }
    blank = false;
    next = *c == kHole ? hole(out, next) : out.bytes(std::string_view(&*c, 1), next);
  }
  return next;
}

NodeId parameter_grammar(Automaton& out, SchemaCompiler& compiler, const Schema& schema, const ToolSyntax& syntax,
                         const GrammarVocabulary& vocabulary, std::vector<Unmasked>& unmasked, NodeId next) {
  const SchemaNode& root = schema.root();
  if (root.ref || !root.all_of.empty() || !root.any_of.empty() || !root.one_of.empty() || !root.pattern_properties.empty()) {
    unmasked.push_back({root.pointer, "", "in this syntax only parameters under `properties` are masked: all are checked afterwards"});
    return Automaton::kDead;
  }
  const auto declared = [&](const std::string& name) { return root.property(name) != nullptr; };
  const bool open = root.additional_properties && !root.additional_properties->never;
  if (open || !std::all_of(root.required.begin(), root.required.end(), declared)) {
    unmasked.push_back(
        {root.pointer, "", "parameters that `properties` does not name cannot be masked in this syntax: all are checked afterwards"});
    return Automaton::kDead;
  }
  for (const auto& [has, keyword] :
       {std::pair{root.min_properties.has_value(), "minProperties"}, {root.max_properties.has_value(), "maxProperties"}}) {
    if (has) unmasked.push_back({root.pointer, keyword, "parameters are not counted in this syntax: it is checked afterwards"});
  }
  return Parameters(out, compiler, syntax, vocabulary, unmasked).build(root, next);
}

}  // namespace baton::llm
