#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace baton::agent::cli {

// Progress of a long operation, on stderr: a bar that redraws itself on a terminal, an occasional plain line in a pipe.
class ProgressBar {
 public:
  // `unit` is "MB" (figures are divided by 10^6) or any other word.
  ProgressBar(std::string label, std::string unit);
  ~ProgressBar();  // ends the line

  void update(std::uint64_t done, std::uint64_t total);
  void message(const std::string& sentence);  // a line of its own

 private:
  std::string figures(std::uint64_t done, std::uint64_t total) const;
  std::string label_, unit_;
  bool terminal_;
  bool line_open_ = false;
  int last_percent_ = -1;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace baton::agent::cli
