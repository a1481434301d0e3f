#pragma once
// Runs of the journal as training data: one conversation a line, a JSON object with its messages and the tools that it was offered.
//
// openai  {"messages":[..],"tools":[..]}; arguments of a call are a JSON string. Read by OpenAI and Azure fine-tuning and by Axolotl.
//         Without tools the key is left out: an empty list is refused there.
// trl     The same with arguments as an object, which chat templates put into the prompt as they are (a string would be quoted twice),
//         and `tools` as one JSON string, which SFTTrainer reads: as a list, every tool's schema would get the fields of all others when
//         a data set is loaded. `datasets` 5.2 keeps the messages as JSON, so calls with different arguments stay as they are
//         (tests/check/oracle/export.py); versions that know no JSON column fill in nulls.
#include <baton/agent/error.h>
#include <baton/memory/journal.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace baton::agent {

enum class ExportFormat { openai, trl };

struct ExportOptions {
  ExportFormat format = ExportFormat::openai;
  std::vector<std::string> conversations;  // as Journal::conversation takes them; empty: all
  bool only_with_calls = false;            // leave out conversations without a tool call
};

struct ExportReport {
  int exported = 0;                    // conversations
  int shortened = 0;                   // of these, those that continue a run that was not exported
  std::map<std::string, int> skipped;  // reason -> how many
};

// A conversation's record ends with the last run before its first one that has not completed; malformed calls that the model was told to
// write again are left out. Errors: an unknown conversation, a journal or a stream that fails.
Result<ExportReport> export_runs(const memory::Journal& journal, const ExportOptions& options, std::ostream& out);

}  // namespace baton::agent
