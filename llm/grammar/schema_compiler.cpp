#include "schema_compiler.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <baton/llm/json_schema/formats.h>
#include <baton/llm/json_schema/pattern.h>

#include "format_patterns.h"
#include "regex.h"
#include "schema_facts.h"

namespace baton::llm {
namespace {

constexpr std::uint64_t kMaxCount = 1'000'000;  // of a length or a number of items; a larger limit is as good as none

std::uint8_t types_of(const auto& schemas) {
  std::uint8_t types = kAnyType;
  for (const auto& [node, done] : schemas) types &= node->never ? 0 : node->types;
  return types;
}

// The range of several minima and maxima; nothing: it is empty.
std::optional<Count> range_of(const auto& schemas, auto min, auto max) {
  std::uint64_t low = 0;
  std::optional<std::uint64_t> high;
  for (const auto& [node, done] : schemas) {
    if (const auto& bound = node->*min) low = std::max(low, *bound);
    if (const auto& bound = node->*max) high = std::min(high.value_or(*bound), *bound);
  }
  if ((high && low > *high) || low > kMaxCount) return std::nullopt;
  return Count{static_cast<std::int32_t>(low), high && *high <= kMaxCount ? static_cast<std::int32_t>(*high) : -1};
}

void tighten(std::optional<NumberBound>& bound, const Bound& by, bool low, const WritingStyle& style) {
  const auto value = Decimal::parse(write_json(by.value, style));
  if (!value) return;
  if (bound) {
    const Json before =
        Json::parse((bound->value.negative ? "-" : "") + bound->value.digits.substr(0, bound->value.n_integer) +
                    (bound->value.digits.size() > bound->value.n_integer ? "." + bound->value.digits.substr(bound->value.n_integer) : ""));
    const double a = before.get<double>(), b = by.value.get<double>();
    const bool looser = low ? b < a : b > a;
    if (looser || (a == b && !by.exclusive)) return;
  }
  bound = NumberBound{*value, by.exclusive};
}

}  // namespace

void SchemaCompiler::note(const SchemaNode& node, std::string keyword, std::string why) {
  const bool known =
      std::any_of(unmasked_.begin(), unmasked_.end(), [&](const Unmasked& u) { return u.pointer == node.pointer && u.keyword == keyword; });
  if (!known) unmasked_.push_back({node.pointer, std::move(keyword), std::move(why)});
}

// White space, where the style leaves it to the model.
NodeId SchemaCompiler::space(NodeId next) {
  if (!style_.free_space) return next;
  if (space_ == Automaton::kDead) space_ = json_space(out_);
  return out_.call(space_, next);
}

// A bracket, comma or colon with what the style has behind it.
NodeId SchemaCompiler::punctuation(const std::string& sign, const std::string& separator, NodeId next) {
  return style_.free_space ? out_.bytes(sign, space(next)) : out_.bytes(separator, next);
}

bool SchemaCompiler::valid(const Together& schemas, const Json& value) const {
  return std::all_of(schemas.begin(), schemas.end(), [&](const auto& one) { return is_valid(*one.first, value); });
}

// ---- Rules

NodeId SchemaCompiler::object_rule(const Schema& schema) {
  static const Schema object = Schema::parse({{"type", "object"}}).value();
  return rule(Together{{&schema.root(), 0}, {&object.root(), 0}});
}

void SchemaCompiler::flatten(const SchemaNode& node, unsigned done, Together& into, std::set<const SchemaNode*>& met) {
  if (done == 0 && !met.insert(&node).second) return;
  into.insert({&node, done});
  if (node.ref) flatten(*node.ref, 0, into, met);
  for (const SchemaNode* one : node.all_of) flatten(*one, 0, into, met);
}

NodeId SchemaCompiler::rule(Together schemas) {
  Together whole;
  std::set<const SchemaNode*> met;
  for (const auto& [node, done] : schemas) {
    if (done != 0) met.insert(node);
  }
  for (const auto& [node, done] : schemas) flatten(*node, done, whole, met);
  // A schema that says nothing changes nothing; so all that say nothing are one rule.
  std::erase_if(whole, [&](const auto& one) { return says_nothing(*one.first, (one.second & kAnyOf) != 0, (one.second & kOneOf) != 0); });
  const auto [at, fresh] = rules_.try_emplace(whole, Automaton::kDead);
  if (!fresh) return at->second;
  const NodeId begin = out_.add();  // known before its body is made, which may come back to it
  at->second = begin;
  if (!out_.too_large()) out_.empty(begin, body(whole));
  return begin;
}

NodeId SchemaCompiler::body(const Together& schemas) {
  const std::uint8_t types = types_of(schemas);
  if (types == 0) return Automaton::kDead;
  if (const auto ways = listed_values(schemas)) return *ways;
  if (const auto ways = alternatives(schemas)) return *ways;
  note_unmasked(schemas, types);
  std::vector<NodeId> ways;
  if (types & kObjectType) ways.push_back(object(schemas));
  if (types & kArrayType) ways.push_back(array(schemas));
  if (types & kStringType) ways.push_back(string(schemas, out_.final()));
  if (types & (kIntegerType | kNumberType)) ways.push_back(number(schemas, !(types & kNumberType)));
  if (types & kBooleanType) ways.push_back(out_.any_of({out_.bytes("true", out_.final()), out_.bytes("false", out_.final())}));
  if (types & kNullType) ways.push_back(out_.bytes("null", out_.final()));
  return out_.any_of(ways);
}

// enum and const: those of their values that all else allows.
std::optional<NodeId> SchemaCompiler::listed_values(const Together& schemas) {
  for (const auto& [node, done] : schemas) {
    if (!node->enum_values && !node->constant) continue;
    std::vector<NodeId> ways;
    for (const Json& value : node->constant ? std::vector<Json>{*node->constant} : *node->enum_values) {
      if (valid(schemas, value)) ways.push_back(out_.bytes(write_json(value, style_), out_.final()));
    }
    return ways.empty() ? Automaton::kDead : out_.any_of(ways);
  }
  return std::nullopt;
}

// anyOf and oneOf, one after the other: each branch together with all else.
std::optional<NodeId> SchemaCompiler::alternatives(const Together& schemas) {
  for (const auto& [node, done] : schemas) {
    const bool any = !node->any_of.empty() && !(done & kAnyOf);
    const bool one = !node->one_of.empty() && !(done & kOneOf);
    if (!any && !one) continue;
    if (!any && !are_disjoint(node->one_of)) note(*node, "oneOf", "that only one alternative is valid is checked afterwards");
    std::vector<NodeId> ways;
    for (const SchemaNode* branch : any ? node->any_of : node->one_of) {
      Together with = schemas;
      with.erase({node, done});
      with.insert({node, done | (any ? kAnyOf : kOneOf)});
      with.insert({branch, 0});
      ways.push_back(out_.call(rule(std::move(with)), out_.final()));
    }
    return out_.any_of(ways);
  }
  return std::nullopt;
}

void SchemaCompiler::note_unmasked(const Together& schemas, std::uint8_t types) {
  const auto afterwards = [&](const SchemaNode& node, bool has, std::uint8_t type, const char* keyword) {
    if (has && (types & type)) note(node, keyword, "it is checked afterwards");
  };
  for (const auto& [node, done] : schemas) {
    afterwards(*node, node->not_schema != nullptr, kAnyType, "not");
    afterwards(*node, node->if_schema != nullptr, kAnyType, "if");
    afterwards(*node, !node->dependent_required.empty(), kObjectType, "dependentRequired");
    afterwards(*node, !node->dependent_schemas.empty(), kObjectType, "dependentSchemas");
    afterwards(*node, node->contains != nullptr, kArrayType, "contains");
    afterwards(*node, node->unique_items, kArrayType, "uniqueItems");
  }
}

// ---- Numbers

NodeId SchemaCompiler::number(const Together& schemas, bool integer) {
  NumberRange range;
  range.integer = integer;
  bool bounded = false;
  for (const auto& [node, done] : schemas) {
    for (const Bound& bound : node->minima) tighten(range.low, bound, true, style_);
    for (const Bound& bound : node->maxima) tighten(range.high, bound, false, style_);
    if (!node->multiple_of) continue;
    const auto of = Decimal::parse(write_json(*node->multiple_of, style_));
    const bool whole = of && of->digits.size() == of->n_integer;
    const bool power_of_ten = of && of->n_integer == 1 && of->digits.find_last_of('1') == of->digits.size() - 1 &&
                              std::count(of->digits.begin(), of->digits.end(), '0') + 1 == static_cast<std::ptrdiff_t>(of->digits.size());
    if (whole && of->n_integer <= 2 && std::stoul(of->digits) <= NumberRange::kMaxMultiple && range.multiple_of == 1) {
      range.multiple_of = static_cast<std::uint32_t>(std::stoul(of->digits));
      range.integer = true;  // multiples of an integer are integers
      bounded = true;
    } else if (power_of_ten) {
      const int places = static_cast<int>(of->digits.size()) - 1;
      range.max_fraction = range.max_fraction < 0 ? places : std::min(range.max_fraction, places);
      bounded = true;
    } else {
      note(*node, "multipleOf",
           "only integers up to " + std::to_string(NumberRange::kMaxMultiple) + " and 0.1, 0.01, .. are masked; it is checked afterwards");
    }
  }
  if (range.low || range.high || bounded) return json_number_in(out_, range, out_.final());
  return integer ? json_integer(out_, out_.final()) : json_number(out_, out_.final());
}

// ---- Strings

NodeId SchemaCompiler::string(const Together& schemas, NodeId next) {
  const auto length = range_of(schemas, &SchemaNode::min_length, &SchemaNode::max_length);
  if (!length) return Automaton::kDead;
  std::optional<NodeId> shaped;
  const auto take = [&](const SchemaNode& node, const char* keyword, std::string_view regex, bool anywhere) {
    if (shaped) return note(node, keyword, "another pattern or format of the same string is masked; this one is checked afterwards");
    const auto parsed = Regex::parse(regex);
    if (!parsed) return note(node, keyword, parsed.error().message + ": it is checked afterwards");
    NodeId end = next;
    if (!length->trivial()) {
      end = out_.add();
      Edge enough;
      enough.at_least = length->min;
      enough.target = next;
      out_.edge(end, enough);
    }
    shaped = out_.bytes("\"", parsed->build(out_, anywhere, character_edges, *length, out_.bytes("\"", end)));
  };
  for (const auto& [node, done] : schemas) {
    if (node->pattern) take(*node, "pattern", node->pattern->source, true);
  }
  for (const auto& [node, done] : schemas) {
    if (!find_format(node->format)) continue;
    const FormatPattern* known = format_pattern(node->format);
    take(*node, "format", known->regex, false);
    if (known->loose) note(*node, "format", known->loose);
  }
  return shaped ? *shaped : json_string(out_, *length, next);
}

// ---- Objects

SchemaCompiler::Together SchemaCompiler::of_property(const Together& schemas, const std::string& name) {
  Together all;
  for (const auto& [node, done] : schemas) {
    bool described = false;
    if (const SchemaNode* one = node->property(name)) {
      all.insert({one, 0});
      described = true;
    }
    for (const auto& [pattern, one] : node->pattern_properties) {
      std::size_t steps = 10'000;
      if (pattern.compiled->search(name, steps) != Pattern::Answer::yes) continue;
      all.insert({one, 0});
      described = true;
    }
    if (!described && node->additional_properties) all.insert({node->additional_properties, 0});
  }
  return all;
}

SchemaCompiler::Together SchemaCompiler::of_further_properties(const Together& schemas) {
  Together all;
  for (const auto& [node, done] : schemas) {
    if (node->additional_properties) all.insert({node->additional_properties, 0});
  }
  return all;
}

// The name of a member that no schema names, with its quotes.
NodeId SchemaCompiler::member_name(const Together& schemas, const std::vector<std::string>& taken, NodeId next) {
  Together names;
  for (const auto& [node, done] : schemas) {
    if (node->property_names) names.insert({node->property_names, 0});
  }
  if (names.empty()) return json_string_except(out_, taken, next);
  std::set<const SchemaNode*> met;
  Together whole;
  for (const auto& [node, done] : names) flatten(*node, 0, whole, met);
  const SchemaNode& of = *names.begin()->first;
  const bool plain = std::all_of(whole.begin(), whole.end(), [](const auto& one) {
    return one.first->any_of.empty() && one.first->one_of.empty() && !one.first->not_schema && !one.first->if_schema;
  });
  if (!plain) {
    note(of, "propertyNames", "it is checked afterwards");
    return json_string_except(out_, taken, next);
  }
  if (!(types_of(whole) & kStringType)) return Automaton::kDead;
  for (const auto& [node, done] : whole) {
    if (!node->enum_values && !node->constant) continue;
    std::vector<NodeId> ways;
    for (const Json& value : node->constant ? std::vector<Json>{*node->constant} : *node->enum_values) {
      const bool is_taken = value.is_string() && std::find(taken.begin(), taken.end(), value.get<std::string>()) != taken.end();
      if (value.is_string() && !is_taken && valid(whole, value)) ways.push_back(out_.bytes(write_json(value, style_), next));
    }
    return ways.empty() ? Automaton::kDead : out_.any_of(ways);
  }
  return out_.call(string(whole, out_.final()), next);  // a rule of its own, as it counts its own characters
}

NodeId SchemaCompiler::object(const Together& schemas) {
  const auto count = range_of(schemas, &SchemaNode::min_properties, &SchemaNode::max_properties);
  if (!count) return Automaton::kDead;
  std::vector<std::string> names;
  std::set<std::string> required;
  bool patterns = false;
  for (const auto& [node, done] : schemas) {
    for (const auto& [name, schema] : node->properties) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const auto& [node, done] : schemas) {
    patterns = patterns || !node->pattern_properties.empty();
    required.insert(node->required.begin(), node->required.end());
    for (const std::string& name : node->required) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }

  // A member, counted; `next` goes on behind its value.
  const auto member = [&](NodeId value_rule, NodeId next) {
    const NodeId node = out_.add();
    Edge call;
    call.kind = Edge::Kind::call;
    call.callee = value_rule;
    call.target = next;
    if (!count->trivial()) {
      call.adds = true;
      call.saturate = count->saturate();
      call.below = count->max;
    }
    out_.edge(node, call);
    return node;
  };
  // Only where one more member has room may its name begin.
  const auto room = [&](NodeId to) {
    if (count->max < 0) return to;
    const NodeId node = out_.add();
    Edge edge;
    edge.below = count->max;
    edge.target = to;
    out_.edge(node, edge);
    return node;
  };

  const NodeId close = out_.add();
  Edge brace;
  brace.kind = Edge::Kind::byte;
  brace.lo = brace.hi = '}';
  brace.at_least = count->min;
  brace.target = out_.final();
  out_.edge(close, brace);

  // Behind the named ones: members that no schema names.
  NodeId some = out_.add(), none = out_.add();  // whether a member was written before
  const NodeId before_close = space(close);
  out_.empty(some, before_close);
  out_.empty(none, before_close);
  const auto further = [&](NodeId name_first, NodeId name_next) {
    out_.empty(none, room(name_first));
    out_.empty(some, room(name_next));
  };
  // Where a schema names properties and says nothing of others, others are valid, but nobody would read them: they are not written.
  const Together others = of_further_properties(schemas);
  const bool said =
      std::any_of(schemas.begin(), schemas.end(), [](const auto& one) { return one.first->additional_properties != nullptr; });
  const bool others_allowed = (said || (names.empty() && !patterns)) && types_of(others) != 0;
  if (patterns) {
    // Names that fit a pattern have its schema. Which of several patterns a name fits, and that it fits none, is checked afterwards.
    std::size_t n_patterns = 0;
    for (const auto& [node, done] : schemas) n_patterns += node->pattern_properties.size();
    const bool loose = n_patterns > 1 || others_allowed;
    for (const auto& [node, done] : schemas) {
      for (const auto& [pattern, schema] : node->pattern_properties) {
        if (loose) note(*node, "patternProperties", "names that fit several patterns, or none, are checked afterwards");
        const auto regex = Regex::parse(pattern.source);
        if (!regex) {
          note(*node, "patternProperties", regex.error().message + ": it is checked afterwards");
          continue;
        }
        const NodeId value = punctuation(":", style_.key_separator, member(rule(Together{{schema, 0}}), some));
        const NodeId name = out_.bytes("\"", regex->build(out_, true, character_edges, {}, out_.bytes("\"", value)));
        further(name, punctuation(",", style_.item_separator, name));
      }
    }
  }
  if (others_allowed) {
    const NodeId value = punctuation(":", style_.key_separator, member(rule(others), some));
    const NodeId name = member_name(schemas, names, value);
    further(name, punctuation(",", style_.item_separator, name));
  }

  // The named ones, from the last to the first.
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const bool wanted = required.contains(*name);
    const bool name_allowed = std::all_of(schemas.begin(), schemas.end(), [&](const auto& one) {
      return !one.first->property_names || is_valid(*one.first->property_names, Json(*name));
    });
    const Together of = of_property(schemas, *name);
    if (!name_allowed || types_of(of) == 0) {
      if (wanted) return Automaton::kDead;
      continue;
    }
    const NodeId key = out_.bytes(write_json(Json(*name), style_), punctuation(":", style_.key_separator, member(rule(of), some)));
    const NodeId first = room(key), later = room(punctuation(",", style_.item_separator, key));
    none = wanted ? first : out_.any_of({first, none});
    some = wanted ? later : out_.any_of({later, some});
  }
  return punctuation("{", "{", none);
}

