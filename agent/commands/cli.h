#pragma once
// Shared by the commands of the `baton` program: the options that may be before or after any command, and the way to add a command. One
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

// Exit codes, apart from 0 for success.
constexpr int kFailed = 1;         // the problem and its remedy were printed on stderr
constexpr int kUsage = 2;          // the command line itself is wrong
constexpr int kInterrupted = 130;  // Ctrl-C

// Options that all commands understand, with the values that main() took from the environment.
struct Globals : ModelSettings {
  std::filesystem::path journal;                 // the SQLite file
  std::filesystem::path config_file;             // the one that was read; empty: none
  std::vector<std::string> config_faults;        // its errors; if there are any, only `doctor` runs
  bool colour = false;                           // stdout is a terminal and NO_COLOR is not set
  bool json = false;                             // machine-readable output
  std::vector<std::string> allow_hosts;          // hosts that http_request may reach
  bool allow_send = false;                       // http_request may also send
  std::vector<std::filesystem::path> api_files;  // files with APIs that become tools
  // A variable of the environment; null: not set. It is given by main(), since no other code reads the environment.
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

// Set by the chosen command; run by main() after parsing.
using Chosen = std::function<int()>;

void add_run(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_chat(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_tools(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_inspect(CLI::App& app, const Globals& globals, Chosen& chosen);
void add_pull(CLI::App& app, const Globals& globals, Chosen& chosen);
// The address on which `serve` would listen and the clients that it would admit, as far as the options say so before it starts.
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
// own: null, or tools of the program itself.
WhereServed add_serve(CLI::App& app, const Globals& globals, Chosen& chosen, tools::ToolSet* own);

// "baton: MESSAGE" on stderr; returns kFailed.
int fail(const std::string& message);

// A file with a secret: errc::invalid_argument if others than its owner can read it; the message gives the command that corrects that.
Result<std::string> read_secret_file(const std::filesystem::path& path);

// Reads a whole file; an error names it.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace baton::agent::cli
