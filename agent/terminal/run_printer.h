#pragma once
// Shows a run while it happens: text as it streams, each call with arguments, result and time, tokens a second at the end. Plain lines in a
// pipe, colours on a terminal, or the events as JSON lines.
#include <baton/agent/runtime/agent.h>
#include <baton/tools/visible_text.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "progress_bar.h"

namespace baton::agent::cli {

// Lives as long as the run. Called on the run's loop thread.
class RunPrinter {
 public:
  RunPrinter(bool json, bool colour) : json_(json), colour_(colour) {}
  RunObserver observer();

 private:
  void on_event(const memory::Event& event);
  void on_prefill(const llm::PrefillProgress& progress);
  void on_finished(const RunOutcome& outcome);
  void on_item_done(const Json& item);
  void end_line();
  std::string dim(const std::string& text) const { return colour_ ? "\033[2m" + text + "\033[0m" : text; }

  bool json_, colour_;
  bool line_open_ = false;
  tools::VisibleStream answer_;
  std::unique_ptr<ProgressBar> prefill_;
  std::map<std::string, std::string> names_;  // item id -> tool
  std::map<std::string, std::chrono::steady_clock::time_point> started_;
};

}  // namespace baton::agent::cli
