#include "schema_parser.h"

#include <algorithm>

#include "json_value.h"
#include "uri.h"

namespace baton::llm {
namespace {

// Every node has its pointer, so nested long names would multiply.
constexpr std::size_t kMaxPointerBytes = 8 * 1024, kMaxAllPointersBytes = 32 * 1024 * 1024;
constexpr std::size_t kMostLookedAt = 1'000'000;  // dynamic references times anchors

// The in-place parts: schemas that are applied to the same value as the node itself.
template <class Visit>
void each_in_place(const SchemaNode& node, Visit visit) {
  for (const SchemaNode* one : {node.ref, node.not_schema, node.if_schema, node.then_schema, node.else_schema})
    if (one) visit(one);
  for (const auto* list : {&node.all_of, &node.any_of, &node.one_of})
    for (const SchemaNode* one : *list) visit(one);
  for (const auto& [name, one] : node.dependent_schemas) visit(one);
  for (const auto& [resource, one] : node.dynamic_ref) visit(one);
}

std::string unescaped(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1');
    out += escape ? (step[++i] == '1' ? '/' : '~') : step[i];
  }
  return out;
}

const Json* element(const Json& array, const std::string& index) {
  if (index.empty() || index.size() > 9 || index.find_first_not_of("0123456789") != std::string::npos ||
      (index.size() > 1 && index[0] == '0'))
    return nullptr;
  const std::size_t i = std::stoul(index);
  return i < array.size() ? &array[i] : nullptr;
}

}  // namespace

Error invalid_schema(const std::string& pointer, const std::string& reason) {
  return {errc::invalid_schema, "JSON schema, at " + (pointer.empty() ? "its top" : pointer) + ": " + reason};
}

std::string pointer_step(std::string_view name) {
  std::string step = "/";
  for (const char c : name) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

SchemaParser::Place SchemaParser::Place::member(const std::string& key) const { return {node, schema, name, pointer + pointer_step(key)}; }

SchemaParser::SchemaParser(const Json& document) : document_(document), draft_(draft_of(document)), resources_{{"", "", &document}} {}

SchemaParser::Draft SchemaParser::draft_of(const Json& document) {
  const auto dialect = document.is_object() ? document.find("$schema") : document.end();
  if (!document.is_object() || dialect == document.end() || !dialect->is_string()) return Draft::later;
  const std::string& uri = dialect->get_ref<const std::string&>();
  const auto names = [&](std::initializer_list<const char*> drafts) {
    return std::any_of(drafts.begin(), drafts.end(), [&](const char* draft) { return uri.find(draft) != std::string::npos; });
  };
  return names({"/draft-03/", "/draft-04/"}) ? Draft::to_4 : names({"/draft-06/", "/draft-07/"}) ? Draft::to_7 : Draft::later;
}

Result<const SchemaNode*> SchemaParser::parse() {
  const auto root = parse_schema(document_, "", 0);
  if (!root) return root.error();
  if (Result<void> done = resolve_references(); !done) return done.error();
  if (Result<void> done = refuse_endless_references(); !done) return done.error();
  return *root;
}

Result<const SchemaNode*> SchemaParser::child(const Place& place, const Json& value) {
  return parse_schema(value, place.pointer, place.node.resource);
}

Result<std::vector<SchemaNode::Child>> SchemaParser::children(const Place& place, const Json& value) {
  if (!value.is_array() || value.empty()) return invalid_schema(place.pointer, place.name + " must be an array of at least one schema");
  std::vector<SchemaNode::Child> nodes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto node = child(place.member(std::to_string(i)), value[i]);
    if (!node) return node.error();
    nodes.push_back(*node);
  }
  return nodes;
}

