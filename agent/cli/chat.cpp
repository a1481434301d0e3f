// baton chat: a conversation on the terminal. Every line is a message; end of file or `/quit` ends it. The first Ctrl-C cancels the answer
// that is being written, the second leaves the program.
#include <unistd.h>

#include <iostream>
#include <string>

#include <baton/agent/commands/cli.h>
#include <baton/agent/terminal/print.h>
#include "converse.h"
#include "session.h"

namespace baton::agent::cli {
namespace {

bool read_line(bool prompt, std::string& line) {
  if (prompt) {
    print("> ");
    std::fflush(stdout);
  }
  return static_cast<bool>(std::getline(std::cin, line)) && line != "/quit" && line != "/exit";
}

int chat(const Globals& globals, const RunOptions& options) {
  auto session = Session::open(globals, options);
  if (!session) return fail(session.error().message);
  const bool terminal = isatty(STDIN_FILENO);
  std::string conversation = options.conversation;
  if (terminal) print("{}. Ctrl-C cancels an answer, /quit or Ctrl-D ends.\n", (*session)->generator().model_name());
  int code = 0;
  for (std::string line; read_line(terminal, line);) {
    if (line.empty()) continue;
    const auto outcome = converse(**session, globals, options, line, conversation);
    if (!outcome) return fail(outcome.error().message);
    conversation = outcome->conversation_id;
    if (outcome->status == "failed") code = fail(outcome->reason);
  }
  return code;
}

}  // namespace

void add_chat(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("chat", "Chat with the model, which may call tools");
  auto options = std::make_shared<RunOptions>();
  add_run_options(*command, *options);
  command->callback([&globals, &chosen, options] { chosen = [&globals, options] { return chat(globals, *options); }; });
}

}  // namespace baton::agent::cli
