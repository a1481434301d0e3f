#include "mask_report.h"

#include <baton/llm/json_schema/formats.h>

#include <algorithm>
#include <chrono>
#include <set>

#include <baton/llm/grammar/machine.h>

namespace baton::llm {
namespace {

// The keywords of a node that restrict its values, with the schemas below them that a mask would enforce too.
class Keywords {
 public:
  explicit Keywords(const std::vector<Unmasked>& unmasked) {
    for (const Unmasked& one : unmasked) unmasked_.insert({one.pointer, one.keyword});
  }

  // Visits everything; afterwards `names` and `unchecked` are complete.
  void look_at_all(const SchemaNode& root) {
    waiting_.push_back(&root);
    while (!waiting_.empty()) {
      const SchemaNode* node = waiting_.back();
      waiting_.pop_back();
      if (met_.insert(node).second) look_at(*node);
    }
  }
  std::vector<std::string> names;  // those that a mask enforces
  std::vector<Unmasked> unchecked, annotations;

 private:
  // Whether it is present and enforced.
  bool take(const SchemaNode& node, bool has, const char* keyword) {
    if (!has || unmasked_.contains({node.pointer, keyword})) return false;
    if (std::find(names.begin(), names.end(), keyword) == names.end()) names.emplace_back(keyword);
    return true;
  }
  void take(const SchemaNode& node, SchemaNode::Child child, const char* keyword) {
    if (take(node, child != nullptr, keyword)) waiting_.push_back(child);
  }
  void take(const SchemaNode& node, const std::vector<SchemaNode::Child>& children, const char* keyword) {
    take(node, !children.empty(), keyword);
    waiting_.insert(waiting_.end(), children.begin(), children.end());
  }

  static std::string why_unchecked(const SchemaNode& node, const std::string& keyword) {
    if (keyword == "pattern" && node.pattern) return "it is too large: how often its parts are repeated is not checked";
    if (keyword == "if" || keyword == "then" || keyword == "else") return "not part of draft 4, which the schema names";
    if (node.ref && !keyword.starts_with("content")) return "ignored next to $ref up to draft 7, which the schema names";
    return "an annotation, which is not checked";
  }

  void look_at(const SchemaNode& node) {
    for (const std::string& keyword : node.unchecked) unchecked.push_back({node.pointer, keyword, why_unchecked(node, keyword)});
    for (const std::string& keyword : node.unknown) annotations.push_back({node.pointer, keyword, ""});
    if (!node.format.empty() && find_format(node.format) == nullptr)
      unchecked.push_back({node.pointer, "format", "\"" + node.format + "\" is an unknown format and is not checked"});
    take(node, node.types != kAnyType, "type");
    take(node, node.enum_values.has_value(), "enum");
    take(node, node.constant.has_value(), "const");
    take(node, !node.properties.empty(), "properties");
    for (const auto& [name, child] : node.properties) waiting_.push_back(child);
    take(node, !node.required.empty(), "required");
    if (take(node, !node.pattern_properties.empty(), "patternProperties")) {
      for (const auto& [pattern, child] : node.pattern_properties) waiting_.push_back(child);
    }
    take(node, node.additional_properties, "additionalProperties");
    take(node, node.unevaluated_properties, "unevaluatedProperties");
    take(node, node.unevaluated_items, "unevaluatedItems");
    take(node, node.property_names, "propertyNames");
    take(node, node.min_properties.has_value(), "minProperties");
    take(node, node.max_properties.has_value(), "maxProperties");
    take(node, node.prefix_items, "prefixItems");
    take(node, node.items, "items");
    take(node, node.min_items.has_value(), "minItems");
    take(node, node.max_items.has_value(), "maxItems");
    take(node, node.min_length.has_value(), "minLength");
    take(node, node.max_length.has_value(), "maxLength");
    take(node, node.pattern.has_value(), "pattern");
    take(node, find_format(node.format) != nullptr, "format");
    take(node, !node.minima.empty(), "minimum");
    take(node, !node.maxima.empty(), "maximum");
    take(node, node.multiple_of.has_value(), "multipleOf");
    take(node, node.ref, "$ref");
    take(node, node.all_of, "allOf");
    take(node, node.any_of, "anyOf");
    take(node, node.one_of, "oneOf");
    take(node, node.not_schema != nullptr, "not");
  }

  std::set<std::pair<std::string, std::string>> unmasked_;
  std::set<const SchemaNode*> met_;
  std::vector<const SchemaNode*> waiting_;
};

}  // namespace

MaskReport report_mask(const Schema& schema) {
  const auto begin = std::chrono::steady_clock::now();
  MaskReport report;
  Automaton automaton;
  SchemaCompiler compiler(automaton, WritingStyle{.free_space = true});
  const NodeId rule = compiler.object_rule(schema);
  report.n_nodes = automaton.nodes().size();
  report.unmasked = compiler.unmasked();
  if (automaton.too_large()) {
    report.refused = automaton.why_too_large();
  } else if (!automaton.prune(rule) || Machine(automaton, rule).start() == kDeadState) {
    report.refused = "no object is valid under it";
    report.impossible = true;
  }
  report.compile_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  Keywords keywords(report.unmasked);
  keywords.look_at_all(schema.root());
  report.unchecked = std::move(keywords.unchecked);
  report.annotations = std::move(keywords.annotations);
  if (report.refused.empty()) report.masked = std::move(keywords.names);
  return report;
}

}  // namespace baton::llm
