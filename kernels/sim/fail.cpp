#include "fail.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "block.h"
#include "guarded_memory.h"
#include "symbol.h"

namespace baton::kernels::sim {
namespace {

constexpr unsigned long long kPageFaultWasWrite = 2;  // bit 1 of the x86 page-fault error code

void on_fault(int signal, siginfo_t* info, void* context) {
  if (!running.thread) {  // not ours: the host code's own fault
    ::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  if (signal == SIGFPE) fail("integer division by zero");
  const auto error = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR];
  char where[200];
  describe_address(info->si_addr, where, sizeof where);
  fail("invalid %s at address %p: %s", (static_cast<unsigned long long>(error) & kPageFaultWasWrite) ? "write" : "read", info->si_addr,
       where);
}

}  // namespace

void fail(const char* format, ...) {
  char text[600];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fflush(stdout);
  std::fprintf(stderr, "simulator: %s\n", text);
  if (running.kernel) {
    char name[300];
    symbol_name(running.kernel, name, sizeof name);
    std::fprintf(stderr, "  in kernel %s", name);
    if (running.thread) {
      const auto& b = running.block_idx;
      const auto& t = running.thread->thread_idx;
      std::fprintf(stderr, ", block (%u,%u,%u), thread (%u,%u,%u)", b.x, b.y, b.z, t.x, t.y, t.z);
    }
    std::fputc('\n', stderr);
  }
  std::fflush(stderr);
  std::abort();
}

void install_fault_handler() {
  static const bool installed = [] {
    // The fault may be a kernel's stack overflow, so the handler has a stack of its own.
    constexpr std::size_t kStackBytes = 256 * 1024;
    stack_t stack{};
    stack.ss_sp = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack.ss_size = kStackBytes;
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE}) sigaction(signal, &action, nullptr);
    return true;
  }();
  (void)installed;
}

}  // namespace baton::kernels::sim
