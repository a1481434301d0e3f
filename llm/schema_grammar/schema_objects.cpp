// Objects: which members are allowed, and in which order.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <baton/llm/json_schema/pattern.h>

#include <baton/llm/text_grammar/regex.h>
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

SchemaCompiler::Together SchemaCompiler::of_property(const Together& schemas, const std::string& name) {
  Together all;
  for (const auto& [node, done] : schemas) {
    bool described = false;
    if (const SchemaNode* one = node->property(name)) {
      add(all, *one);
      described = true;
    }
    for (const auto& [pattern, one] : node->pattern_properties) {
      std::size_t steps = 10'000;
      if (pattern.compiled->search(name, steps) != Pattern::Answer::yes) continue;
      add(all, *one);
      described = true;
    }
    if (!described && node->additional_properties) add(all, *node->additional_properties);
  }
  return all;
}

SchemaCompiler::Together SchemaCompiler::of_further_properties(const Together& schemas) {
  Together all;
  for (const auto& [node, done] : schemas) {
    if (node->additional_properties) add(all, *node->additional_properties);
  }
  return all;
}

// The name of a member that is not named in any schema, with its quotes.
NodeId SchemaCompiler::member_name(const Together& schemas, const std::vector<std::string>& taken, NodeId next) {
  Together names;
  for (const auto& [node, done] : schemas) {
    if (node->property_names) add(names, *node->property_names);
  }
  if (names.empty()) return strings_.any_except(taken, next);
  const Together whole = flattened(names);
  const SchemaNode& of = *names.front().first;
  const bool plain = std::all_of(whole.begin(), whole.end(), [](const auto& one) {
    return one.first->any_of.empty() && one.first->one_of.empty() && !one.first->not_schema && !one.first->if_schema;
  });
  if (!plain) {
    note(of, "propertyNames", "it is checked afterwards");
    return strings_.any_except(taken, next);
  }
  if (!(types_of(whole) & kStringType)) return Automaton::kDead;
  const auto is_free = [&](const Json& name) {
    return name.is_string() && std::find(taken.begin(), taken.end(), name.get<std::string>()) == taken.end();
  };
  if (const auto ways = listed_values(whole, is_free, next)) return *ways;
  return out_.call(string(whole, out_.final()), next);  // a rule of its own, because it counts its own characters
}

// An object during compilation: from its end to its beginning, because a node names those after it. Named properties come first, in their
// order; after them those that fit a pattern, and others.
class SchemaCompiler::ObjectBody {
 public:
  ObjectBody(SchemaCompiler& compiler, const Together& schemas, const Count& count)
      : compiler_(compiler), out_(compiler.out_), schemas_(schemas), count_(count), some_(out_.add()), none_(out_.add()) {
    for (const auto& [node, done] : schemas) {
      for (const auto& [name, schema] : node->properties) add_name(name);
      n_patterns_ += node->pattern_properties.size();
    }
    for (const auto& [node, done] : schemas) {
      required_.insert(node->required.begin(), node->required.end());
      for (const std::string& name : node->required) add_name(name);
    }
  }

  NodeId compile() {
    const NodeId close = compiler_.space(out_.enough(count_, out_.bytes("}", out_.final())));
    out_.empty(some_, close);
    out_.empty(none_, close);

    // If a schema lists properties, even none, and does not mention others, others are valid, but no reader expects them. They are not
    // written, unless there must be more members than it lists.
    const Together others = of_further_properties(schemas_);
    const auto any = [&](auto has) {
      return std::any_of(schemas_.begin(), schemas_.end(), [&](const Held& one) { return has(*one.first); });
    };
    const bool conditions = any([](const SchemaNode& node) { return node.if_schema || !node.dependent_schemas.empty(); });
    const bool closed =  // except for members that a condition would describe
        !conditions && any([](const SchemaNode& node) { return node.unevaluated_properties && node.unevaluated_properties->never; });
    const bool listed = closed || any([](const SchemaNode& node) { return node.lists_properties; });
    const bool said = any([](const SchemaNode& node) { return node.additional_properties != nullptr; });
    const bool wanted = n_patterns_ == 0 && static_cast<std::size_t>(count_.min) > names_.size();
    const bool others_allowed = (said || wanted || (!listed && names_.empty() && n_patterns_ == 0)) && types_of(others) != 0;
    if (n_patterns_ > 0 || others_allowed) note_what_free_names_leave_open(others_allowed);
    for (const auto& [node, done] : schemas_) {
      for (const auto& [pattern, schema] : node->pattern_properties) add_names_that_fit(*node, pattern, *schema);
    }
    if (others_allowed) add_free_member(compiler_.member_name(schemas_, names_, valued(others)));

    for (auto name = names_.rbegin(); name != names_.rend() && !out_.too_large(); ++name) {
      if (!add_named_member(*name)) return Automaton::kDead;
    }
    return compiler_.punctuation("{", "{", none_);
  }

