#pragma once
// JSON schemas of tool arguments and structured answers: parsed, and checked against a value. Draft 2020-12 with the older spellings that
// are still in use (draft 4 to 7, OpenAPI 3.0); docs/json_schema.md lists the keywords. $ref reaches within the document only.
//
// An unknown keyword is an annotation, as JSON Schema requires (2020-12, section 6.5): SchemaNode::unknown lists it. Schemas and values may
// be hostile; depth, size, steps and pattern matching are bounded.
#include <baton/llm/error.h>
#include <baton/llm/json_schema/schema_node.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::llm {

struct Violation {
  std::string pointer;  // place in the value, a JSON pointer; "" is the whole. A missing or surplus property is named itself
  std::string keyword;  // "required", "enum", ...; empty if a limit of the validator was reached
  std::string message;  // the value found and the value expected, without the pointer

  // `/unit: "kelvin" is not one of "celsius", "fahrenheit"`: written so that a small model can repair its call.
  std::string to_string() const { return (pointer.empty() ? "the value" : pointer) + ": " + message; }
};

// The known keywords, annotations included, for suggestions for a misspelt one.
std::vector<std::string> schema_keywords();

// Immutable, cheap to copy, any thread.
class Schema {
 public:
  static constexpr int kMaxSchemaDepth = 128;              // JSON nesting of the schema document
  static constexpr std::size_t kMaxSchemaValues = 50'000;  // JSON values in it
  static constexpr int kMaxInstanceDepth = 256;
  static constexpr std::size_t kMaxSteps = 1'000'000;  // visits of a schema node in one validate(): nested anyOf can multiply up to this
  static constexpr std::size_t kMaxViolations = 16;    // more would not be useful

  // errc::invalid_schema, naming the keyword and its JSON pointer.
  static Result<Schema> parse(const Json& schema);

  // Empty if the value is valid; otherwise at most kMaxViolations, in the order in which they were found.
  std::vector<Violation> validate(const Json& instance) const;

  // The same as one value: errc::invalid_json with a line for each violation.
  Result<void> check(const Json& instance) const;

  const SchemaNode& root() const;

 private:
  struct Document;
  explicit Schema(std::shared_ptr<const Document> document) : document_(std::move(document)) {}
  std::shared_ptr<const Document> document_;
};

}  // namespace baton::llm
