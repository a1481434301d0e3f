// baton run: one question, one run. Exit code 0 if it completed, 1 if it failed or a budget ended it, 130 if it was cancelled.
#include <fmt/core.h>

#include <iostream>
#include <iterator>

#include <baton/agent/commands/cli.h>
#include "converse.h"
#include "session.h"

namespace baton::agent::cli {
namespace {

int run(const Globals& globals, const RunOptions& options, std::string question) {
  if (question == "-") question.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (question.empty()) return fail("the question is empty");
  auto session = Session::open(globals, options);
  if (!session) return fail(session.error().message);
  const auto ended = converse(**session, globals, options, question, options.conversation);
  if (!ended) return fail(ended.error().message);
  const RunOutcome& outcome = *ended;
  if (outcome.status == "failed") return fail(outcome.reason);
  return outcome.status == "completed" ? 0 : outcome.status == "cancelled" ? kInterrupted : kFailed;
}

}  // namespace

void add_run(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("run", "Ask one question; the model may call tools");
  auto options = std::make_shared<RunOptions>();
  auto question = std::make_shared<std::string>();
  command->add_option("QUESTION", *question, "The question; - reads it from standard input")->required();
  add_run_options(*command, *options);
  command->callback(
      [&globals, &chosen, options, question] { chosen = [&globals, options, question] { return run(globals, *options, *question); }; });
}

}  // namespace baton::agent::cli
