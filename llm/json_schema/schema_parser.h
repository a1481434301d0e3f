#pragma once
// From a schema document to its tree of nodes (schema_node.h).
#include <baton/llm/error.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "schema_node.h"

namespace baton::llm {

class SchemaParser {
 public:
  explicit SchemaParser(const Json& document) : document_(document) {}

  // The node of the whole document; it and all others lie in nodes().
  Result<const SchemaNode*> parse();
  std::deque<SchemaNode>& nodes() { return nodes_; }

  // Where a keyword stands. For the table of keywords in schema_keywords.cpp, as are the members below.
  struct Place {
    SchemaNode& node;
    const Json& schema;   // the object that holds the keyword
    std::string name;     // of the keyword, or of a member of its value
    std::string pointer;  // of its value
    Place member(const std::string& key) const;
  };
  using Handler = Result<void> (*)(SchemaParser&, const Place&, const Json& value);
  static const std::map<std::string, Handler>& keywords();

  Result<const SchemaNode*> child(const Place& place, const Json& value);
  Result<std::vector<SchemaNode::Child>> children(const Place& place, const Json& value);
  void refer(SchemaNode& from, std::string target) { references_.push_back({&from, std::move(target)}); }

 private:
  struct Reference {
    SchemaNode* from;
    std::string target;  // as the schema writes it
  };

  Result<const SchemaNode*> parse_schema(const Json& schema, const std::string& pointer);
  Result<void> resolve_references();
  Result<SchemaNode*> resolve(const Reference& reference);
  Result<void> refuse_endless_references() const;

  const Json& document_;
  std::deque<SchemaNode> nodes_;  // a deque, so that pointers stay
  std::map<std::string, SchemaNode*> by_pointer_;
  std::size_t pointer_bytes_ = 0;      // of all nodes
  std::vector<Reference> references_;  // those that are not resolved yet
};

// errc::invalid_schema with the place in its message.
Error invalid_schema(const std::string& pointer, const std::string& reason);
// One step of a JSON pointer: "/" and the name with ~ and / escaped (RFC 6901).
std::string pointer_step(std::string_view name);

}  // namespace baton::llm
