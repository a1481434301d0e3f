// Objects and arrays: what may stand between their brackets.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <baton/llm/json_schema/pattern.h>

#include "regex.h"
#include "schema_compiler.h"
#include "schema_facts.h"

namespace baton::llm {

namespace {

bool fits_any(const Pattern& pattern, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    std::size_t steps = 10'000;
    return pattern.search(name, steps) != Pattern::Answer::no;
  });
}

}  // namespace

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
  const auto is_free = [&](const Json& name) {
    return name.is_string() && std::find(taken.begin(), taken.end(), name.get<std::string>()) == taken.end();
  };
  if (const auto ways = listed_values(whole, is_free, next)) return *ways;
  return out_.call(string(whole, out_.final()), next);  // a rule of its own, as it counts its own characters
}

NodeId SchemaCompiler::object(const Together& schemas) {
  const auto count = range_of(schemas, &SchemaNode::min_properties, &SchemaNode::max_properties);
  if (!count) return Automaton::kDead;
  std::vector<std::string> names;
  std::set<std::string> known, required;
  bool patterns = false;
  for (const auto& [node, done] : schemas) {
    for (const auto& [name, schema] : node->properties) {
      if (known.insert(name).second) names.push_back(name);
    }
  }
  for (const auto& [node, done] : schemas) {
    patterns = patterns || !node->pattern_properties.empty();
    required.insert(node->required.begin(), node->required.end());
    for (const std::string& name : node->required) {
      if (known.insert(name).second) names.push_back(name);
    }
  }

  // A name, and behind it its value, which is counted.
  const auto valued = [&](const Together& of, NodeId next) {
    return punctuation(":", style_.key_separator, out_.call(rule(of), next, *count));
  };
  const NodeId close = out_.enough(*count, out_.bytes("}", out_.final()));

  // Behind the named ones: members that no schema names.
  NodeId some = out_.add(), none = out_.add();  // whether a member was written before
  const NodeId before_close = space(close);
  out_.empty(some, before_close);
  out_.empty(none, before_close);
  const auto further = [&](NodeId name_first, NodeId name_next) {
    out_.empty(none, out_.room(*count, name_first));
    out_.empty(some, out_.room(*count, name_next));
  };
  // Where a schema names properties and says nothing of others, others are valid, but nobody would read them: they are not written.
  const Together others = of_further_properties(schemas);
  const bool said =
      std::any_of(schemas.begin(), schemas.end(), [](const auto& one) { return one.first->additional_properties != nullptr; });
  const bool others_allowed = (said || (names.empty() && !patterns)) && types_of(others) != 0;
  if (count->min > 1 && (patterns || others_allowed)) {
    for (const auto& [node, done] : schemas) {
      if (node->min_properties)
        note(*node, "minProperties", "free names are counted as they are written, though one may come twice; it is checked afterwards");
    }
  }
  if (patterns) {
    // Names that fit a pattern have its schema. Which of several patterns a name fits, and that it fits none, is checked afterwards.
    std::size_t n_patterns = 0;
    for (const auto& [node, done] : schemas) n_patterns += node->pattern_properties.size();
    for (const auto& [node, done] : schemas) {
      if (node->property_names) note(*node, "propertyNames", "names that fit a pattern of patternProperties are checked afterwards");
    }
    const bool loose = n_patterns > 1 || others_allowed || !names.empty();
    for (const auto& [node, done] : schemas) {
      for (const auto& [pattern, schema] : node->pattern_properties) {
        if (loose) note(*node, "patternProperties", "names that fit several patterns, or none, are checked afterwards");
        const auto regex = Regex::parse(pattern.source);
        if (!regex) {
          note(*node, "patternProperties", regex.error().message + ": it is checked afterwards");
          continue;
        }
        if (!patterns_->contains(pattern.source, *regex)) {
          note(*node, "patternProperties", kNotTame);
          continue;
        }
        if (fits_any(*pattern.compiled, names)) {
          for (const auto& [owner, its_done] : schemas) {
            if (!owner->properties.empty())
              note(*owner, "properties", "a pattern fits some of the names too; what is written by it is checked afterwards");
          }
        }
        const NodeId value = valued(Together{{schema, 0}}, some);
        const NodeId name = out_.bytes("\"", regex->build(out_, true, character_edges, {}, out_.bytes("\"", value)));
        further(name, punctuation(",", style_.item_separator, name));
      }
    }
  }
  if (others_allowed) {
    const NodeId name = member_name(schemas, names, valued(others, some));
    further(name, punctuation(",", style_.item_separator, name));
  }

  // The named ones, from the last to the first.
  for (auto name = names.rbegin(); name != names.rend() && !out_.too_large(); ++name) {
    const bool wanted = required.contains(*name);
    const bool name_allowed = std::all_of(schemas.begin(), schemas.end(), [&](const auto& one) {
      return !one.first->property_names || is_valid(*one.first->property_names, Json(*name));
    });
    const Together of = of_property(schemas, *name);
    if (!name_allowed || types_of(of) == 0) {
      if (wanted) return Automaton::kDead;
      continue;
    }
    const NodeId key = out_.bytes(write_json(Json(*name), style_), valued(of, some));
    const NodeId first = out_.room(*count, key), later = out_.room(*count, punctuation(",", style_.item_separator, key));
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
  const NodeId after = out_.add();  // an element of the rest
  const NodeId before = out_.call(rule(of_element(schemas, n_own)), after, rest);
  out_.empty(after, space(out_.enough(rest, out_.bytes("]", end))));
  const NodeId again = punctuation(",", style_.item_separator, before);
  out_.empty(after, out_.room(rest, again));

  // From the last of the elements with their own schemas to the first: `at` is behind the element i - 1.
  const auto closing = [&](std::size_t written) { return written >= own_min ? space(out_.bytes("]", end)) : Automaton::kDead; };
  const auto room = [&](std::size_t written) { return !own_max || written < *own_max; };
  NodeId at = out_.any_of({closing(n_own), rest.max == 0 ? Automaton::kDead : n_own == 0 ? before : again});
  for (std::size_t i = n_own; i-- > 0;) {
    NodeId element = room(i) ? out_.call(rule(of_element(schemas, i)), at) : Automaton::kDead;
    if (i > 0 && element != Automaton::kDead) element = punctuation(",", style_.item_separator, element);
    at = out_.any_of({closing(i), element});
  }
  return punctuation("[", "[", at);
}

}  // namespace baton::llm
