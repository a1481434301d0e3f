#include "shown_items.h"

#include <algorithm>

#include "items.h"

namespace baton::agent {

std::vector<ShownItem> shown_items(const std::vector<EmitEvent>& events) {
  std::vector<ShownItem> shown;
  const auto find = [&](const std::string& id) {
    return std::find_if(shown.begin(), shown.end(), [&](const ShownItem& s) { return s.id == id; });
  };
  for (const EmitEvent& event : events) {
    if (!event.data.is_object()) continue;
    const auto item = event.data.find("item");
    const bool whole = item != event.data.end() && item->is_object();
    const auto at = find(whole ? string_of(*item, "id") : string_of(event.data, "item_id"));
    if (event.type == "response.output_item.added" && whole && at == shown.end()) {
      shown.push_back({.id = string_of(*item, "id"), .output_index = event.data.value("output_index", 0), .item = *item});
    } else if (at == shown.end()) {
      continue;
    } else if (event.type == "response.output_item.done" && whole) {
      at->item = *item;
      at->done = true;
    } else if (event.type == "response.output_text.delta" || event.type == "response.reasoning_text.delta") {
      at->text += string_of(event.data, "delta");
    } else if (event.type == "response.mcp_call_arguments.done" || event.type == "response.function_call_arguments.done") {
      at->arguments = string_of(event.data, "arguments");
    } else if (event.type == "response.mcp_call.in_progress") {
      at->started = true;
    } else if (event.type == "baton.output_item.abandoned") {
      at->abandoned = true;
    }
  }
  return shown;
}

}  // namespace baton::agent
