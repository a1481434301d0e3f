#pragma once
// Opens everything that a run needs, in the right order: journal, model, tools, agent.
#include <baton/agent/generator/embedded_generator.h>
#include <baton/agent/runtime/agent.h>
#include <baton/memory/journal.h>
#include <baton/tools/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <baton/agent/commands/cli.h>

namespace baton::agent::cli {

// Options of one run, the same for `run` and `chat`.
struct RunOptions {
  std::string instructions = "You are a helpful assistant. Use the tools when they help, then answer the user in plain words.";
  std::string after_tools = "Using these results, answer my question in a plain sentence: {question}";
  std::string conversation;        // id, its beginning, or `last`; empty: a new one
  std::vector<std::string> tools;  // empty: all
  bool no_tools = false;
  std::string root;  // for the file tools
  std::string history = "as_written";
  double temperature = 0;
  double top_p = 1;
  std::optional<std::uint64_t> seed;  // nothing: each run draws a new one
  int max_output_tokens = llm::kDefaultOutputTokens;
  int max_turns = 8;
  int max_tool_calls = 32;
  int max_seconds = 600;
  bool json = false;
  bool yes = false;                      // approve without asking
  std::vector<std::string> permissions;  // NAME=allow|ask|deny
};
void add_run_options(CLI::App& command, RunOptions& options);

class Session {
 public:
  // Reports slow steps (loading) on stderr; errors are complete sentences.
  static Result<std::unique_ptr<Session>> open(const Globals& globals, const RunOptions& options);

  Agent& agent() { return *agent_; }
  memory::Journal& journal() { return *journal_; }
  const JournalClock& clock() const { return *clock_; }
  const EmbeddedGenerator& generator() const { return *generator_; }
  // The request without its input.
  RunRequest request(const RunOptions& options, const std::string& conversation_id) const;

 private:
  Session() = default;
  std::unique_ptr<memory::Journal> journal_;
  std::unique_ptr<tools::ToolSet> tools_;
  std::unique_ptr<EmbeddedGenerator> generator_;
  std::optional<JournalClock> clock_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace baton::agent::cli
