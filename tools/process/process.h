#pragma once
// Runs a program and reads its output.
#include <baton/tools/error.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

enum class Stream { out, err };

struct ProcessCommand {
  std::vector<std::string> argv{};                          // no shell; argv[0] with a slash is a path, without one it is looked up in PATH
  std::filesystem::path cwd{};                              // empty: ours
  std::optional<std::map<std::string, std::string>> env{};  // the whole environment; nullopt: ours
  std::map<std::string, std::string> extra_env{};           // added to the environment, or replacing its entries
  std::string stdin_data{};                                 // empty: /dev/null
  std::chrono::milliseconds timeout{0};                     // 0: none
  std::stop_token stop{};
  std::chrono::milliseconds kill_grace{2'000};  // between SIGTERM and SIGKILL when the program is stopped
  std::size_t max_output_bytes = 1 << 20;       // kept of each stream; the rest is read and counted
  // Receives each complete line (without its newline) as it arrives, and the text after the last newline at the end, on the thread that
  // called run(). A line longer than max_output_bytes arrives in pieces of that size. Streams are captured as well. May be empty. Must not
  // throw.
  std::function<void(Stream stream, std::string_view line)> on_line{};
};

struct ProcessResult {
  enum class End { exited, signalled, timed_out, cancelled };
  End end = End::exited;
  int exit_code = 0;                         // when exited
  int signal = 0;                            // set if a signal ended the program, also after a timeout or cancel
  std::string out, err;                      // the first max_output_bytes of each
  std::size_t out_bytes = 0, err_bytes = 0;  // bytes written in total; if more than were kept, the text was cut

  bool ok() const { return end == End::exited && exit_code == 0; }
};

// The seam: tests use a fake here.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  // Blocks until the program has ended, on the calling thread; any number of threads at a time. A program that cannot be started is an
  // error: not_found (no such program, no such cwd), invalid_argument (empty argv), io. A failing exit status, a timeout and a cancel are
  // results.
  virtual Result<ProcessResult> run(const ProcessCommand& command) = 0;
};

// Linux. The program gets a process group of its own. The whole group is killed when the program is stopped, when the program itself ends
// (so none of its children continues, unless it started a session of its own), and with our process. The program inherits no descriptors
// but 0, 1 and 2, no blocked signals and no handlers. Both streams are drained all the time.
std::unique_ptr<ProcessRunner> make_process_runner();

}  // namespace baton::tools
