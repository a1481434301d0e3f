#pragma once
// Converts OpenAPI's schemas to plain JSON Schema without references. Internal to the folder.
#include <baton/tools/tool.h>

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// "#/components/schemas/Pet" within `document`; null: not found, or in another document.
const Json* resolve_reference(const Json& document, std::string_view reference);

// `node` itself, or the node that its chain of $ref ends at; null: not found.
const Json* resolved(const Json& document, const Json& node);

// At most `max_bytes` of the first paragraph, on one line.
std::string short_text(std::string_view text, std::size_t max_bytes);

class SchemaConverter {
 public:
  using Note = std::function<void(const std::string&)>;
  SchemaConverter(const Json& document, Note note) : document_(document), note_(std::move(note)) {}

  // Converts the schema of a value that is sent, so read-only members are left out. Recursion, depth and size are bounded, each with a
  // note.
  Json convert(const Json& schema);

 private:
  Json node(const Json& schema, int depth);
  Json reference(const Json& schema, int depth);
  void properties(const Json& schema, Json& out, int depth);
  void bounds(const Json& schema, Json& out);
  void combine(const Json& schema, Json& out, int depth);
  void allow_null(Json& out);

  const Json& document_;
  const Note note_;
  std::vector<std::string> open_;  // references that are being converted
  int n_nodes_ = 0;
};

}  // namespace baton::tools
