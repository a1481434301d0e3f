// Arrays: the elements with schemas of their own, and the elements after them.
#include <algorithm>

#include "schema_compiler.h"

namespace baton::llm {

SchemaCompiler::Together SchemaCompiler::of_element(const Together& schemas, std::size_t index) {
  Together all;
  for (const auto& [node, done] : schemas) {
    if (index < node->prefix_items.size()) {
      add(all, *node->prefix_items[index]);
    } else if (node->items) {
      add(all, *node->items);
    }
  }
  return all;
}

NodeId SchemaCompiler::array(const Together& schemas) {
  const auto count = range_of(schemas, {&SchemaNode::min_items, "minItems"}, {&SchemaNode::max_items, "maxItems"});
  if (!count) return Automaton::kDead;
  std::size_t n_own = 0;  // elements with a schema of their own
  for (const auto& [node, done] : schemas) n_own = std::max(n_own, node->prefix_items.size());
  const NodeId end = out_.final();
  const auto own_min = static_cast<std::size_t>(count->min);
  const std::optional<std::size_t> own_max =
      count->max < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(count->max));

  // The elements after those, counted from there.
  Count rest{static_cast<std::int32_t>(own_min > n_own ? own_min - n_own : 0),
             own_max ? static_cast<std::int32_t>(*own_max > n_own ? *own_max - n_own : 0) : -1};
  const NodeId after = out_.add();  // an element of the rest
  const NodeId before = out_.call(rule(of_element(schemas, n_own)), after, rest);
  out_.empty(after, space(out_.enough(rest, out_.bytes("]", end))));
  const NodeId again = punctuation(",", style_.item_separator, before);
  out_.empty(after, out_.room(rest, again));

  // From the last of the elements with their own schemas to the first: `at` is after the element i - 1.
  const auto closing = [&](std::size_t written) { return written >= own_min ? space(out_.bytes("]", end)) : Automaton::kDead; };
  const auto room = [&](std::size_t written) { return !own_max || written < *own_max; };
  NodeId at = out_.any_of({closing(n_own), rest.max == 0 ? Automaton::kDead : n_own == 0 ? before : again});
  for (std::size_t i = n_own; i-- > 0;) {
    NodeId element = room(i) ? out_.call(rule(of_element(schemas, i)), at) : Automaton::kDead;
    if (i > 0 && element != Automaton::kDead) element = punctuation(",", style_.item_separator, element);
    at = out_.any_of({closing(i), element});
  }
  return punctuation("[", "[", at);
}

}  // namespace baton::llm