// ---- Arrays

SchemaCompiler::Together SchemaCompiler::of_element(const Together& schemas, std::size_t index) {
  Together all;
  for (const auto& [node, done] : schemas) {
    if (index < node->prefix_items.size()) {
      all.insert({node->prefix_items[index], 0});
    } else if (node->items) {
      all.insert({node->items, 0});
    }
  }
  return all;
}

NodeId SchemaCompiler::array(const Together& schemas) {
  const auto count = range_of(schemas, &SchemaNode::min_items, &SchemaNode::max_items);
  if (!count) return Automaton::kDead;
  std::size_t n_own = 0;  // elements with a schema of their own
  for (const auto& [node, done] : schemas) n_own = std::max(n_own, node->prefix_items.size());
  const NodeId end = out_.final();
  const auto own_min = static_cast<std::size_t>(count->min);
  const std::optional<std::size_t> own_max =
      count->max < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(count->max));

  // The elements behind those: counted from there on.
  Count rest{static_cast<std::int32_t>(own_min > n_own ? own_min - n_own : 0),
             own_max ? static_cast<std::int32_t>(*own_max > n_own ? *own_max - n_own : 0) : -1};
  const NodeId value = rule(of_element(schemas, n_own));
  const NodeId after = out_.add(), before = out_.add();  // an element of the rest
  Edge call;
  call.kind = Edge::Kind::call;
  call.callee = value;
  call.target = after;
  if (!rest.trivial()) {
    call.adds = true;
    call.saturate = rest.saturate();
    call.below = rest.max;
  }
  out_.edge(before, call);
  Edge close;
  close.kind = Edge::Kind::byte;
  close.lo = close.hi = ']';
  close.at_least = rest.min;
  close.target = end;
  const NodeId closing_rest = out_.add();
  out_.edge(closing_rest, close);
  out_.empty(after, space(closing_rest));
  const NodeId again = punctuation(",", style_.item_separator, before);
  Edge more;
  more.below = rest.max;
  more.target = again;
  out_.edge(after, more);

  // From the last of the elements with their own schemas to the first: `at` is behind the element i - 1.
  const auto closing = [&](std::size_t written) { return written >= own_min ? space(out_.bytes("]", end)) : Automaton::kDead; };
  const auto room = [&](std::size_t written) { return !own_max || written < *own_max; };
  NodeId at = Automaton::kDead;
  {
    const NodeId next = rest.max == 0 ? Automaton::kDead : n_own == 0 ? before : again;
    at = out_.any_of({closing(n_own), next});
  }
  for (std::size_t i = n_own; i-- > 0;) {
    NodeId element = room(i) ? out_.call(rule(of_element(schemas, i)), at) : Automaton::kDead;
    if (i > 0 && element != Automaton::kDead) element = punctuation(",", style_.item_separator, element);
    at = out_.any_of({closing(i), element});
  }
  return punctuation("[", "[", at);
}

}  // namespace baton::llm
