#pragma once
// The items of a run, reconstructed from its events: a killed process has shown them, though it may have stored none of them.
#include <optional>
#include <string>
#include <vector>

#include "actions.h"

namespace baton::agent {

struct ShownItem {
  std::string id;
  int output_index = 0;
  Json item;  // as it was added or done
  bool done = false;
  std::string text;                      // of its deltas
  std::optional<std::string> arguments;  // if they were complete
  bool started = false;                  // a call of an answer that the model had ended
  bool abandoned = false;                // its turn was written again
};

// In the order of the output. Events as the journal gives them.
std::vector<ShownItem> shown_items(const std::vector<EmitEvent>& events);

}  // namespace baton::agent