Result<const SchemaNode*> SchemaParser::parse_schema(const Json& schema, const std::string& pointer, std::size_t resource) {
  if (const auto known = by_pointer_.find(pointer); known != by_pointer_.end()) return known->second;
  pointer_bytes_ += pointer.size();
  if (pointer.size() > kMaxPointerBytes || pointer_bytes_ > kMaxAllPointersBytes)
    return invalid_schema(pointer.substr(0, 80) + "...", "the names on the way here are too long");
  SchemaNode& node = nodes_.emplace_back();
  node.pointer = pointer;
  node.resource = resource;
  by_pointer_[pointer] = &node;
  if (schema.is_boolean()) {
    node.never = !schema.get<bool>();
    return &node;
  }
  if (!schema.is_object()) return invalid_schema(pointer, "a schema must be an object, true or false, found " + shown(schema));
  identify(node, schema);
  if (Result<void> done = parse_keywords(node, schema); !done) return done.error();
  return &node;
}

Result<void> SchemaParser::parse_keywords(SchemaNode& node, const Json& schema) {
  // Until draft 7, keywords beside a $ref are ignored, and until draft 6 there is no `if`.
  const bool only_ref = draft_ != Draft::later && schema.contains("$ref") && schema["$ref"].is_string();
  for (const auto& [name, value] : schema.items()) {
    const auto keyword = keywords().find(name);
    if (keyword == keywords().end()) {
      if (!name.starts_with("x-")) node.unknown.push_back(name);
      continue;
    }
    const bool later = draft_ == Draft::to_4 && (name == "if" || name == "then" || name == "else");
    if (later || (only_ref && name != "$ref" && name != "definitions" && name != "$defs")) {
      if (!is_annotation(name)) node.unchecked.push_back(name);
      continue;
    }
    const Place place{node, schema, name, node.pointer + pointer_step(name)};
    if (Result<void> done = keyword->second(*this, place, value); !done) return done.error();
  }
  return {};
}

// A schema with an $id of its own is a resource; an $id that is only a fragment is an anchor, in drafts up to 7.
void SchemaParser::identify(SchemaNode& node, const Json& schema) {
  if (draft_ != Draft::later && schema.contains("$ref")) return;
  const auto id = schema.find(draft_ == Draft::to_4 ? "id" : "$id");
  if (id == schema.end() || !id->is_string()) return;
  const std::string& text = id->get_ref<const std::string&>();
  if (text.starts_with('#')) return name(node, text.substr(1), false);
  std::string uri = resolve_uri(resources_[node.resource].uri, text);
  uri.erase(std::min(uri.find('#'), uri.size()));
  pointer_bytes_ += uri.size();  // nested relative ones would multiply, too
  if (uri.size() > kMaxPointerBytes || pointer_bytes_ > kMaxAllPointersBytes) return;
  if (!node.pointer.empty()) {
    node.resource = resources_.size();
    resources_.push_back({"", node.pointer, &schema});
  }
  by_uri_.try_emplace(uri, node.resource);
  resources_[node.resource].uri = std::move(uri);
}

void SchemaParser::name(SchemaNode& node, std::string anchor, bool dynamic) {
  Anchor& known = anchors_.try_emplace({node.resource, std::move(anchor)}, Anchor{&node, false}).first->second;
  known.dynamic = known.dynamic || dynamic;
}

// Not recursive, because a chain of references may be as long as the document.
Result<void> SchemaParser::resolve_references() {
  while (!references_.empty()) {
    const Reference reference = std::move(references_.back());
    references_.pop_back();
    const auto target = resolve(reference);
    if (!target) return target.error();
    set_target(reference, **target);
    if (n_looked_at_ > kMostLookedAt)
      return invalid_schema(reference.from->pointer + pointer_step(reference.keyword), "there are too many dynamic references and anchors");
  }
  return {};
}

