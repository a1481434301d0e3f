#include "spawn.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace baton::tools {
namespace {

Error system_error(errc code, const std::string& what, int number) { return Error{code, what + ": " + std::strerror(number)}; }

// The environment in the form that execve takes.
std::vector<std::string> environment_of(const ProcessCommand& command) {
  std::map<std::string, std::string> variables;
  if (command.env) {
    variables = *command.env;
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::size_t equals = text.find('=');
      if (equals != std::string_view::npos) variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : command.extra_env) variables[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

bool is_program(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// PATH is searched before the fork, because the child may not allocate after it.
Result<std::string> find_program(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : environment) {
    if (entry.rfind("PATH=", 0) == 0) path = entry.substr(5);
  }
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t colon = std::min(path.find(':', at), path.size());
    const std::string dir = path.substr(at, colon - at);
    // An empty entry would mean the current folder; programs there must not run by accident.
    if (!dir.empty() && is_program(dir + "/" + name)) return dir + "/" + name;
    at = colon + 1;
  }
  return Error{errc::not_found, "there is no program '" + name + "' in PATH (" + path + ")"};
}

// A daemon may have closed its descriptors 0, 1 and 2; the child's own descriptors must not take these numbers before dup2.
Result<FileDescriptor> above_stdio(FileDescriptor fd) {
  if (fd.get() > 2) return fd;
  FileDescriptor moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (moved.get() < 0) return system_error(errc::io, "no file descriptor left", errno);
  return moved;
}

// A file in memory instead of a pipe, so that no thread has to write while the program runs.
Result<FileDescriptor> stdin_of(const std::string& data) {
  if (data.empty()) {
    FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (null.get() < 0) return system_error(errc::io, "cannot open /dev/null", errno);
    return above_stdio(std::move(null));
  }
  FileDescriptor file(::memfd_create("stdin", MFD_CLOEXEC));
  if (file.get() < 0) return system_error(errc::io, "cannot create a file for stdin", errno);
  for (std::size_t at = 0; at < data.size();) {
    const ssize_t n = ::write(file.get(), data.data() + at, data.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error(errc::io, "cannot write " + std::to_string(data.size()) + " bytes for stdin", errno);
    at += static_cast<std::size_t>(n);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return above_stdio(std::move(file));
}

struct Pipe {
  FileDescriptor read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error(errc::io, "cannot create a pipe", errno);
  FileDescriptor ends[2] = {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
  Result<FileDescriptor> read = above_stdio(std::move(ends[0])), write = above_stdio(std::move(ends[1]));
  if (!read) return read.error();
  if (!write) return write.error();
  return Pipe{std::move(*read), std::move(*write)};
}

// All that the child needs, prepared before the fork.
struct ChildPlan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* cwd;  // null: ours
  int in, out, err;
  int report;  // where it reports why it could not start
  pid_t parent;
};

struct StartFailure {
  enum Step : int { cwd, exec, other } step;
  int number;
};

[[noreturn]] void fail_in_child(const ChildPlan& plan, StartFailure::Step step) {
  const StartFailure failure{step, errno};
  [[maybe_unused]] const ssize_t n = ::write(plan.report, &failure, sizeof failure);
  ::_exit(127);
}

// Runs between fork and exec in a process with threads, so only async-signal-safe calls are allowed.
[[noreturn]] void run_child(const ChildPlan& plan) {
  struct sigaction defaults {};
  defaults.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &defaults, nullptr);
  ::setpgid(0, 0);
  // If the runtime is killed, its programs end too. The signal comes when the starting thread ends, and that thread waits in run() until
  // then.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);
  if (plan.cwd != nullptr && ::chdir(plan.cwd) != 0) fail_in_child(plan, StartFailure::cwd);
  const int fds[3] = {plan.in, plan.out, plan.err};
  for (int i = 0; i < 3; ++i) {
    if (::dup2(fds[i], i) < 0) fail_in_child(plan, StartFailure::other);
  }
  // Also closes descriptors that other code opened without O_CLOEXEC. An old kernel refuses; our own are then still closed by their flag.
  ::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.argv, plan.environment);
  fail_in_child(plan, StartFailure::exec);
}

pid_t fork_with_signals_blocked(const ChildPlan& plan) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // handlers of ours may not run in the child
  const pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  const int number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return pid;
}

Error start_error(const ProcessCommand& command, const StartFailure& failure) {
  const errc code = failure.number == ENOENT || failure.number == ENOTDIR ? errc::not_found : errc::io;
  switch (failure.step) {
    case StartFailure::cwd:
      return system_error(code, "cannot run '" + command.argv[0] + "' in the folder " + command.cwd.string(), failure.number);
    case StartFailure::exec:
      return system_error(code, "cannot run '" + command.argv[0] + "'", failure.number);
    case StartFailure::other:
      break;
  }
  return system_error(errc::io, "cannot set up the streams of '" + command.argv[0] + "'", failure.number);
}

}  // namespace

Result<SpawnedProcess> spawn(const ProcessCommand& command) {
  if (command.argv.empty() || command.argv[0].empty()) return Error{errc::invalid_argument, "there is no program to run: argv is empty"};
  for (const std::string& argument : command.argv) {
    if (argument.find('\0') != std::string::npos)
      return Error{errc::invalid_argument, "an argument of '" + command.argv[0] + "' holds a zero byte"};
  }
  const std::vector<std::string> environment = environment_of(command);
  const Result<std::string> program = find_program(command.argv[0], environment);
  if (!program) return program.error();
  Result<FileDescriptor> in = stdin_of(command.stdin_data);
  if (!in) return in.error();
  Result<Pipe> out = make_pipe(), err = make_pipe(), report = make_pipe();
  for (const Result<Pipe>* pipe : {&out, &err, &report}) {
    if (!*pipe) return pipe->error();
  }
  const std::vector<char*> argv = pointers(command.argv), envp = pointers(environment);
  const std::string cwd = command.cwd.string();
  SpawnedProcess process;
  process.pid = fork_with_signals_blocked({program->c_str(), argv.data(), envp.data(), cwd.empty() ? nullptr : cwd.c_str(), in->get(),
                                           out->write.get(), err->write.get(), report->write.get(), ::getpid()});
  if (process.pid < 0) return system_error(errc::io, "cannot start a process for '" + command.argv[0] + "'", errno);
  report->write.reset();
  StartFailure failure{};
  ssize_t n;
  do {
    n = ::read(report->read.get(), &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n != 0) {  // the pipe closes without data if exec succeeds
    while (::waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return start_error(command, failure);
  }
  process.pidfd = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  process.out = std::move(out->read);
  process.err = std::move(err->read);
  for (const int fd : {process.out.get(), process.err.get()}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return process;
}

}  // namespace baton::tools
