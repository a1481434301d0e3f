#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "line_splitter.h"
#include "spawn.h"

namespace baton::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDrainGrace{500};  // for the last output of a killed group; a process that left it may hold a pipe
constexpr std::chrono::milliseconds kPollWithoutPidfd{20};

// Reads one stream: keeps the beginning, counts all bytes, passes lines on.
class Drain {
 public:
  Drain(FileDescriptor fd, Stream stream, const ProcessCommand& command)
      : fd_(std::move(fd)), stream_(stream), command_(command), lines_(command.max_output_bytes) {}

  int fd() const { return fd_.get(); }
  bool open() const { return fd_.get() >= 0; }

  // Reads the available bytes, up to a bound, so that a program that writes without pause leaves time to check the clock. Closes the stream
  // at its end.
  void read_some() {
    std::array<char, 64 * 1024> block;
    for (int i = 0; i < 16 && open(); ++i) {
      const ssize_t n = ::read(fd_.get(), block.data(), block.size());
      if (n > 0) {
        take({block.data(), static_cast<std::size_t>(n)});
      } else if (n < 0 && errno == EINTR) {
        continue;
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return;
      } else {
        finish();
      }
    }
  }

  void finish() {
    if (!open()) return;
    fd_.reset();
    if (command_.on_line) lines_.finish([&](std::string_view line) { command_.on_line(stream_, line); });
  }

  std::string kept;
  std::size_t bytes = 0;

 private:
  void take(std::string_view text) {
    bytes += text.size();
    kept.append(text.substr(0, command_.max_output_bytes - std::min(command_.max_output_bytes, kept.size())));
    if (command_.on_line) lines_.take(text, [&](std::string_view line) { command_.on_line(stream_, line); });
  }

  FileDescriptor fd_;
  const Stream stream_;
  const ProcessCommand& command_;
  LineSplitter lines_;
};

// One run: the program, its streams, and the reasons to end it.
class Run {
 public:
  Run(const ProcessCommand& command, SpawnedProcess process)
      : command_(command),
        process_(std::move(process)),
        out_(std::move(process_.out), Stream::out, command),
        err_(std::move(process_.err), Stream::err, command),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        on_stop_(command.stop, [this] {
          const std::uint64_t one = 1;
          [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
        }) {
    if (command.timeout.count() > 0)
      end_at_ = Clock::now() + std::min(command.timeout, std::chrono::milliseconds(std::chrono::hours(24 * 365)));
  }

  Result<ProcessResult> wait() {
    while (!ended()) {
      step();
    }
    // The program is still a zombie, so its group id cannot have been reused.
    ::kill(-process_.pid, SIGKILL);
    drain_rest();
    Result<ProcessResult> reaped = reap();
    if (!reaped) return reaped;
    ProcessResult& result = *reaped;
    result.out = std::move(out_.kept);
    result.err = std::move(err_.kept);
    result.out_bytes = out_.bytes;
    result.err_bytes = err_.bytes;
    return reaped;
  }

 private:
  // Does not reap the program.
  bool ended() const {
    siginfo_t info{};
    int rc;
    do {
      rc = ::waitid(P_PID, static_cast<id_t>(process_.pid), &info, WEXITED | WNOWAIT | WNOHANG);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 || info.si_pid == process_.pid;
  }

  void step() {
    std::array<pollfd, 4> fds{{{out_.fd(), POLLIN, 0},
                               {err_.fd(), POLLIN, 0},
                               {process_.pidfd.get(), POLLIN, 0},
                               {end_ == ProcessResult::End::exited ? wake_.get() : -1, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), timeout_ms());
    if (fds[0].revents != 0) out_.read_some();
    if (fds[1].revents != 0) err_.read_some();
    if (end_ == ProcessResult::End::exited) {
      if (command_.stop.stop_requested()) {
        stop(ProcessResult::End::cancelled);
      } else if (end_at_ && Clock::now() >= *end_at_) {
        stop(ProcessResult::End::timed_out);
      }
    } else if (Clock::now() >= kill_at_) {
      ::kill(-process_.pid, SIGKILL);
      kill_at_ = Clock::time_point::max();
    }
  }

  void stop(ProcessResult::End why) {
    end_ = why;
    ::kill(-process_.pid, SIGTERM);
    kill_at_ = Clock::now() + command_.kill_grace;
  }

  int timeout_ms() const {
    std::optional<Clock::time_point> next = end_ == ProcessResult::End::exited ? end_at_ : std::optional(kill_at_);
    if (process_.pidfd.get() < 0) next = std::min(next.value_or(Clock::time_point::max()), Clock::now() + kPollWithoutPidfd);
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
  }

  // The pipes end when the last process of the group has ended; a process that left the group does not delay us for long.
  void drain_rest() {
    const Clock::time_point until = Clock::now() + kDrainGrace;
    while (out_.open() || err_.open()) {
      std::array<pollfd, 2> fds{{{out_.fd(), POLLIN, 0}, {err_.fd(), POLLIN, 0}}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) break;
      ::poll(fds.data(), fds.size(), static_cast<int>(left));
      if (fds[0].revents != 0) out_.read_some();
      if (fds[1].revents != 0) err_.read_some();
    }
    out_.finish();
    err_.finish();
  }

  Result<ProcessResult> reap() {
    int status = 0;
    pid_t pid;
    do {
      pid = ::waitpid(process_.pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    if (pid < 0) {
      return Error{errc::io, "how '" + command_.argv[0] +
                                 "' ended cannot be known: another part of this process waited for it, or SIGCHLD is ignored"};
    }
    ProcessResult result;
    result.end = end_;
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (end_ == ProcessResult::End::exited && WIFSIGNALED(status)) result.end = ProcessResult::End::signalled;
    return result;
  }

  const ProcessCommand& command_;
  SpawnedProcess process_;
  Drain out_, err_;
  FileDescriptor wake_;
  std::stop_callback<std::function<void()>> on_stop_;
  ProcessResult::End end_ = ProcessResult::End::exited;  // until there is a reason to end it
  std::optional<Clock::time_point> end_at_;
  Clock::time_point kill_at_{};
};

class SystemProcessRunner : public ProcessRunner {
 public:
  Result<ProcessResult> run(const ProcessCommand& command) override {
    if (command.stop.stop_requested()) return ProcessResult{.end = ProcessResult::End::cancelled};
    Result<SpawnedProcess> process = spawn(command);
    if (!process) return process.error();
    return Run(command, std::move(*process)).wait();
  }
};

}  // namespace

std::unique_ptr<ProcessRunner> make_process_runner() { return std::make_unique<SystemProcessRunner>(); }

}  // namespace baton::tools