// A reference to a dynamic anchor means that anchor in whichever resource is outermost when a value is checked.
void SchemaParser::set_target(const Reference& reference, SchemaNode& target) {
  SchemaNode& from = *reference.from;
  if (reference.dynamic) {
    const std::string anchor =
        percent_decoded(std::string_view(reference.target).substr(std::min(reference.target.find('#'), reference.target.size() - 1) + 1));
    const auto own = anchors_.find({target.resource, anchor});
    if (own != anchors_.end() && own->second.dynamic && own->second.node == &target) {
      n_looked_at_ += anchors_.size();
      if (n_looked_at_ > kMostLookedAt) return;
      from.dynamic_ref.emplace_back(target.resource, &target);
      for (const auto& [key, other] : anchors_) {
        if (key.second == anchor && other.dynamic && other.node != &target) from.dynamic_ref.emplace_back(key.first, other.node);
      }
      if (from.dynamic_ref.size() > 1) return;
      from.dynamic_ref.clear();
    }
  }
  if (from.ref == nullptr) {
    from.ref = &target;
  } else {
    from.all_of.push_back(&target);
  }
}

Result<SchemaNode*> SchemaParser::resolve(const Reference& reference) {
  const std::string where = reference.from->pointer + pointer_step(reference.keyword);
  const std::string& target = reference.target;
  std::size_t resource = reference.from->resource;
  const auto hash = std::min(target.find('#'), target.size());
  if (hash > 0) {
    std::string uri = resolve_uri(resources_[resource].uri, target);
    uri.erase(std::min(uri.find('#'), uri.size()));
    const auto known = by_uri_.find(uri);
    if (known == by_uri_.end())
      return invalid_schema(where, shown(target) + " is not in this document, and other documents are not fetched");
    resource = known->second;
  }
  const std::string fragment = percent_decoded(std::string_view(target).substr(std::min(hash + 1, target.size())));
  if (!fragment.empty() && fragment[0] != '/') {
    const auto anchor = anchors_.find({resource, fragment});
    if (anchor == anchors_.end()) return invalid_schema(where, "there is no anchor " + shown(fragment) + " in this document");
    return anchor->second.node;
  }
  auto found = at_pointer(resources_[resource], resource, fragment);
  // Some generators give each schema an id, but still mean the whole document by #.
  if (found && *found == nullptr && resource != 0) found = at_pointer(resources_[0], 0, fragment);
  if (found && *found == nullptr) return invalid_schema(where, "there is nothing at " + shown(target));
  return found;
}

// Null: not found.
Result<SchemaNode*> SchemaParser::at_pointer(const Resource& in, std::size_t resource, const std::string& pointer) {
  const Json* at = in.schema;
  std::string canonical_pointer = in.pointer;
  for (std::size_t start = 0; at && start < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', start + 1), pointer.size());
    const std::string step = unescaped(std::string_view(pointer).substr(start + 1, end - start - 1));
    canonical_pointer += pointer_step(step);
    if (at->is_object()) {
      const auto found = at->find(step);
      at = found == at->end() ? nullptr : &*found;
    } else {
      at = at->is_array() ? element(*at, step) : nullptr;
    }
    start = end;
  }
  if (!at) return nullptr;
  const auto node = parse_schema(*at, canonical_pointer, resource);
  if (!node) return node.error();
  return by_pointer_[canonical_pointer];
}

Result<void> SchemaParser::refuse_endless_references() const {
  enum class Mark { fresh, open, done };
  std::map<const SchemaNode*, Mark> marks;
  for (const SchemaNode& start : nodes_) {
    // Depth first; a node is visited on entry, and again after all nodes below it.
    std::vector<std::pair<const SchemaNode*, bool>> stack = {{&start, false}};
    while (!stack.empty()) {
      const auto [node, leave] = stack.back();
      stack.pop_back();
      Mark& mark = marks[node];
      if (leave) {
        mark = Mark::done;
        continue;
      }
      if (mark == Mark::done) continue;
      if (mark == Mark::open)
        return invalid_schema(node->pointer, "this refers to itself without end ($ref, allOf and the like lead back to it)");
      mark = Mark::open;
      stack.emplace_back(node, true);
      each_in_place(*node, [&](const SchemaNode* next) {
        if (const auto known = marks.find(next); known == marks.end() || known->second != Mark::done) stack.emplace_back(next, false);
      });
    }
  }
  return {};
}

}  // namespace baton::llm
