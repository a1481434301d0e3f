// A program that uses parts of Baton without an agent.
#include <baton/llm/engine/engine.h>
#include <baton/memory/journal.h>
#include <baton/tools/registry.h>
#include <baton/tools/tool.h>

#include <iostream>

int main() {
  const auto journal = baton::memory::Journal::open(":memory:");
  baton::tools::ToolSet tools;
  if (!journal) std::cerr << journal.error().message << "\n";
  return journal && tools.empty() ? 0 : 1;
}
