#pragma once
// What the commands of the `baton` program share: the options that stand before or after any command, and how a command is added. One
// command a file; main.cpp lists them.
#include <baton/agent/error.h>
#include <baton/agent/model_settings.h>
#include <baton/tools/registry.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace baton::agent::cli {

// Exit codes, besides the 0 of success.
constexpr int kFailed = 1;         // said on stderr, what and what to do
constexpr int kUsage = 2;          // the command line itself was wrong
constexpr int kInterrupted = 130;  // Ctrl-C

// Options that all commands understand, with the values that main() took from the environment.
struct Globals : ModelSettings {
  std::filesystem::path journal;                 // the SQLite file
  std::filesystem::path config_file;             // the one that is read; empty: none
  std::vector<std::string> config_faults;        // what is wrong with it; only `doctor` runs when there are any
  bool colour = false;                           // stdout is a terminal and NO_COLOR is not set
  bool json = false;                             // machine-readable output
  std::vector<std::string> allow_hosts;          // what http_request may reach
  bool allow_send = false;                       // and whether it may send
  std::vector<std::filesystem::path> api_files;  // APIs as tools
  // A variable of the environment; null: not set. main() gives it, nobody else asks the system.
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

// Set by the command that was chosen; run by main() after parsing.
using Chosen = std::function<int()>;

void add_run(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_chat(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_tools(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_inspect(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_pull(CLI::App& app, const Globals& globals, Chosen& chosen);
// What `serve` would listen on and let in, as far as the options say so before it starts.
struct ServePlace {
  std::string address;
  unsigned short port = 0;
  bool tls = false;
  std::string token_file;
};
using WhereServed = std::function<ServePlace()>;
void add_doctor(CLI::App& app, const Globals& globals, Chosen& chosen, const WhereServed& where);
void add_rate(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_history(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_data(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_bench(CLI::App& app, const Globals& globals, Chosen& chosen);
// own: null, or tools of the program's own.
WhereServed add_serve(CLI::App& app, const Globals& globals, Chosen& chosen, tools::ToolSet* own);

// "baton: MESSAGE" on stderr; returns kFailed.
int fail(const std::string& message);

// A file with a secret: errc::invalid_argument when others than its owner can read it, with the command that mends that.
Result<std::string> read_secret_file(const std::filesystem::path& path);

// A whole file, or an error that names it.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace baton::agent::cli
