#include "json_schema.h"

#include "json_value.h"
#include "schema_parser.h"
#include "validator.h"

namespace baton::llm {

struct Schema::Document {
  std::deque<SchemaNode> nodes;
  const SchemaNode* root = nullptr;
};

std::vector<std::string> schema_keywords() {
  std::vector<std::string> names;
  for (const auto& [name, handler] : SchemaParser::keywords()) names.push_back(name);
  return names;
}

Result<Schema> Schema::parse(const Json& schema) {
  const JsonSize size = measure(schema, kMaxSchemaDepth, kMaxSchemaValues);
  if (size.depth > kMaxSchemaDepth) return invalid_schema("", "it is nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels");
  if (size.values > kMaxSchemaValues) return invalid_schema("", "it has more than " + std::to_string(kMaxSchemaValues) + " values");
  SchemaParser parser(schema);
  const auto root = parser.parse();
  if (!root) return root.error();
  auto document = std::make_shared<Document>();
  document->nodes = std::move(parser.nodes());  // moves no node: *root stays
  document->root = *root;
  return Schema(std::move(document));
}

std::vector<Violation> Schema::validate(const Json& instance) const {
  if (measure(instance, kMaxInstanceDepth, SIZE_MAX).depth > kMaxInstanceDepth)
    return {{"", "", "is nested deeper than " + std::to_string(kMaxInstanceDepth) + " levels"}};
  return Validator().run(*document_->root, instance);
}

Result<void> Schema::check(const Json& instance) const {
  const std::vector<Violation> violations = validate(instance);
  if (violations.empty()) return {};
  std::string message;
  for (const Violation& violation : violations) message += (message.empty() ? "" : "\n") + violation.to_string();
  return Error{errc::invalid_json, std::move(message)};
}

const SchemaNode& Schema::root() const { return *document_->root; }

}  // namespace baton::llm
