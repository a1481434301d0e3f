#include "schema_parser.h"

#include "json_value.h"

namespace baton::llm {
namespace {

// Every node has its pointer, so long names under one another would multiply.
constexpr std::size_t kMaxPointerBytes = 8 * 1024, kMaxAllPointersBytes = 32 * 1024 * 1024;

// The in-place parts: schemas that are applied to the same value as the node itself.
template <class Visit>
void each_in_place(const SchemaNode& node, Visit visit) {
  for (const SchemaNode* one : {node.ref, node.not_schema, node.if_schema, node.then_schema, node.else_schema})
    if (one) visit(one);
  for (const auto* list : {&node.all_of, &node.any_of, &node.one_of})
    for (const SchemaNode* one : *list) visit(one);
  for (const auto& [name, one] : node.dependent_schemas) visit(one);
}

// Percent-encoding of a URI fragment.
std::string decoded(std::string_view text) {
  const auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? nibble(text[i + 1]) : -1;
    const int low = high >= 0 ? nibble(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
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

Result<const SchemaNode*> SchemaParser::parse() {
  const auto root = parse_schema(document_, "");
  if (!root) return root.error();
  if (Result<void> done = resolve_references(); !done) return done.error();
  if (Result<void> done = refuse_endless_references(); !done) return done.error();
  return *root;
}

Result<const SchemaNode*> SchemaParser::child(const Place& place, const Json& value) { return parse_schema(value, place.pointer); }

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

Result<const SchemaNode*> SchemaParser::parse_schema(const Json& schema, const std::string& pointer) {
  if (const auto known = by_pointer_.find(pointer); known != by_pointer_.end()) return known->second;
  pointer_bytes_ += pointer.size();
  if (pointer.size() > kMaxPointerBytes || pointer_bytes_ > kMaxAllPointersBytes)
    return invalid_schema(pointer.substr(0, 80) + "...", "the names on the way here are too long");
  SchemaNode& node = nodes_.emplace_back();
  node.pointer = pointer;
  by_pointer_[pointer] = &node;
  if (schema.is_boolean()) {
    node.never = !schema.get<bool>();
    return &node;
  }
  if (!schema.is_object()) return invalid_schema(pointer, "a schema must be an object, true or false, found " + shown(schema));
  for (const auto& [name, value] : schema.items()) {
    const auto keyword = keywords().find(name);
    if (keyword == keywords().end()) {
      if (name.compare(0, 2, "x-") == 0) continue;
      return invalid_schema(pointer + pointer_step(name),
                            "the keyword " + shown(name) + " is not supported; remove it, or name it x-... if it is a note");
    }
    const Place place{node, schema, name, pointer + pointer_step(name)};
    if (Result<void> done = keyword->second(*this, place, value); !done) return done.error();
  }
  return &node;
}

// Not by recursion, as a chain of references may be as long as the document.
Result<void> SchemaParser::resolve_references() {
  while (!references_.empty()) {
    const Reference reference = std::move(references_.back());
    references_.pop_back();
    const auto target = resolve(reference);
    if (!target) return target.error();
    reference.from->ref = *target;
  }
  return {};
}

Result<SchemaNode*> SchemaParser::resolve(const Reference& reference) {
  const std::string where = reference.from->pointer + "/$ref";
  const std::string& target = reference.target;
  if (target.empty() || target[0] != '#' || (target.size() > 1 && target[1] != '/'))
    return invalid_schema(where, shown(target) + " does not lie in this document; only JSON pointers such as #/$defs/name are followed");
  const std::string pointer = decoded(std::string_view(target).substr(1));
  const Json* at = &document_;
  std::string canonical_pointer;
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
  if (!at) return invalid_schema(where, "there is nothing at " + shown(target));
  const auto node = parse_schema(*at, canonical_pointer);
  if (!node) return node.error();
  return by_pointer_[canonical_pointer];
}

Result<void> SchemaParser::refuse_endless_references() const {
  enum class Mark { fresh, open, done };
  std::map<const SchemaNode*, Mark> marks;
  for (const SchemaNode& start : nodes_) {
    // Depth first; a node is looked at when entered, and again when all below it is done.
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
