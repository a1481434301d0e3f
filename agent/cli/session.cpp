#include "session.h"

#include <baton/agent/model_loader.h>
#include <baton/agent/runtime/permissions.h>

#include <baton/agent/commands/tool_set.h>

namespace baton::agent::cli {
void add_run_options(CLI::App& command, RunOptions& o) {
  command.add_option("-s,--instructions", o.instructions, "The system message")->capture_default_str();
  command
      .add_option("--after-tools", o.after_tools,
                  "Text put after tool results, for that answer only; {question} is the user's message; empty: none")
      ->capture_default_str();
  command.add_option("-c,--conversation", o.conversation, "Continue this conversation: an id, the beginning of one, or `last`");
  command.add_option("--tool", o.tools, "Offer only this tool (may be repeated)");
  command.add_flag("--no-tools", o.no_tools, "Offer no tool");
  command
      .add_option("--root", o.root, "The folder that list_directory, read_file and search_files may read; without it they are not offered")
      ->check(CLI::ExistingDirectory);
  command.add_option("--history", o.history, "How earlier answers go into the prompt (docs/history.md)")
      ->check(CLI::IsMember({"as_written", "canonical"}))
      ->capture_default_str();
  command.add_option("--temperature", o.temperature, "Randomness of sampling; 0: always the most probable token")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command.add_option("--top-p", o.top_p, "Sample from the smallest set of tokens with this probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--seed", o.seed, "The same seed gives the same answer (default: a random one for each run, which --json shows)");
  command.add_option("--max-output-tokens", o.max_output_tokens, "Limit of one answer")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("--max-turns", o.max_turns, "Answers with tool calls before the last answer")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--max-tool-calls", o.max_tool_calls, "Tool calls of the whole run")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command.add_option("--max-seconds", o.max_seconds, "Wall-clock time after which the model is asked for its last answer")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--permission", o.permissions,
                     "NAME=allow, ask or deny: may this tool run? Tools that write or send ask (may be repeated)");
  command.add_flag("-y,--yes", o.yes, "Approve every call that needs approval");
  command.add_flag("--json", o.json, "Print the events as JSON lines");
}

Result<std::unique_ptr<Session>> Session::open(const Globals& globals, const RunOptions& options) {
  std::unique_ptr<Session> session(new Session);
  auto journal = memory::Journal::open(globals.journal);
  if (!journal) return Error{errc::io, journal.error().message};
  session->journal_ = std::move(*journal);

  auto tools = make_tool_set(globals, options.root);
  if (!tools) return tools.error();
  session->tools_ = std::move(*tools);

  auto permissions = parse_permissions(options.permissions, *session->tools_);
  if (!permissions) return permissions.error();

  auto generator = load_generator(globals);
  if (!generator) return generator.error();
  session->generator_ = std::move(*generator);
  session->clock_.emplace(*session->journal_);
  session->agent_ = std::make_unique<Agent>(*session->generator_, *session->tools_, *session->journal_, *session->clock_,
                                            AgentOptions{.permissions = std::move(*permissions)});
  return session;
}

RunRequest Session::request(const RunOptions& o, const std::string& conversation_id) const {
  RunRequest request;
  request.conversation_id = conversation_id;
  request.instructions = o.instructions;
  request.after_tools = o.after_tools;
  request.tools = o.tools;
  request.all_tools = o.tools.empty() && !o.no_tools;
  request.turn.history = o.history == "canonical" ? llm::HistoryForm::canonical : llm::HistoryForm::as_written;
  request.turn.sampling.temperature = static_cast<float>(o.temperature);
  request.turn.sampling.top_p = static_cast<float>(o.top_p);
  request.turn.sampling.seed = o.seed;
  request.turn.max_output_tokens = o.max_output_tokens;
  request.budgets.max_turns = o.max_turns;
  request.budgets.max_tool_calls = o.max_tool_calls;
  request.budgets.max_milliseconds = std::int64_t{1000} * o.max_seconds;
  return request;
}

}  // namespace baton::agent::cli
