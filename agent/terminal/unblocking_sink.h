#pragma once
// A log for a daemon whose stderr may have no reader: lines are dropped when the pipe is full, and the next line says how many. spdlog's
// own sink would block the daemon there.
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <mutex>
#include <string_view>

namespace baton::agent::cli {

class UnblockingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // `descriptor` remains the caller's, which keeps it open.
  explicit UnblockingSink(int descriptor) : descriptor_(descriptor) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (n_lost_ > 0 && write(fmt::format("{} lines of this log were lost: the program that reads it was too slow\n", n_lost_))) n_lost_ = 0;
    if (n_lost_ > 0 || !write({line.data(), line.size()})) ++n_lost_;
  }
  void flush_() override {}

 private:
  // Returns false if it would have to wait for the reader. A pipe that poll() calls writable takes PIPE_BUF bytes at once (pipe(7)).
  bool write(std::string_view text) {
    while (!text.empty()) {
      pollfd ready{descriptor_, POLLOUT, 0};
      if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)) return false;
      const ssize_t n = ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  const int descriptor_;
  std::size_t n_lost_ = 0;
};

}  // namespace baton::agent::cli
