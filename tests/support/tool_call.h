#pragma once
// Runs one call of a tool and waits for it.
#include <baton/tools/registry.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

namespace baton::tests {

inline tools::ToolResult call_tool(tools::ToolSet& set, const std::string& name, tools::Json arguments,
                                   const std::string& idempotency_key = "key-1") {
  const auto ended = std::make_shared<std::promise<tools::ToolResult>>();
  tools::ToolCall call;
  call.name = name;
  call.arguments = std::move(arguments);
  call.call_id = "call-1";
  call.idempotency_key = idempotency_key;
  set.start(std::move(call), [ended](tools::ToolResult result) { ended->set_value(std::move(result)); });
  return ended->get_future().get();
}

}  // namespace baton::tests
