#include "session.h"

#include "load.h"
#include "tool_set.h"

namespace baton::agent::cli {
namespace {

// Tells files apart for raw tokens: a hash of 500 MB would cost more than loading the model does. Size, name and the metadata's position
// change with any conversion or quantisation; the catalogue checks the sha256 of what it pulls.
std::string model_identity(const llm::GgufFile& file) {
  return std::filesystem::path(file.path()).filename().string() + ":" + std::to_string(file.file_size()) + ":" +
         std::to_string(file.data_offset()) + ":" + std::to_string(file.tensors().size());
}

Result<std::unique_ptr<EmbeddedGenerator>> load_generator(const Globals& globals) {
  auto file = open_model_file(globals);
  if (!file) return file.error();
  const std::string name = std::filesystem::path((*file)->path()).stem().string();
  auto model = load_model(globals, *file);
  if (!model) return model.error();
  auto engine = std::make_unique<llm::Engine>(std::move(*model), llm::EngineOptions{});
  llm::ChatOptions options;
  options.model_sha256 = model_identity(**file);
  auto chat = llm::Chat::create(std::move(engine), std::move(options));
  if (!chat) return Error{errc::model, chat.error().message};
  return std::make_unique<EmbeddedGenerator>(std::move(*chat), name);
}

}  // namespace

void add_run_options(CLI::App& command, RunOptions& o) {
  command.add_option("-s,--instructions", o.instructions, "The system message")->capture_default_str();
  command
      .add_option("--after-tools", o.after_tools,
                  "Put after tool results, for that answer only; {question} is the user's message; empty: nothing")
      ->capture_default_str();
  command.add_option("-c,--conversation", o.conversation, "Continue this conversation: an id, the beginning of one, or `last`");
  command.add_option("--tool", o.tools, "Offer only this tool (may be repeated)");
  command.add_flag("--no-tools", o.no_tools, "Offer no tool");
  command
      .add_option("--root", o.root, "The folder that list_directory, read_file and search_files may see; without it they are not offered")
      ->check(CLI::ExistingDirectory);
  command.add_option("--history", o.history, "How earlier answers go into the prompt (docs/history.md)")
      ->check(CLI::IsMember({"as_written", "canonical"}))
      ->capture_default_str();
  command.add_option("--temperature", o.temperature, "0: the most probable token")->check(CLI::Range(0.0, 10.0))->capture_default_str();
  command.add_option("--top-p", o.top_p, "Sample from the smallest set with this share")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--seed", o.seed, "The same seed gives the same answer")->capture_default_str();
  command.add_option("--max-output-tokens", o.max_output_tokens, "Of one answer")->check(CLI::Range(1, 1 << 24))->capture_default_str();
  command.add_option("--max-turns", o.max_turns, "Answers with tools before the last one")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--max-tool-calls", o.max_tool_calls, "Calls in all")->check(CLI::Range(0, 10000))->capture_default_str();
  command.add_option("--max-seconds", o.max_seconds, "Wall-clock time after which a last answer is asked for")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
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

  auto generator = load_generator(globals);
  if (!generator) return generator.error();
  session->generator_ = std::move(*generator);
  session->agent_ = std::make_unique<Agent>(*session->generator_, *session->tools_, *session->journal_, session->clock_);
  return session;
}

RunRequest Session::request(const RunOptions& o, std::string user_text, const std::string& conversation_id) const {
  RunRequest request;
  request.user_text = std::move(user_text);
  request.conversation_id = conversation_id;
  request.instructions = o.instructions;
  request.after_tools = o.after_tools;
  request.tools = o.tools;
  request.all_tools = o.tools.empty() && !o.no_tools;
  request.history_form = o.history == "canonical" ? llm::HistoryForm::canonical : llm::HistoryForm::as_written;
  request.sampling.temperature = static_cast<float>(o.temperature);
  request.sampling.top_p = static_cast<float>(o.top_p);
  request.sampling.seed = o.seed;
  request.max_output_tokens = o.max_output_tokens;
  request.budgets.max_turns = o.max_turns;
  request.budgets.max_tool_calls = o.max_tool_calls;
  request.budgets.max_milliseconds = std::int64_t{1000} * o.max_seconds;
  return request;
}

}  // namespace baton::agent::cli
