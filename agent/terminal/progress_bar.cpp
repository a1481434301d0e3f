#include "progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "print.h"

namespace baton::agent::cli {
namespace {

constexpr int kWidth = 32;
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(5);

}  // namespace

ProgressBar::ProgressBar(std::string label, std::string unit)
    : label_(std::move(label)), unit_(std::move(unit)), terminal_(isatty(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() {
  if (line_open_) write_error("\n");
}

std::string ProgressBar::figures(std::uint64_t done, std::uint64_t total) const {
  if (unit_ == "MB") return fmt::format("{:.1f} of {:.1f} MB", static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6);
  return fmt::format("{} of {} {}", done, total, unit_);
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  if (total == 0) return;
  const int percent = static_cast<int>(done * 100 / total);
  const auto now = std::chrono::steady_clock::now();
  const bool last = done >= total && last_percent_ < 100;
  if (!last && (percent == last_percent_ || now - last_ < (terminal_ ? std::chrono::steady_clock::duration(kRedraw) : kPlainLine))) return;
  last_ = now;
  last_percent_ = percent;
  if (terminal_) {
    const int filled = std::min(kWidth, percent * kWidth / 100);
    std::string bar(filled, '#');
    bar.resize(kWidth, '.');
    print_error("\r{} [{}] {:3}% {}  ", label_, bar, percent, figures(done, total));
    line_open_ = true;
  } else {
    print_error("{} {:3}% {}\n", label_, percent, figures(done, total));
  }
  std::fflush(stderr);
}

void ProgressBar::message(const std::string& sentence) {
  if (line_open_) write_error("\n");
  line_open_ = false;
  print_error("{}\n", Lines{sentence});
}

}  // namespace baton::agent::cli
