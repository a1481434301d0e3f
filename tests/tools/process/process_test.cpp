#include <baton/tools/process/process.h>
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace baton::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

ProcessCommand sh(std::string script) { return {.argv = {"sh", "-c", std::move(script)}}; }

ProcessResult run(const ProcessCommand& command) {
  const auto result = make_process_runner()->run(command);
  if (!result) ADD_FAILURE() << result.error().message;
  return result ? *result : ProcessResult{};
}

int n_open_descriptors() {
  int n = 0;
  DIR* dir = ::opendir("/proc/self/fd");
  while (::readdir(dir) != nullptr) ++n;
  ::closedir(dir);
  return n;
}

// Zombies count as gone: the process that has adopted the orphan may not have waited for it yet.
bool is_gone(pid_t pid) {
  if (::kill(pid, 0) != 0) return true;
  FILE* stat = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
  if (stat == nullptr) return true;
  char state = '?';
  const int n = std::fscanf(stat, "%*d (%*[^)]) %c", &state);
  std::fclose(stat);
  return n == 1 && (state == 'Z' || state == 'X');
}

void wait_until_gone(pid_t pid) {
  while (!is_gone(pid)) std::this_thread::sleep_for(5ms);
}

TEST(Process, captures_both_streams_and_the_exit_code) {
  const ProcessResult result = run(sh("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(result.end, ProcessResult::End::exited);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_TRUE(run({.argv = {"true"}}).ok());
}

TEST(Process, uses_no_shell) { EXPECT_EQ(run({.argv = {"printf", "%s|%s", "$HOME; a", "*"}}).out, "$HOME; a|*"); }

TEST(Process, gives_stdin_folder_and_environment) {
  EXPECT_EQ(run({.argv = {"cat"}, .stdin_data = "given\n"}).out, "given\n");
  EXPECT_EQ(run({.argv = {"cat"}}).out, "");  // /dev/null, not the terminal
  ProcessCommand pwd = sh("pwd");
  pwd.cwd = "/usr";
  EXPECT_EQ(run(pwd).out, "/usr\n");
  ProcessCommand env = {.argv = {"/usr/bin/env"}};
  env.env = std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}};
  env.extra_env = {{"B", "x=y"}};
  EXPECT_EQ(run(env).out, "A=1\nB=x=y\n");
  ProcessCommand added = sh("echo $BATON_TEST_ADDED; test -n \"$PATH\"");
  added.extra_env = {{"BATON_TEST_ADDED", "yes"}};
  EXPECT_EQ(run(added).out, "yes\n");
}

TEST(Process, takes_a_large_stdin_that_the_program_ignores) {
  EXPECT_TRUE(run({.argv = {"true"}, .stdin_data = std::string(5'000'000, 'x')}).ok());
  EXPECT_EQ(run({.argv = {"wc", "-c"}, .stdin_data = std::string(5'000'000, 'x')}).out, "5000000\n");
}