 private:
  void add_name(const std::string& name) {
    if (known_.insert(name).second) names_.push_back(name);
  }

  // The value after a name, which is counted.
  NodeId valued(const Together& of) {
    return compiler_.space(compiler_.punctuation(":", compiler_.style_.key_separator, out_.call(compiler_.rule(of), some_, count_)));
  }

  NodeId behind_comma(NodeId member) { return compiler_.punctuation(",", compiler_.style_.item_separator, member); }

  // A member that may occur any number of times, after the named ones.
  void add_free_member(NodeId member) {
    const NodeId later = behind_comma(member);
    out_.empty(none_, out_.room(count_, member));
    out_.empty(some_, out_.room(count_, later));
  }

  void note_what_free_names_leave_open(bool others_allowed) {
    const bool loose = n_patterns_ > 1 || others_allowed || !names_.empty();
    for (const auto& [node, done] : schemas_) {
      if (count_.min > 1 && node->min_properties)
        compiler_.note(*node, "minProperties",
                       "names are counted as they are written, although one may occur twice; it is checked afterwards");
      if (n_patterns_ > 0 && node->property_names)
        compiler_.note(*node, "propertyNames", "names that fit a pattern of patternProperties are checked afterwards");
      if (loose && !node->pattern_properties.empty())
        compiler_.note(*node, "patternProperties", "names that fit several patterns, or none, are checked afterwards");
    }
  }

  // Names that fit a pattern have its schema. Whether a name fits several patterns, or none, is checked afterwards.
  void add_names_that_fit(const SchemaNode& owner, const PatternString& pattern, const SchemaNode& schema) {
    const NodeId value = valued(Together{{&schema, 0}});
    const auto regex = Regex::parse(pattern.source);
    const bool masked = regex && compiler_.patterns_->contains(pattern.source, *regex);
    if (!masked) {  // any name may fit
      compiler_.note(owner, "patternProperties", regex ? kNotTame : regex.error().message + ": it is checked afterwards");
      for (const auto& [node, done] : schemas_) {
        if (node->additional_properties)
          compiler_.note(*node, "additionalProperties", "which names fit a pattern that cannot be masked is checked afterwards");
      }
      return add_free_member(compiler_.member_name(schemas_, names_, value));
    }
    if (fits_any(*pattern.compiled, names_)) {
      for (const auto& [node, done] : schemas_) {
        if (!node->properties.empty())
          compiler_.note(*node, "properties", "a pattern fits some of the names too; what is written by it is checked afterwards");
      }
    }
    add_free_member(out_.bytes("\"", regex->build(out_, true, compiler_.letter_, {}, out_.bytes("\"", value))));
  }

  // Placed before the members added so far. False: it is required, but cannot be satisfied.
  bool add_named_member(const std::string& name) {
    const bool wanted = required_.contains(name);
    const bool name_allowed = std::all_of(schemas_.begin(), schemas_.end(), [&](const auto& one) {
      return !one.first->property_names || is_valid(*one.first->property_names, Json(name));
    });
    const Together of = of_property(schemas_, name);
    if (!name_allowed || types_of(of) == 0) return !wanted;
    const NodeId key = compiler_.strings_.listed({write_json(Json(name), compiler_.style_)}, valued(of));
    const NodeId first = out_.room(count_, key), later = out_.room(count_, behind_comma(key));
    none_ = wanted ? first : out_.any_of({first, none_});
    some_ = wanted ? later : out_.any_of({later, some_});
    return true;
  }

  SchemaCompiler& compiler_;
  Automaton& out_;
  const Together& schemas_;
  const Count count_;
  std::vector<std::string> names_;  // in their order
  std::set<std::string> known_, required_;
  std::size_t n_patterns_ = 0;
  NodeId some_, none_;  // the continuations if a member was written before, and if none was
};

NodeId SchemaCompiler::object(const Together& schemas) {
  const auto count = range_of(schemas, {&SchemaNode::min_properties, "minProperties"}, {&SchemaNode::max_properties, "maxProperties"});
  return count ? ObjectBody(*this, schemas, *count).compile() : Automaton::kDead;
}

}  // namespace baton::llm
