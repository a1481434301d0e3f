#include "interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "cli.h"

namespace baton::agent::cli {
namespace {

// A handler may use only these: the writing end of a pipe, and a count.
int g_pipe = -1;
volatile std::sig_atomic_t g_signals = 0;
std::atomic<int> g_signal = 0;  // the first

void on_signal(int signal) {
  g_signals = g_signals + 1;
  if (g_signals > 1) _exit(kInterrupted);
  g_signal = signal;
  const char byte = 1;
  [[maybe_unused]] const auto written = write(g_pipe, &byte, 1);
}

void do_nothing(int) {}

}  // namespace

void survive(int signal) {
  struct sigaction action {};
  action.sa_handler = do_nothing;  // not SIG_IGN, which exec would pass on
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

struct Interrupt::Watcher {
  int pipe[2] = {-1, -1};
  struct sigaction before_int {
  }, before_term{};
  std::thread thread;
};

Interrupt::Interrupt() : watcher_(new Watcher) {
  g_signals = 0;
  g_signal = 0;
  if (pipe(watcher_->pipe) != 0) return;  // without a pipe the signals keep their default: the program ends
  g_pipe = watcher_->pipe[1];
  watcher_->thread = std::thread([this, from = watcher_->pipe[0]] {
    char byte = 0;
    if (read(from, &byte, 1) == 1 && byte == 1) source_.request_stop();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, &watcher_->before_int);
  sigaction(SIGTERM, &action, &watcher_->before_term);
}

std::string Interrupt::signal_name() const { return g_signal == SIGINT ? "SIGINT" : g_signal == SIGTERM ? "SIGTERM" : ""; }

Interrupt::~Interrupt() {
  if (watcher_->thread.joinable()) {
    sigaction(SIGINT, &watcher_->before_int, nullptr);
    sigaction(SIGTERM, &watcher_->before_term, nullptr);
    const char byte = 0;
    [[maybe_unused]] const auto written = write(watcher_->pipe[1], &byte, 1);
    watcher_->thread.join();
    close(watcher_->pipe[0]);
    close(watcher_->pipe[1]);
  }
  delete watcher_;
}

}  // namespace baton::agent::cli
