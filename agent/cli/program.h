#pragma once
// The `baton` program: its commands and their options.
#include <baton/tools/registry.h>

namespace baton::agent::cli {

// The body of main(). `own`: tools of the calling program, for `serve`; null: none.
int program(int argc, char** argv, tools::ToolSet* own);

}  // namespace baton::agent::cli
