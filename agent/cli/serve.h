#pragma once
// The daemon of `baton serve`, with a program's own tools. examples/custom_tool.cpp is a whole program.
//
//   int main(int argc, char** argv) {
//     baton::tools::ToolSet tools;
//     tools.add<Weather>(...).value();
//     return baton::agent::cli::serve(tools, argc, argv);
//   }
#include <baton/tools/registry.h>

namespace baton::agent::cli {

// A whole program: the options of `baton serve` from the command line, its config file and environment, until SIGINT or SIGTERM. Returns
// the exit code. `tools` are the program's own; those of the options (calculate, current_time, ..) are added to them.
int serve(tools::ToolSet& tools, int argc, char** argv);

}  // namespace baton::agent::cli
