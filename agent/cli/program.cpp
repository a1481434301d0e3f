// The `baton` program. Apart from the folder of models (agent/models/pull.h), no other file reads the environment.
#include <baton/agent/models/pull.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>
#include <sstream>

#include <baton/agent/commands/cli.h>
#include <baton/agent/commands/interrupt.h>
#include <baton/agent/commands/tool_set.h>
#include <baton/agent/terminal/log.h>
#include <baton/agent/terminal/print.h>
#include "config_file.h"
#include "program.h"

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
  globals.models_dir = default_models_dir();
  globals.journal = folder("XDG_DATA_HOME", ".local/share") / "baton" / "journal.db";
  globals.config_file = folder("XDG_CONFIG_HOME", ".config") / "baton" / "config.toml";
  globals.environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  globals.colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
  return globals;
}

// Options of the log beside --log-level; empty: `serve` logs from info, the other commands from warn.
struct LogOptions {
  std::string level;
  bool json = false;
};

void add_globals(CLI::App& app, cli::Globals& globals, LogOptions& log) {
  app.add_option("--config", globals.config_file, "Read options from this TOML file (docs/operating.md); \"\" reads none")
      ->configurable(false)
      ->capture_default_str();
  app.add_option("-m,--model", globals.model, "A model of the catalogue, or the path of a GGUF file");
  app.add_option("--models-dir", globals.models_dir, "Folder of the pulled models")->capture_default_str();
  app.add_option("--journal", globals.journal, "The SQLite file that keeps every run")->capture_default_str();
  app.add_option("--cpu", globals.cpu,
                 "Instruction set of the CPU kernels: scalar, avx2, avx512; default: the best that this processor has");
  app.add_option("-t,--threads", globals.threads, "Compute threads; default: one for each physical core")->check(CLI::Range(1, 1024));
  app.add_option("--ctx", globals.n_ctx, "Context length in tokens; default: the length that the model was trained with")
      ->check(CLI::Range(16, 1 << 27));
  app.add_option("--rope-scaling", globals.rope_scaling, "Method that stretches the context beyond the trained length")
      ->check(CLI::IsMember({"none", "linear", "yarn", "dynamic"}));
  app.add_option("--rope-factor", globals.rope_factor, "Stretched context divided by the trained context")->check(CLI::Range(1.0, 1024.0));
  app.add_flag("!--no-constrain", globals.constrain,
               "Let the model write calls that do not fit their tool's schema (they are refused afterwards)");
  app.add_option("--min-call-confidence", globals.min_call_confidence,
                 "Below this confidence a call is withdrawn, and the model answers in words (docs/tool-calling.md); default: the value "
                 "measured for this model, or 0.5")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--max-draft", globals.max_draft, "At most this many tokens that a schema forces are computed at once; 0: one at a time")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app.add_option("--max-parallel", globals.max_parallel, "At most this many answers are computed at once; clients share these slots")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  cli::add_tool_options(app, globals);
  app.add_option("--log-level", log.level, "Level of the log on stderr; default: info for serve, warn for the other commands")
      ->check(CLI::IsMember(cli::log_levels()));
  app.add_flag("--log-json", log.json, "Write the log as one JSON object per line");
}

// The commands with their options, and the values from the command line.
struct CommandLine {
  CommandLine(const cli::Globals& environment, baton::tools::ToolSet* own) : globals(environment) {
    app.set_version_flag("--version", "baton " BATON_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    add_globals(app, globals, log);
    cli::add_run(app, globals, chosen);
    cli::add_chat(app, globals, chosen);
    cli::add_tools(app, globals, chosen);
    cli::add_inspect(app, globals, chosen);
    cli::add_pull(app, globals, chosen);
    cli::add_doctor(app, globals, chosen, where);
    cli::add_history(app, globals, chosen);
    cli::add_data(app, globals, chosen);
    cli::add_bench(app, globals, chosen);
    cli::add_rate(app, globals, chosen);
    where = cli::add_serve(app, globals, chosen, own);
  }
  CommandLine(const CommandLine&) = delete;

  // Returns the exit code if nothing is left to do: help was requested, or the command line is wrong.
  std::optional<int> parse(int argc, char** argv) {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      std::ostringstream out, error;
      const int code = app.exit(e, out, error);
      cli::print("{}", cli::Lines{out.str()});
      cli::print_error("{}", cli::Lines{error.str()});
      return code == 0 ? 0 : cli::kUsage;
    }
    return std::nullopt;
  }
  bool runs(const char* command) const { return app.got_subcommand(command); }

  CLI::App app{"Baton: an agent runtime with its own language model", "baton"};
  cli::Globals globals;
  LogOptions log;
  cli::Chosen chosen;
  cli::WhereServed where;
};

// A request of megabytes is copied a few times while it is served. glibc raises its mmap threshold when such a block is freed, up to 32 MB,
// so that the next blocks stay in the arenas of their threads. Setting the threshold, here to its initial value, keeps it constant, and
// each large block is returned to the system when it is freed.
void give_large_blocks_back() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

}  // namespace

namespace baton::agent::cli {

int program(int argc, char** argv, tools::ToolSet* own) try {
  give_large_blocks_back();
  survive(SIGXFSZ);
  const Globals environment = from_environment();
  CommandLine first(environment, own);  // reports errors, prints help, and finds the config file's name
  if (const auto code = first.parse(argc, argv)) return *code;
  CommandLine line(environment, own);
  const bool named = first.app.get_option("--config")->count() > 0;
  const std::vector<std::string> faults = apply_config_file(line.app, first.globals.config_file, named);
  if (!faults.empty() && !first.runs("doctor")) {
    for (const std::string& fault : faults) fail(fault);
    return kUsage;
  }
  if (const auto code = line.parse(argc, argv)) return *code;
  if (line.globals.models_dir.empty()) line.globals.models_dir = environment.models_dir;
  line.globals.config_faults = faults;
  const std::string level = !line.log.level.empty() ? line.log.level : line.runs("serve") ? "info" : "warn";
  set_up_log(level, line.log.json);
  return line.chosen();
} catch (const std::exception& e) {
  return fail(e.what());
}

}  // namespace baton::agent::cli
