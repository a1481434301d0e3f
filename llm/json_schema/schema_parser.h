#pragma once
// Parses a schema document to its tree of nodes (schema_node.h).
#include <baton/llm/error.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "schema_node.h"

namespace baton::llm {

class SchemaParser {
 public:
  explicit SchemaParser(const Json& document);

  // The node of the whole document; it and all others lie in nodes().
  Result<const SchemaNode*> parse();
  std::deque<SchemaNode>& nodes() { return nodes_; }

  // The place of a keyword. For the table of keywords in schema_keywords.cpp, like the members below.
  struct Place {
    SchemaNode& node;
    const Json& schema;   // the object that holds the keyword
    std::string name;     // of the keyword, or of a member of its value
    std::string pointer;  // of its value
    Place member(const std::string& key) const;
  };
  using Handler = Result<void> (*)(SchemaParser&, const Place&, const Json& value);
  static const std::map<std::string, Handler>& keywords();
  static bool is_annotation(const std::string& keyword);  // of the annotations: it does not restrict values

  Result<const SchemaNode*> child(const Place& place, const Json& value);
  Result<std::vector<SchemaNode::Child>> children(const Place& place, const Json& value);
  void refer(const Place& from, std::string target, bool dynamic) {
    references_.push_back({&from.node, from.name, std::move(target), dynamic});
  }
  void name(SchemaNode& node, std::string anchor, bool dynamic);
  bool literal_integers() const { return draft_ == Draft::to_4; }

 private:
  // The drafts that a document declares, as far as its meaning depends on them.
  enum class Draft { to_4, to_7, later };
  struct Reference {
    SchemaNode* from;
    std::string keyword;
    std::string target;  // as written in the schema
    bool dynamic;
  };
  // A part with an $id: its URI, and its place.
  struct Resource {
    std::string uri;
    std::string pointer;
    const Json* schema;
  };
  struct Anchor {
    SchemaNode* node;
    bool dynamic;
  };

  static Draft draft_of(const Json& document);
  Result<const SchemaNode*> parse_schema(const Json& schema, const std::string& pointer, std::size_t resource);
  Result<void> parse_keywords(SchemaNode& node, const Json& schema);
  void identify(SchemaNode& node, const Json& schema);
  Result<void> resolve_references();
  Result<SchemaNode*> resolve(const Reference& reference);
  Result<SchemaNode*> at_pointer(const Resource& in, std::size_t resource, const std::string& pointer);
  void set_target(const Reference& reference, SchemaNode& target);
  Result<void> refuse_endless_references() const;

  const Json& document_;
  const Draft draft_;
  std::vector<Resource> resources_;
  std::map<std::string, std::size_t> by_uri_;
  std::map<std::pair<std::size_t, std::string>, Anchor> anchors_;  // by resource and name
  std::deque<SchemaNode> nodes_;                                   // a deque, so that pointers stay valid
  std::map<std::string, SchemaNode*> by_pointer_;
  std::size_t pointer_bytes_ = 0;      // of all nodes
  std::vector<Reference> references_;  // those that are not resolved yet
  std::size_t n_looked_at_ = 0;        // number of anchors visited for all dynamic references
};

// errc::invalid_schema with the place in its message.
Error invalid_schema(const std::string& pointer, const std::string& reason);
// One step of a JSON pointer: "/" and the name with ~ and / escaped (RFC 6901).
std::string pointer_step(std::string_view name);

}  // namespace baton::llm
