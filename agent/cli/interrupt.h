#pragma once
#include <stop_token>
#include <string>

namespace baton::agent::cli {

// For SIGXFSZ (a file has reached the limit of its size) and SIGPIPE (nobody reads any more), which would end the program in the middle of
// a write: the write fails with an error instead. Programs that this one starts have the default again.
void survive(int signal);

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
