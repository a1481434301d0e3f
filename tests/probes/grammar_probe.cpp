// The probe of tests/check/grammar/masks.py and schema_suite.py: random writings under a schema's masks, with a real vocabulary, and
// whether values may be written. Reads a JSON object a line: {"schema": .., "samples": N, "seed": S, "values": [..]}; answers each with a
// line
// {"texts": [..], "unfinished": n, "dead_ends": n, "writable": [..], "unmasked": [..]}, or {"error": ..}. {"schema": .., "timed": [texts]}
// is answered with {"compile_us": t, "ids": [[..], ..], "mask_us": [[..], ..]}: the time of the mask before each token, when it is computed
// for the first time. {"schema": .., "validate": [values]} is answered with {"valid": [..]}, the validator's verdicts. {"tools": [{"name":
// .., "parameters": ..}, ..]} is answered with {"first_mask_us": t}: from the tools to the mask of a call's name. Usage: grammar_probe
// MODEL
#include <baton/llm/constraint/call_grammar.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/schema_grammar/schema_compiler.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <set>

namespace {

using namespace baton::llm;

constexpr int kMaxTokens = 300;

struct Writer {
  Grammar& grammar;
  const std::vector<std::string>& bytes;
  const TokenMask& closing;  // tokens that end some part
  std::mt19937_64 random;
  int unfinished = 0, dead_ends = 0;

  // One of the tokens in both masks; -1 if there is none.
  std::int32_t pick(const TokenMask& mask, const TokenMask* also) {
    const auto word = [&](std::size_t i) { return also ? mask[i] & (*also)[i] : mask[i]; };
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < mask.size(); ++i) n += static_cast<std::uint64_t>(std::popcount(word(i)));
    if (n == 0) return -1;
    auto left = static_cast<int>(random() % n);
    for (std::size_t i = 0;; ++i) {
      std::uint32_t bits = word(i);
      if (left >= std::popcount(bits)) {
        left -= std::popcount(bits);
        continue;
      }
      for (; left > 0; --left) bits &= bits - 1;
      return static_cast<std::int32_t>(i * 32) + std::countr_zero(bits);
    }
  }

  // Any allowed token is as likely as any other, except those that end some part, which are preferred more and more.
  std::string write() {
    std::string text;
    StateId state = grammar.start();
    for (int i = 0; i < kMaxTokens; ++i) {
      const TokenMask& mask = grammar.mask(state);
      if (grammar.accepts(state) && random() % 2 == 0) return text;
      std::int32_t id = random() % 100 < static_cast<unsigned>(20 + i) ? pick(mask, &closing) : -1;
      if (id < 0) id = pick(mask, nullptr);
      if (id < 0 && grammar.accepts(state)) return text;
      if (id < 0) {
        ++dead_ends;
        return {};
      }
      text += bytes[static_cast<std::size_t>(id)];
      state = grammar.step(state, bytes[static_cast<std::size_t>(id)]);
    }
    if (grammar.accepts(state)) return text;
    ++unfinished;
    return {};
  }
};

// Those that apply to the same value, in the order in which their properties are written.
void in_place(const SchemaNode* node, std::vector<const SchemaNode*>& out, std::set<const SchemaNode*>& met) {
  if (node == nullptr || !met.insert(node).second) return;
  in_place(node->ref, out, met);
  const auto all = [&](const std::vector<SchemaNode::Child>& nodes) {
    for (const SchemaNode* one : nodes) in_place(one, out, met);
  };
  if (node->all_of_first) all(node->all_of);
  out.push_back(node);
  all(node->all_of);
  all(node->any_of);
  all(node->one_of);
}

