#include "run_metrics.h"

#include <sstream>

namespace baton::agent::api {
namespace {

class Text {
 public:
  void head(const char* name, const char* type, const char* help) {
    out_ << "# HELP " << name << " " << help << "\n# TYPE " << name << " " << type << "\n";
  }
  template <class Value>
  void value(const std::string& series, Value value) {
    out_ << series << " " << value << "\n";
  }
  template <class Value>
  void one(const char* name, const char* type, const char* help, Value number) {
    head(name, type, help);
    value(name, number);
  }
  void histogram(const std::string& name, const char* help, const DurationHistogram& histogram) {
    head(name.c_str(), "histogram", help);
    std::int64_t n = 0;
    for (std::size_t b = 0; b < DurationHistogram::kBoundsMs.size(); ++b) {
      n += histogram.counts[b];
      out_ << name << "_bucket{le=\"" << static_cast<double>(DurationHistogram::kBoundsMs[b]) / 1000 << "\"} " << n << "\n";
    }
    n += histogram.counts.back();
    value(name + "_bucket{le=\"+Inf\"}", n);
    value(name + "_sum", static_cast<double>(histogram.sum_ms) / 1000);
    value(name + "_count", n);
  }
  std::string take() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

std::int64_t count_of(const std::map<std::string, std::int64_t>& counts, const std::string& name) {
  const auto at = counts.find(name);
  return at == counts.end() ? 0 : at->second;
}

}  // namespace

std::string run_metrics(const HubStats& stats) {
  Text text;
  text.one("baton_runs_active", "gauge", "Runs in progress.", stats.active);
  text.one("baton_unstored_responses", "gauge", "Unstored responses that have ended and that their clients can still continue.",
           stats.unstored);
  text.one("baton_runs_continued_total", "counter", "Runs of an earlier process that were continued.", stats.adopted);
  text.head("baton_runs_total", "counter", "Runs that ended, by status.");
  for (const char* status : {"completed", "incomplete", "failed", "cancelled"})
    text.value(std::string("baton_runs_total{status=\"") + status + "\"}", count_of(stats.finished, status));
  text.head("baton_run_errors_total", "counter", "Runs that failed, by the protocol's error code.");
  std::int64_t others = count_of(stats.finished, "failed");
  for (const char* code : {"invalid_prompt", "context_length_exceeded", "format_mismatch", "server_error"}) {
    const std::int64_t n = count_of(stats.failed, code);
    others -= n;
    text.value(std::string("baton_run_errors_total{code=\"") + code + "\"}", n);
  }
  text.value("baton_run_errors_total{code=\"other\"}", others);
  text.histogram("baton_run_seconds", "From a run's start in this process to its end.", stats.run_ms);
  text.histogram("baton_first_token_seconds", "From a run's start in this process to the model's first token.", stats.first_token_ms);
  text.one("baton_input_tokens_total", "counter", "Prompt tokens of runs that ended.", stats.input_tokens);
  text.one("baton_cached_tokens_total", "counter", "Of these, tokens that came from the cache.", stats.cached_tokens);
  text.one("baton_output_tokens_total", "counter", "Tokens that the model wrote, of runs that ended.", stats.output_tokens);
  text.head("baton_tool_calls_total", "counter", "Calls of the daemon's tools, of runs that ended, by outcome.");
  text.value("baton_tool_calls_total{outcome=\"completed\"}", stats.tools_completed);
  text.value("baton_tool_calls_total{outcome=\"failed\"}", stats.tools_failed);
  return text.take();
}

std::string generator_metrics(const GeneratorLoad& load) {
  Text text;
  text.one("baton_generations_active", "gauge", "Answers that the model is writing.", load.active);
  text.one("baton_generations_waiting", "gauge", "Answers that wait for a slot in the model's batch.", load.waiting);
  return text.take();
}

std::string journal_metrics(const memory::JournalStats& stats, const memory::JournalState& state) {
  Text text;
  text.one("baton_journal_writable", "gauge", "1 while the journal can be written; 0: runs wait for its disk.", state.writable ? 1 : 0);
  text.one("baton_journal_queue_length", "gauge", "Batches that wait for the disk.", stats.queued);
  text.one("baton_journal_file_bytes", "gauge", "Size of the journal's file.", stats.file_bytes);
  text.one("baton_journal_wal_bytes", "gauge", "Size of its write-ahead log.", stats.wal_bytes);
  text.one("baton_journal_batches_total", "counter", "Batches committed.", stats.batches);
  text.one("baton_journal_events_total", "counter", "Events committed.", stats.events);
  text.one("baton_journal_transactions_total", "counter", "Transactions committed; batches that wait at the same time share one.",
           stats.transactions);
  text.one("baton_journal_failed_total", "counter", "Transactions that failed.", stats.failed);
  text.one("baton_journal_write_seconds_total", "counter", "Time spent in transactions.",
           static_cast<double>(stats.write_microseconds) / 1e6);
  return text.take();
}

}  // namespace baton::agent::api
