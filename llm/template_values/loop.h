#pragma once
// The progress of one `for` loop, visible to templates as `loop`.
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "value.h"

namespace baton::llm::jinja {

struct Stmt;
struct Scope;

struct Loop {
  const Stmt* statement = nullptr;
  std::shared_ptr<Scope> outer;  // the scope around the loop
  std::vector<Value> source;
  int source_depth = 0;
  std::size_t cursor = 0;      // of the source: items fetched, whether kept or filtered out
  std::size_t index0 = 0;      // of the current item among those kept
  std::size_t fetched = 0;     // items kept so far
  int depth0 = 0;              // of recursion
  std::vector<Value> ahead;    // kept items after the current one that were already fetched
  std::size_t ahead_used = 0;  // how many of those the loop has reached by now
  Value previous;
  Value current;
  std::optional<std::vector<Value>> last_changed;

  int depth() const { return source_depth + 1; }
};

}  // namespace baton::llm::jinja
