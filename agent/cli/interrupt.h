#pragma once
#include <stop_token>

namespace baton::agent::cli {

// Ctrl-C (SIGINT) and SIGTERM: the first asks what runs to stop, the second leaves the program at once. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // the signals do again what they did before
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Requested by the first signal. Its callbacks run on a thread of this object, not in the signal handler.
  std::stop_token stop() const { return source_.get_token(); }

 private:
  struct Watcher;
  std::stop_source source_;
  Watcher* watcher_;
};

}  // namespace baton::agent::cli
