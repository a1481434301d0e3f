#pragma once
// Compiles schemas to automata of their valid values. Conditions that an automaton cannot express are reported, and left to the validator.
#include <baton/llm/error.h>
#include <baton/llm/json_schema/json_schema.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <baton/llm/text_grammar/regex.h>
#include "json_strings.h"
#include "json_text.h"
#include "number_range.h"
#include "tame_patterns.h"

namespace baton::llm {

// A keyword that the mask does not enforce, or only partly: the value is checked after it was written.
struct Unmasked {
  std::string pointer;  // of the schema that has it
  std::string keyword;
  std::string why;
};

// In addition to Automaton::kMaxNodes, these limits apply to the compilation; beyond one, the automaton is given up, with the reason.
class SchemaCompiler {
 public:
  static constexpr int kMaxDepth = 256;             // nested schemas, references followed; bounds the stack
  static constexpr std::size_t kMaxWork = 200'000;  // schemas that hold together, over all rules: nested alternatives multiply

  // patterns: shared by all compilers of the same grammar, so that they get the same answers.
  SchemaCompiler(Automaton& out, WritingStyle style, std::shared_ptr<TamePatterns> patterns = std::make_shared<TamePatterns>())
      : out_(out), style_(std::move(style)), strings_(out), patterns_(std::move(patterns)) {}

  // The rule of the whole schema, which must outlive this object. Several schemas share the rules for common JSON.
  NodeId rule(const Schema& schema) { return rule(Together{{&schema.root(), 0}}); }
  NodeId rule(const SchemaNode& node) { return rule(Together{{&node, 0}}); }  // of a part of it
  // The same, of objects only: a call's arguments.
  NodeId object_rule(const Schema& schema);
  // The same, of anything but strings.
  NodeId rule_without_strings(const SchemaNode& node);
  const std::vector<Unmasked>& unmasked() const { return unmasked_; }

 private:
  // Schemas that hold for the same value at once (allOf, $ref with siblings, a property that several schemas describe), each with the
  // alternatives that are handled already. In the order of application, a base before its extension, which is also the order of the
  // properties.
  enum Done : unsigned { kAnyOf = 1, kOneOf = 2 };
  using Held = std::pair<const SchemaNode*, unsigned>;
  using Together = std::vector<Held>;  // each once
  static void add(Together& to, const SchemaNode& node, unsigned done = 0);

  NodeId rule(Together schemas);  // may be entered from anywhere
  static void flatten(const SchemaNode& node, unsigned done, Together& into, std::set<Held>& met);
  static Together flattened(const Together& schemas);
  NodeId body(const Together& schemas);
  std::optional<NodeId> alternatives(const Together& schemas);
  std::optional<NodeId> listed_values(const Together& schemas, const std::function<bool(const Json&)>& wanted, NodeId next);
  void note_unmasked(const Together& schemas, std::uint8_t types);
  NodeId number(const Together& schemas, bool integer);
  NumberRange number_range(const Together& schemas, bool integer);
  NodeId string(const Together& schemas, NodeId next);
  class ObjectBody;
  NodeId object(const Together& schemas);
  NodeId array(const Together& schemas);
  std::vector<std::string> refused_strings(const Together& schemas);
  NodeId member_name(const Together& schemas, const std::vector<std::string>& taken, NodeId next);
  static std::uint8_t types_of(const Together& schemas);
  struct Limit {
    std::optional<std::uint64_t> SchemaNode::*member;
    const char* keyword;
  };
  std::optional<Count> range_of(const Together& schemas, const Limit& min, const Limit& max);  // null: the range is empty
  static Together of_property(const Together& schemas, const std::string& name);
  static Together of_further_properties(const Together& schemas);
  static Together of_element(const Together& schemas, std::size_t index);
  bool valid(const Together& schemas, const Json& value) const;
  NodeId punctuation(const std::string& sign, const std::string& separator, NodeId next);
  NodeId space(NodeId next);
  void note(const SchemaNode& node, std::string keyword, std::string why);

  Automaton& out_;
  const WritingStyle style_;
  JsonStrings strings_;
  const Regex::Letter letter_ = [this](Automaton&, NodeId from, NodeId to, const CodePoints& characters, const Count& count) {
    strings_.characters(from, to, characters, count);
  };
  NodeId space_ = Automaton::kDead;  // the rule, after it was created
  std::map<Together, NodeId> rules_;
  std::map<NumberRange, NodeId> numbers_;  // rules
  std::vector<Unmasked> unmasked_;
  std::set<std::pair<const SchemaNode*, std::string>> noted_;
  const std::shared_ptr<TamePatterns> patterns_;
  int depth_ = 0;
  std::size_t work_ = 0;
};

}  // namespace baton::llm
