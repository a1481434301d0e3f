#pragma once
// Validates a value against a tree of schema nodes.
#include "json_schema.h"

namespace baton::llm {

class Validator {
 public:
  std::vector<Violation> run(const SchemaNode& root, const Json& instance);

 private:
  // Nested visits of nodes: each level of the value may take several (a $ref, an anyOf, the node itself). A visit needs about 1 KiB of
  // stack.
  static constexpr int kMaxVisitDepth = 1000;
  bool enter(const SchemaNode& node);  // false: too deep
  void leave();

  // The path from the whole value to the current one; converted to a JSON pointer only for a violation.
  struct Path {
    const Path* parent;
    std::string_view name;
    std::size_t index;  // of an element, if name.data() is null
    std::string pointer() const;
  };
  // Collects violations. `limit` 1 is for yes-or-no questions.
  struct Report {
    std::vector<Violation> violations;
    std::size_t limit;
    bool full() const { return violations.size() >= limit; }
  };

  void visit(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_value(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_number(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_string(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_array(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_contains(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_unique(const Json& value, const Path& path, Report& report);
  void check_object(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_members(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_name(const SchemaNode& names, const std::string& name, const Path& path, Report& report);
  void check_combinations(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void check_alternatives(const std::vector<SchemaNode::Child>& alternatives, const char* keyword, const Json& value, const Path& path,
                          Report& report);
  void report_no_alternative(const std::vector<std::vector<Violation>>& failures, const std::vector<SchemaNode::Child>& alternatives,
                             const char* keyword, const Json& value, const Path& path, Report& report);

  // unevaluated.cpp
  struct Evaluated;
  void check_unevaluated(const SchemaNode& node, const Json& value, const Path& path, Report& report);
  void evaluate(const SchemaNode& node, const Json& value, const Path& path, Evaluated& out);
  void evaluate_own(const SchemaNode& node, const Json& value, const Path& path, Evaluated& out);
  void evaluate_members(const SchemaNode& node, const Json& value, Evaluated& out);

  const SchemaNode& dynamic_target(const SchemaNode& node) const;
  bool valid(const SchemaNode& node, const Json& value, const Path& path);
  bool search(const PatternString& pattern, const std::string& text);
  bool equal(const Json& a, const Json& b);
  bool spend(std::size_t steps);
  void add(Report& report, const Path& path, const char* keyword, std::string message);

  std::size_t steps_ = Schema::kMaxSteps;
  std::vector<std::size_t> scope_;   // the resources of the schemas on the path here, outermost first
  const char* exhausted_ = nullptr;  // the limit that was reached; nothing more is checked then
};

}  // namespace baton::llm
