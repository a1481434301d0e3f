#include "converse.h"

#include <baton/agent/core/items.h>
#include <baton/agent/message_run.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include <baton/agent/commands/interrupt.h>
#include <baton/agent/terminal/print.h>
#include <baton/agent/terminal/run_printer.h>

namespace baton::agent::cli {
namespace {

// Returns nothing if the user left.
std::optional<Json> ask(const Json& request, const RunOptions& options) {
  if (options.yes) return approval_answer(request, true);
  const std::string call = string_of(request, "name") + " " + string_of(request, "arguments");
  if (options.json || !isatty(STDIN_FILENO)) {
    print_error(
        "baton: {}: refused, because there is no terminal to ask for approval; --yes approves every call, `--permission {}=allow` always "
        "allows this tool\n",
        call, string_of(request, "name"));
    return approval_answer(request, false, "nobody could be asked");
  }
  print("?? {}\n   Run it? [y]es, [n]o, [a]lways in this conversation: ", call);
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  Json response = approval_answer(request, line == "y" || line == "yes" || line == "a" || line == "always");
  if (line == "a" || line == "always") response["baton.remember"] = true;
  return response;
}

}  // namespace

Result<RunOutcome> converse(Session& session, const Globals& globals, const RunOptions& options, const std::string& message,
                            const std::string& conversation) {
  RunRequest request = session.request(options, conversation);
  request.input = {user_message_item("", message)};
  MessageRun run;
  run.respond = [&](RunRequest next) -> Result<RunOutcome> {
    Interrupt interrupt;
    RunPrinter printer(options.json, globals.colour);
    auto handle = session.agent().start(std::move(next), printer.observer());
    if (!handle) return handle.error();
    const std::stop_callback on_interrupt(interrupt.stop(), [&] { (*handle)->cancel(); });
    return (*handle)->wait();
  };
  run.approve = [&](const Json& call) { return ask(call, options); };
  auto outcome = run_message(session.agent().tools(), session.journal(), session.clock(), std::move(request), run);
  if (outcome && outcome->reason == kRefusedTwice)
    print_error("baton: the model repeated a call that had been refused, so the run ends here; --yes approves every call\n");
  return outcome;
}

}  // namespace baton::agent::cli