// With the members in the order of the schema, which has to be searched otherwise: most orders are dead ends.
Json in_order(const Json& value, const std::vector<const SchemaNode*>& roots) {
  std::vector<const SchemaNode*> nodes;
  std::set<const SchemaNode*> met;
  for (const SchemaNode* root : roots) in_place(root, nodes, met);
  if (value.is_array()) {
    Json out = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::vector<const SchemaNode*> elements;
      for (const SchemaNode* node : nodes) elements.push_back(i < node->prefix_items.size() ? node->prefix_items[i] : node->items);
      out.push_back(in_order(value[i], elements));
    }
    return out;
  }
  if (!value.is_object()) return value;
  std::map<std::string, std::size_t> order;
  for (const SchemaNode* node : nodes) {
    for (const auto& [name, child] : node->properties) order.try_emplace(name, order.size());
  }
  for (const SchemaNode* node : nodes) {
    for (const std::string& name : node->required) order.try_emplace(name, order.size());
  }
  std::vector<std::pair<std::size_t, std::string>> names;
  for (const auto& [name, member] : value.items()) {
    const auto at = order.find(name);
    names.emplace_back(at == order.end() ? order.size() : at->second, name);
  }
  std::stable_sort(names.begin(), names.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  Json out = Json::object();
  for (const auto& [place, name] : names) {
    std::vector<const SchemaNode*> members;
    for (const SchemaNode* node : nodes) {
      const SchemaNode* child = node->property(name);
      members.push_back(child ? child : node->additional_properties);
      for (const auto& [pattern, one] : node->pattern_properties) members.push_back(one);
    }
    out[name] = in_order(value[name], members);
  }
  return out;
}

// Searches an order of members in which a value may be written: a value has none, a schema's writing has one. If alternatives are open, the
// order of an inner object decides which of them are left for the text after it; so the search also returns to inner objects.
class OrderSearch {
 public:
  explicit OrderSearch(Grammar& grammar) : grammar_(grammar) {}

  bool writable(const Json& value) {
    return write(value, grammar_.start(), [this](StateId state) { return grammar_.accepts(state); });
  }

 private:
  using Next = std::function<bool(StateId)>;  // whether the rest may be written from there
  using Met = std::set<std::pair<std::vector<std::string>, StateId>>;

  bool write(const Json& value, StateId state, const Next& next) {
    if (state == kDeadState) return false;
    if (value.is_object()) {
      std::vector<std::string> names;
      for (const auto& [name, member] : value.items()) names.push_back(name);
      Met met;
      return members(value, names, true, grammar_.step(state, "{"), met, next);
    }
    if (value.is_array()) return elements(value, 0, grammar_.step(state, "["), next);
    const StateId after = grammar_.step(state, write_json(value, {}));
    return after != kDeadState && next(after);
  }

  // `left`: those that are not written yet. `met`: the states in which the search has been in this object, in vain.
  bool members(const Json& object, const std::vector<std::string>& left, bool first, StateId state, Met& met, const Next& next) {
    if (state == kDeadState || !met.emplace(left, state).second) return false;
    if (left.empty()) {
      const StateId after = grammar_.step(state, "}");
      return after != kDeadState && next(after);
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      const StateId after = grammar_.step(state, (first ? "" : ", ") + write_json(Json(left[i]), {}) + ": ");
      if (after == kDeadState || --tries_ < 0) continue;
      std::vector<std::string> rest = left;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      if (write(object[left[i]], after, [&](StateId written) { return members(object, rest, false, written, met, next); })) return true;
    }
    return false;
  }

  bool elements(const Json& array, std::size_t i, StateId state, const Next& next) {
    for (; i < array.size() && state != kDeadState; ++i) {
      if (i > 0) state = grammar_.step(state, ", ");
      if (array[i].is_structured()) return write(array[i], state, [&](StateId written) { return elements(array, i + 1, written, next); });
      if (state != kDeadState) state = grammar_.step(state, write_json(array[i], {}));
    }
    if (state != kDeadState) state = grammar_.step(state, "]");
    return state != kDeadState && next(state);
  }

  Grammar& grammar_;
  int tries_ = 50'000;  // members that may be written in total
};

double us_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

WritingStyle writing_style() { return {.free_space = true}; }  // as calls and formats are written

Json times(const Json& question, const std::shared_ptr<const TokenTrie>& trie, const Tokenizer& tokenizer) {
  const auto begin = std::chrono::steady_clock::now();
  const auto schema = Schema::parse(question["schema"]);
  if (!schema) return {{"error", schema.error().message}};
  Automaton automaton;
  SchemaCompiler compiler(automaton, writing_style());
  const NodeId start = compiler.rule(*schema);
  if (automaton.too_large() || !automaton.prune(start)) return {{"error", "too large, or nothing can be written"}};
  Grammar grammar(std::move(automaton), start, trie);
  Json out = {{"compile_us", us_since(begin)}, {"ids", Json::array()}, {"mask_us", Json::array()}};
  for (const Json& text : question["timed"]) {
    const std::vector<std::int32_t> ids = tokenizer.encode(text.get<std::string>());
    Json taken = Json::array();
    StateId state = grammar.start();
    for (const std::int32_t id : ids) {
      const auto asked = std::chrono::steady_clock::now();
      const bool allowed = state != kDeadState && allows(grammar.mask(state), id);
      taken.push_back(us_since(asked));
      if (!allowed) return {{"error", "the text may not be written: " + text.get<std::string>()}};
      state = grammar.step(state, tokenizer.token_bytes(id));
    }
    out["ids"].push_back(ids);
    out["mask_us"].push_back(std::move(taken));
  }
  return out;
}

