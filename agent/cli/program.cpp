// The `baton` program. The environment is read here and nowhere else.
#include <malloc.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <baton/agent/models/pull.h>

#include <cstdlib>
#include <exception>

#include "cli.h"
#include "program.h"
#include "tool_set.h"

namespace {

using namespace baton::agent;

std::filesystem::path folder(const char* variable, const char* under_home) {
  const char* value = std::getenv(variable);
  if (value && *value) return value;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home && *home ? home : ".") / under_home;
}

cli::Globals from_environment() {
  cli::Globals globals;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  globals.models_dir = default_models_dir(cache ? cache : "", home && *home ? home : ".");
  globals.journal = folder("XDG_DATA_HOME", ".local/share") / "baton" / "journal.db";
  globals.config_file = folder("XDG_CONFIG_HOME", ".config") / "baton" / "config.toml";
  globals.environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  globals.colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
  return globals;
}

void add_globals(CLI::App& app, cli::Globals& globals, std::string& log_level) {
  app.set_config("--config", globals.config_file.string(), "Read options from a TOML file (docs/operating.md)");
  app.add_option("-m,--model", globals.model, "A model of the catalogue, or the path of a GGUF file");
  app.add_option("--models-dir", globals.models_dir, "Where pulled models lie")->capture_default_str();
  app.add_option("--journal", globals.journal, "The SQLite file that keeps every run")->capture_default_str();
  app.add_option("--cpu", globals.cpu, "Instruction set of the CPU kernels: scalar, avx2, avx512; default: the best there is");
  app.add_option("-t,--threads", globals.threads, "Threads that compute; default: one for each physical core")->check(CLI::Range(1, 1024));
  app.add_option("--ctx", globals.n_ctx, "Context in tokens; default: what the model was trained for")->check(CLI::Range(16, 1 << 27));
  app.add_option("--rope-scaling", globals.rope_scaling, "Stretch the context")
      ->check(CLI::IsMember({"none", "linear", "yarn", "dynamic"}));
  app.add_option("--rope-factor", globals.rope_factor, "How many times the trained context")->check(CLI::Range(1.0, 1024.0));
  app.add_flag("!--no-constrain", globals.constrain, "Let the model write calls that fit no tool's schema (they are refused afterwards)");
  app.add_option("--min-call-confidence", globals.min_call_confidence,
                 "A call that the model is less sure of is taken back, and it answers in words (docs/tool-calling.md); default: what was "
                 "measured for this model, or 0.5")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--max-draft", globals.max_draft, "As many tokens that a schema forces are computed at once; 0: one after the other")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app.add_option("--max-parallel", globals.max_parallel, "As many answers are computed at once; clients share the places")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  cli::add_tool_options(app, globals);
  app.add_option("--log-level", log_level, "trace, debug, info, warn, error or off")->capture_default_str();
}

// A request of megabytes is copied a few times on its way. glibc raises the size from which a block is a mapping of its own when such a
// block is freed, up to 32 MB, so that the next ones stay in the arenas of the threads that handled them. Setting the size, here to what it
// is at first, keeps it there, and each large block goes back to the system when it is freed.
void give_large_blocks_back() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

}  // namespace

namespace baton::agent::cli {

int program(int argc, char** argv, tools::ToolSet* own) try {
  give_large_blocks_back();
  CLI::App app("Baton: an agent runtime that carries its own language model", "baton");
  app.set_version_flag("--version", "baton " BATON_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  cli::Globals globals = from_environment();
  std::string log_level = "warn";
  add_globals(app, globals, log_level);
  cli::Chosen chosen;
  for (auto add : {cli::add_run, cli::add_chat, cli::add_tools, cli::add_inspect, cli::add_pull, cli::add_doctor, cli::add_history,
                   cli::add_data, cli::add_bench, cli::add_rate}) {
    add(app, globals, chosen);
  }
  cli::add_serve(app, globals, chosen, own);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : cli::kUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("baton"));
  spdlog::set_level(spdlog::level::from_str(log_level));
  return chosen();
} catch (const std::exception& e) {
  return fail(e.what());
}

}  // namespace baton::agent::cli