TEST(Process, says_why_a_program_cannot_be_started) {
  const auto runner = make_process_runner();
  const auto missing = runner->run({.argv = {"no-such-program-of-baton"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("no program 'no-such-program-of-baton' in PATH"));
  EXPECT_THAT(runner->run({.argv = {"/no/such"}}).error().message, HasSubstr("cannot run '/no/such': No such file"));
  EXPECT_EQ(runner->run({.argv = {"/etc/passwd"}}).error().code, errc::io);
  ProcessCommand elsewhere = sh("true");
  elsewhere.cwd = "/no/such/folder";
  EXPECT_EQ(runner->run(elsewhere).error().code, errc::not_found);
  EXPECT_THAT(runner->run(elsewhere).error().message, HasSubstr("/no/such/folder"));
  EXPECT_EQ(runner->run({}).error().code, errc::invalid_argument);
  EXPECT_EQ(runner->run({.argv = {"echo", std::string("a\0b", 3)}}).error().code, errc::invalid_argument);
}

TEST(Process, drains_both_streams_and_keeps_the_beginning) {
  // Each is far more than a pipe holds: a stream that is not read would stop the program for ever.
  ProcessCommand command = sh("head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 2000000 /dev/zero | tr '\\0' o");
  command.max_output_bytes = 1000;
  const ProcessResult result = run(command);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.out, std::string(1000, 'o'));
  EXPECT_EQ(result.err, std::string(1000, 'e'));
  EXPECT_EQ(result.out_bytes, 2'000'000u);
  EXPECT_EQ(result.err_bytes, 3'000'000u);
}

TEST(Process, gives_lines_as_they_come) {
  ProcessCommand command = sh("printf 'a\\n\\nb'; printf 'c\\nlast'; printf 'e1\\n' >&2");
  std::vector<std::string> out, err;
  command.on_line = [&](Stream s, std::string_view line) { (s == Stream::out ? out : err).emplace_back(line); };
  EXPECT_EQ(run(command).out, "a\n\nbc\nlast");
  EXPECT_THAT(out, ElementsAre("a", "", "bc", "last"));
  EXPECT_THAT(err, ElementsAre("e1"));
}

TEST(Process, gives_a_long_line_in_pieces) {
  ProcessCommand command = sh("printf '123456789\\n1234\\n'");
  command.max_output_bytes = 4;
  std::vector<std::string> lines;
  command.on_line = [&](Stream, std::string_view line) { lines.emplace_back(line); };
  run(command);
  EXPECT_THAT(lines, ElementsAre("1234", "5678", "9", "1234"));
}

TEST(Process, stops_at_its_timeout_with_all_its_children) {
  ProcessCommand command = sh("sleep 1000 & echo $!; wait");
  command.timeout = 100ms;
  const ProcessResult result = run(command);
  EXPECT_EQ(result.end, ProcessResult::End::timed_out);
  wait_until_gone(std::stoi(result.out));
}

TEST(Process, kills_what_ignores_the_request_to_stop) {
  ProcessCommand command = sh("trap '' TERM; echo ready; while true; do sleep 0.05; done");
  command.kill_grace = 100ms;
  std::stop_source stop;
  command.stop = stop.get_token();
  command.on_line = [&](Stream, std::string_view) { stop.request_stop(); };
  const ProcessResult result = run(command);
  EXPECT_EQ(result.end, ProcessResult::End::cancelled);
  EXPECT_EQ(result.signal, SIGKILL);
}

TEST(Process, stops_a_program_that_never_stops_talking) {
  ProcessCommand command = {.argv = {"yes"}};
  command.timeout = 50ms;
  command.max_output_bytes = 10;
  EXPECT_EQ(run(command).end, ProcessResult::End::timed_out);
}

TEST(Process, lets_a_program_clean_up_when_it_is_cancelled) {
  ProcessCommand command = sh("trap 'echo cleaned; exit 0' TERM; echo ready; while true; do sleep 0.01; done");
  std::stop_source stop;
  command.stop = stop.get_token();
  std::atomic<bool> ready{false};
  command.on_line = [&](Stream, std::string_view) { ready = true; };
  std::thread canceller([&] {
    while (!ready) std::this_thread::sleep_for(1ms);
    stop.request_stop();
  });
  const ProcessResult result = run(command);
  canceller.join();
  EXPECT_EQ(result.end, ProcessResult::End::cancelled);
  EXPECT_THAT(result.out, HasSubstr("cleaned"));
  EXPECT_EQ(run(command).end, ProcessResult::End::cancelled);  // requested before the start
}

TEST(Process, leaves_nothing_behind_that_the_program_started) {
  const ProcessResult result = run(sh("sleep 1000 & echo $!"));
  EXPECT_TRUE(result.ok());
  wait_until_gone(std::stoi(result.out));
}

TEST(Process, does_not_wait_for_one_that_left_the_group_and_holds_the_pipe) {
  const ProcessResult result = run(sh("setsid sleep 5 & echo $!"));
  EXPECT_TRUE(result.ok());
  ::kill(std::stoi(result.out), SIGKILL);
}

TEST(Process, says_which_signal_ended_it) {
  const ProcessResult result = run(sh("kill -SEGV $$"));
  EXPECT_EQ(result.end, ProcessResult::End::signalled);
  EXPECT_EQ(result.signal, SIGSEGV);
}

TEST(Process, inherits_no_descriptor_and_no_signal_mask) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as another library might
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const ProcessResult result = run({.argv = {"ls", "/proc/self/fd"}});
  const ProcessResult status = run({.argv = {"grep", "SigBlk", "/proc/self/status"}});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaky);
  EXPECT_EQ(result.out, "0\n1\n2\n3\n");  // 3 is ls's own
  EXPECT_EQ(status.out, "SigBlk:\t0000000000000000\n");
}

TEST(Process, leaks_no_descriptor_and_no_zombie) {
  run({.argv = {"true"}});
  const int before = n_open_descriptors();
  for (int i = 0; i < 20; ++i) run(sh("echo a; echo b >&2"));
  (void)make_process_runner()->run({.argv = {"/no/such"}});
  EXPECT_EQ(n_open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Process, runs_on_many_threads_at_once) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) right += run({.argv = {"cat"}, .stdin_data = std::to_string(t)}).out == std::to_string(t);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

}  // namespace
}  // namespace baton::tools