Json first_mask(const Json& question, const GrammarVocabulary& vocabulary) {
  std::vector<ToolSpec> tools;
  for (const Json& tool : question["tools"]) tools.push_back({tool["name"], "", tool["parameters"]});
  const auto begin = std::chrono::steady_clock::now();
  const auto compiled = compile_calls(tools, true, {}, vocabulary);
  if (!compiled) return {{"error", compiled.error().message}};
  Grammar& grammar = *(*compiled)->grammar;
  const StateId name = grammar.step(grammar.start(), call_entry::kObject);
  if (name == kDeadState) return {{"error", "no name may be written"}};
  (void)grammar.mask(name);
  return {{"first_mask_us", us_since(begin)}};
}

// The validator's verdicts on values.
Json verdicts(const Json& question) {
  const auto schema = Schema::parse(question["schema"]);
  if (!schema) return {{"error", schema.error().message}};
  Json valid = Json::array();
  for (const Json& value : question["validate"]) valid.push_back(schema->validate(value).empty());
  return {{"valid", std::move(valid)}};
}

Json answer(const Json& question, const std::shared_ptr<const TokenTrie>& trie, const std::vector<std::string>& bytes,
            const TokenMask& closing) {
  const auto schema = Schema::parse(question["schema"]);
  if (!schema) return {{"error", schema.error().message}};
  Automaton automaton;
  SchemaCompiler compiler(automaton, writing_style());
  const NodeId start = compiler.rule(*schema);
  Json unmasked = Json::array();
  for (const Unmasked& one : compiler.unmasked()) unmasked.push_back({{"pointer", one.pointer}, {"keyword", one.keyword}});
  Json out = {{"texts", Json::array()}, {"unfinished", 0}, {"dead_ends", 0}, {"writable", Json::array()}, {"unmasked", unmasked}};
  if (automaton.too_large()) return {{"error", "too large"}};
  automaton.prune(start);
  Grammar grammar(std::move(automaton), start, trie);
  if (grammar.start() != kDeadState) {
    Writer writer{grammar, bytes, closing, std::mt19937_64(question.value("seed", 0u))};
    for (int i = 0; i < question.value("samples", 0); ++i) {
      if (std::string text = writer.write(); !text.empty()) out["texts"].push_back(std::move(text));
    }
    out["unfinished"] = writer.unfinished;
    out["dead_ends"] = writer.dead_ends;
  }
  for (const Json& value : question.value("values", Json::array())) {
    out["writable"].push_back(OrderSearch(grammar).writable(in_order(value, {&schema->root()})));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto file = GgufFile::open(argv[1]);
  if (!file) {
    std::cerr << file.error().message << "\n";
    return 1;
  }
  const auto tokenizer = Tokenizer::from_gguf(*file).value();
  // As in the daemon: special tokens outside the call syntax are not text.
  const GrammarVocabulary vocabulary(tokenizer, tokenizer.n_vocab(), {});
  const auto trie = vocabulary.trie();
  std::vector<std::string> bytes;
  TokenMask closing((tokenizer.n_vocab() + 31) / 32, 0);
  for (std::size_t i = 0; i < tokenizer.n_vocab(); ++i) {
    bytes.push_back(vocabulary.bytes(static_cast<std::int32_t>(i)));
    if (!bytes[i].empty() && std::string_view("\"}]el").find(bytes[i].back()) != std::string_view::npos) closing[i / 32] |= 1u << (i % 32);
  }
  for (std::string line; std::getline(std::cin, line);) {
    const Json question = Json::parse(line);
    const Json out = question.contains("validate") ? verdicts(question)
                     : question.contains("tools")  ? first_mask(question, vocabulary)
                     : question.contains("timed")  ? times(question, trie, tokenizer)
                                                   : answer(question, trie, bytes, closing);
    std::cout << out.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
