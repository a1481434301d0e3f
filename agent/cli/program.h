#pragma once
// The `baton` program: its commands and their options.
#include <baton/tools/registry.h>

namespace baton::agent::cli {

// What main() does. `own`: tools of the program that calls this, for `serve`; null: none.
int program(int argc, char** argv, tools::ToolSet* own);

}  // namespace baton::agent::cli
