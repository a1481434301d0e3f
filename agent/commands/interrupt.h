#pragma once
#include <stop_token>
#include <string>

namespace baton::agent::cli {

// For SIGXFSZ (a file has reached its size limit) and SIGPIPE (no reader is left), which would end the program in the middle of a write:
// the write fails with an error instead. Programs that this one starts have the default again.
void survive(int signal);

// Ctrl-C (SIGINT) and SIGTERM: the first asks all running work to stop, the second leaves the program at once. One object at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // restores the previous handlers
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Requested by the first signal. Its callbacks run on a thread of this object, not in the signal handler.
  std::stop_token stop() const { return source_.get_token(); }
  // The name of the signal that came, "SIGTERM"; empty: none came.
  std::string signal_name() const;

 private:
  struct Watcher;
  std::stop_source source_;
  Watcher* watcher_;
};

}  // namespace baton::agent::cli
