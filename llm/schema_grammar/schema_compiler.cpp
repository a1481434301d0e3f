#include "schema_compiler.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <baton/llm/json_schema/formats.h>
#include <baton/llm/json_schema/json_value.h>

#include <baton/llm/text_grammar/regex.h>
#include "format_patterns.h"
#include "schema_facts.h"

namespace baton::llm {
namespace {

// The refinement of two bounds.
const Bound& tighter(const Bound& a, const Bound& b, bool low) {
  const int order = compare_numbers(a.value, b.value);
  if (order == 0) return a.exclusive ? a : b;
  return (order > 0) == low ? a : b;
}

std::optional<NumberBound> narrowest(const std::vector<Bound>& bounds, bool low) {
  if (bounds.empty()) return std::nullopt;
  Bound found = bounds.front();
  for (const Bound& bound : bounds) found = tighter(found, bound, low);
  return NumberBound{Decimal::of(found.value), found.exclusive};
}

bool is_plain_string(const SchemaNode& node) { return !node.min_length && !node.max_length && !node.pattern && !find_format(node.format); }

}  // namespace

std::uint8_t SchemaCompiler::types_of(const Together& schemas) {
  std::uint8_t types = kAnyType;
  for (const auto& [node, done] : schemas) {
    types &= node->never ? 0 : node->types;
    if (node->not_schema && says_types_only(*node->not_schema)) types &= static_cast<std::uint8_t>(~node->not_schema->types);
  }
  return types;
}

std::optional<Count> SchemaCompiler::range_of(const Together& schemas, const Limit& min, const Limit& max) {
  // A machine treats every count separately and keeps its states: some 2 kB each.
  constexpr std::uint64_t kMaxMinimum = 1'000, kMaxMaximum = 10'000;
  std::uint64_t low = 0;
  std::optional<std::uint64_t> high;
  for (const auto& [node, done] : schemas) {
    if (const auto& bound = node->*min.member) low = std::max(low, *bound);
    if (const auto& bound = node->*max.member) high = std::min(high.value_or(*bound), *bound);
  }
  if (high && low > *high) return std::nullopt;
  for (const auto& [node, done] : schemas) {
    for (const auto& [limit, most] : {std::pair{min, kMaxMinimum}, {max, kMaxMaximum}}) {
      if ((node->*limit.member).value_or(0) > most)
        note(*node, limit.keyword, "a mask counts to " + std::to_string(most) + ": it is checked afterwards");
    }
  }
  if (high && *high > kMaxMaximum) high.reset();
  return Count{static_cast<std::int32_t>(std::min(low, kMaxMinimum)), high ? static_cast<std::int32_t>(*high) : -1};
}

void SchemaCompiler::note(const SchemaNode& node, std::string keyword, std::string why) {
  if (noted_.emplace(&node, keyword).second) unmasked_.push_back({node.pointer, std::move(keyword), std::move(why)});
}

// White space, if the style leaves it to the model.
NodeId SchemaCompiler::space(NodeId next) {
  if (!style_.free_space) return next;
  if (space_ == Automaton::kDead) space_ = json_space(out_);
  return out_.call(space_, next);
}

// A bracket, comma or colon, followed by the style's separator.
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

NodeId SchemaCompiler::rule_without_strings(const SchemaNode& node) {
  static const Schema others = Schema::parse({{"type", {"null", "boolean", "number", "array", "object"}}}).value();
  return rule(Together{{&node, 0}, {&others.root(), 0}});
}

void SchemaCompiler::add(Together& to, const SchemaNode& node, unsigned done) {
  if (std::find(to.begin(), to.end(), Held{&node, done}) == to.end()) to.emplace_back(&node, done);
}

// A schema that is referred to comes before the one that refers to it. Not recursive, because a chain of references may be as long as the
// document.
void SchemaCompiler::flatten(const SchemaNode& first, unsigned first_done, Together& into, std::set<Held>& met) {
  struct Step {
    Held held;
    bool whole;  // all before it are there
  };
  std::vector<Step> waiting{{{&first, first_done}, false}};
  while (!waiting.empty()) {
    const auto [held, whole] = waiting.back();
    waiting.pop_back();
    if (whole) {
      into.push_back(held);
      continue;
    }
    if (!met.insert(held).second) continue;
    const SchemaNode& node = *held.first;
    const auto parts = [&] {
      for (auto one = node.all_of.rbegin(); one != node.all_of.rend(); ++one) waiting.push_back({{*one, 0}, false});
    };
    if (!node.all_of_first) parts();
    waiting.push_back({held, true});
    if (node.all_of_first) parts();
    if (node.ref) waiting.push_back({{node.ref, 0}, false});
  }
}

SchemaCompiler::Together SchemaCompiler::flattened(const Together& schemas) {
  Together whole;
  std::set<Held> met;
  for (const auto& [node, done] : schemas) {
    if (done != 0) met.insert({node, 0});  // it would come back without the choice
  }
  for (const auto& [node, done] : schemas) flatten(*node, done, whole, met);
  return whole;
}

NodeId SchemaCompiler::rule(Together schemas) {
  Together whole = flattened(schemas);
  // A schema without conditions changes nothing, so all of these share one rule. But a schema whose alternative was chosen stays if another
  // one still leads to it: it would come back without the choice.
  const auto silent = [](const auto& one) { return says_nothing(*one.first, (one.second & kAnyOf) != 0, (one.second & kOneOf) != 0); };
  Together led;
  std::set<Held> led_to;
  for (const auto& one : whole) {
    if (!silent(one)) flatten(*one.first, kAnyOf, led, led_to);
  }
  std::erase_if(whole, [&](const auto& one) { return silent(one) && (one.second == 0 || !led_to.contains({one.first, 0})); });
  const auto [at, fresh] = rules_.try_emplace(whole, Automaton::kDead);
  if (!fresh) return at->second;
  const NodeId begin = out_.add();  // known before its body is built, because the body may refer to it
  at->second = begin;
  work_ = (depth_ == 0 ? 0 : work_) + 1 + whole.size();  // each schema has its own budget
  if (work_ > kMaxWork) out_.give_up("its alternatives multiply to more than a mask can hold");
  if (depth_ == kMaxDepth)
    out_.give_up("its schemas are nested, or refer to one another, more than " + std::to_string(kMaxDepth) + " deep");
  if (out_.too_large()) return begin;
  ++depth_;
  out_.empty(begin, body(whole));
  --depth_;
  return begin;
}

NodeId SchemaCompiler::body(const Together& schemas) {
  const std::uint8_t types = types_of(schemas);
  if (types == 0) return Automaton::kDead;
  if (const auto ways = listed_values(
          schemas, [](const Json&) { return true; }, out_.final()))
    return *ways;
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

// enum and const: their values that all other conditions allow.
std::optional<NodeId> SchemaCompiler::listed_values(const Together& schemas, const std::function<bool(const Json&)>& wanted, NodeId next) {
  for (const auto& [node, done] : schemas) {
    if (!node->enum_values && !node->constant) continue;
    std::vector<std::string> texts;
    for (const Json& value : node->constant ? std::vector<Json>{*node->constant} : *node->enum_values) {
      if (wanted(value) && valid(schemas, value)) texts.push_back(write_json(value, style_));
    }
    return strings_.listed(std::move(texts), next);
  }
  return std::nullopt;
}

// anyOf and oneOf, one after the other: each branch combined with all other conditions.
std::optional<NodeId> SchemaCompiler::alternatives(const Together& schemas) {
  for (const auto& [node, done] : schemas) {
    const bool any = !node->any_of.empty() && !(done & kAnyOf);
    const bool one = !node->one_of.empty() && !(done & kOneOf);
    if (!any && !one) continue;
    if (!any && !are_disjoint(node->one_of)) note(*node, "oneOf", "that only one alternative is valid is checked afterwards");
    std::vector<NodeId> ways;
    for (const SchemaNode* branch : any ? node->any_of : node->one_of) {
      Together with;
      for (const Held& held : schemas) {
        const bool chosen = held == Held{node, done};
        with.emplace_back(held.first, chosen ? done | (any ? kAnyOf : kOneOf) : held.second);
        if (chosen) add(with, *branch);
      }
      ways.push_back(out_.call(rule(std::move(with)), out_.final()));
    }
    return out_.any_of(ways);
  }
  return std::nullopt;
}

void SchemaCompiler::note_unmasked(const Together& schemas, std::uint8_t types) {
  const bool plain = std::all_of(schemas.begin(), schemas.end(), [](const auto& one) { return is_plain_string(*one.first); });
  const auto afterwards = [&](const SchemaNode& node, bool has, std::uint8_t type, const char* keyword) {
    if (has && (types & type)) note(node, keyword, "it is checked afterwards");
  };
  for (const auto& [node, done] : schemas) {
    const SchemaNode* no = node->not_schema;  // enforced if it names types, or values of strings without other restrictions
    afterwards(*node, no && !says_types_only(*no) && !(says_values_only(*no) && types == kStringType && plain), kAnyType, "not");
    afterwards(*node, node->if_schema != nullptr, kAnyType, "if");
    afterwards(*node, !node->dependent_required.empty(), kObjectType, "dependentRequired");
    afterwards(*node, !node->dependent_schemas.empty(), kObjectType, "dependentSchemas");
    afterwards(*node, node->unevaluated_properties != nullptr, kObjectType, "unevaluatedProperties");
    afterwards(*node, node->unevaluated_items != nullptr, kArrayType, "unevaluatedItems");
    afterwards(*node, !node->dynamic_ref.empty(), kAnyType, "$dynamicRef");
    afterwards(*node, node->contains != nullptr, kArrayType, "contains");
    afterwards(*node, node->unique_items, kArrayType, "uniqueItems");
  }
}

// ---- Numbers

NumberRange SchemaCompiler::number_range(const Together& schemas, bool integer) {
  NumberRange range;
  range.integer = integer;
  range.literal = std::any_of(schemas.begin(), schemas.end(), [](const Held& one) {
    return one.first->literal_integers && (one.first->types & (kIntegerType | kNumberType)) == kIntegerType;
  });
  std::vector<Bound> minima, maxima;
  for (const auto& [node, done] : schemas) {
    minima.insert(minima.end(), node->minima.begin(), node->minima.end());
    maxima.insert(maxima.end(), node->maxima.begin(), node->maxima.end());
    if (!node->multiple_of) continue;
    const Json& of = *node->multiple_of;
    const Decimal decimal = Decimal::of(of);
    if (is_integer(of) && compare_numbers(of, NumberRange::kMaxMultiple) <= 0 && range.multiple_of == 1) {
      range.multiple_of = of.get<std::uint32_t>();
      range.integer = true;  // multiples of an integer are integers
    } else if (decimal.digits == "1" && decimal.point <= 1) {
      const int places = 1 - decimal.point;
      range.max_fraction = range.max_fraction < 0 ? places : std::min(range.max_fraction, places);
    } else {
      note(*node, "multipleOf",
           "only integers up to " + std::to_string(NumberRange::kMaxMultiple) + " and 0.1, 0.01, .. are masked; it is checked afterwards");
    }
  }
  range.low = narrowest(minima, true);
  range.high = narrowest(maxima, false);
  if (range.multiple_of != 1) range.exact = true;
  for (const auto& bound : {range.low, range.high}) range.exact = range.exact || (bound && bound->exclusive && !bound->value.is_zero());
  if (range.exact && !range.may_be_exact()) {
    range.exact = false;
    for (const auto& [node, done] : schemas) {
      const auto exclusive = [](const Bound& bound) { return bound.exclusive; };
      const char* why = "its bounds have more digits than a double: it is checked afterwards";
      if (std::any_of(node->minima.begin(), node->minima.end(), exclusive)) note(*node, "exclusiveMinimum", why);
      if (std::any_of(node->maxima.begin(), node->maxima.end(), exclusive)) note(*node, "exclusiveMaximum", why);
      if (node->multiple_of) note(*node, "multipleOf", why);
    }
  }
  return range;
}

// A rule, because it counts digits; schemas of the same range share it.
NodeId SchemaCompiler::number(const Together& schemas, bool integer) {
  const NumberRange range = number_range(schemas, integer);
  auto known = numbers_.find(range);
  if (known == numbers_.end()) known = numbers_.emplace(range, json_number_in(out_, range, out_.final())).first;
  return known->second == Automaton::kDead ? Automaton::kDead : out_.call(known->second, out_.final());
}

// ---- Strings

// The strings that `not` excludes by name.
std::vector<std::string> SchemaCompiler::refused_strings(const Together& schemas) {
  std::vector<std::string> refused;
  for (const auto& [node, done] : schemas) {
    if (!node->not_schema || !says_values_only(*node->not_schema)) continue;
    const SchemaNode& no = *node->not_schema;
    for (const Json& value : no.constant ? std::vector<Json>{*no.constant} : *no.enum_values) {
      if (value.is_string()) refused.push_back(value.get<std::string>());
    }
  }
  return refused;
}

NodeId SchemaCompiler::string(const Together& schemas, NodeId next) {
  const auto length = range_of(schemas, {&SchemaNode::min_length, "minLength"}, {&SchemaNode::max_length, "maxLength"});
  if (!length) return Automaton::kDead;
  std::optional<NodeId> shaped;
  const auto take = [&](const SchemaNode& node, const char* keyword, std::string_view regex, bool anywhere) {
    if (shaped) return note(node, keyword, "another pattern or format of the same string is masked; this one is checked afterwards");
    const auto parsed = Regex::parse(regex);
    if (!parsed) return note(node, keyword, parsed.error().message + ": it is checked afterwards");
    if (anywhere && !patterns_->contains(regex, *parsed)) return note(node, keyword, kNotTame);
    shaped = out_.bytes("\"", parsed->build(out_, anywhere, letter_, *length, out_.bytes("\"", out_.enough(*length, next))));
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
  if (shaped) return *shaped;
  if (const auto refused = refused_strings(schemas); !refused.empty() && length->trivial()) return strings_.any_except(refused, next);
  return strings_.any(*length, next);
}

}  // namespace baton::llm
