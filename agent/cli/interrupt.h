#pragma once
#include <stop_token>
#include <string>

namespace baton::agent::cli {

// Signals whose default would end the program in the middle of a write, which fails with an error instead: a file that reached the limit of
// its size (SIGXFSZ). Programs that this one starts have the default again.
void survive_failed_writes();

// Ctrl-C (SIGINT) and SIGTERM: the first asks what runs to stop, the second leaves the program at once. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // the signals do again what they did before
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Requested by the first signal. Its callbacks run on a thread of this object, not in the signal handler.
  std::stop_token stop() const { return source_.get_token(); }
  // Of the signal that came, "SIGTERM"; empty: none did.
  std::string signal_name() const;

 private:
  struct Watcher;
  std::stop_source source_;
  Watcher* watcher_;
};

}  // namespace baton::agent::cli
