#pragma once
// Runs of the journal as training data: one JSON object a line, with the messages and the tools of the run.
#include <baton/agent/error.h>
#include <baton/memory/journal.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace baton::agent {

enum class ExportFormat {
  openai,  // arguments as a JSON string: OpenAI fine-tuning, Axolotl
  trl,     // arguments as an object, tools as a JSON string: TRL's SFTTrainer
};

struct ExportOptions {
  ExportFormat format = ExportFormat::openai;
  std::vector<std::string> conversations;  // ids; empty: all
  bool only_with_calls = false;            // leave out conversations without a tool call
};

struct ExportReport {
  int exported = 0;
  std::map<std::string, int> skipped;  // reason -> how many
};

// A conversation is one record when all of its runs have completed. Errors: a conversation that is not there, a journal or a stream that
// fails.
Result<ExportReport> export_runs(const memory::Journal& journal, const ExportOptions& options, std::ostream& out);

}  // namespace baton::agent
