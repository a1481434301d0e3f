// baton data export: finished runs as training data.
#include <baton/agent/data/export.h>
#include <baton/memory/journal.h>

#include <fstream>
#include <ostream>

#include <baton/agent/terminal/print.h>
#include "cli.h"

namespace baton::agent::cli {
namespace {

struct DataArguments {
  std::string format = "openai", output;
  std::vector<std::string> conversations;
  bool only_with_calls = false;
};

int export_data(const Globals& globals, const DataArguments& a) {
  auto journal = memory::Journal::open(globals.journal);
  if (!journal) return fail(journal.error().message);
  std::ofstream file;
  if (!a.output.empty()) {
    file.open(a.output, std::ios::binary | std::ios::trunc);
    if (!file) return fail(a.output + " cannot be written");
  }
  ExportOptions options{a.format == "trl" ? ExportFormat::trl : ExportFormat::openai, a.conversations, a.only_with_calls};
  JsonLinesToStdout lines;
  std::ostream out(&lines);
  const auto report = export_runs(**journal, options, a.output.empty() ? out : file);
  if (!report) return fail(report.error().message);
  print_error("{} conversation{} exported", report->exported, report->exported == 1 ? "" : "s");
  if (report->shortened > 0) print_error(", {} of them only up to a run that has not completed", report->shortened);
  for (const auto& [reason, count] : report->skipped) print_error("; {} skipped: {}", count, reason);
  print_error("\n");
  return 0;
}

}  // namespace

void add_data(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("data", "Export training data from real runs");
  command->require_subcommand(1);
  auto* sub = command->add_subcommand("export", "Export completed conversations with their tools, as JSON lines");
  auto a = std::make_shared<DataArguments>();
  sub->add_option("--format", a->format, "openai: arguments as a string; trl: arguments as an object")
      ->check(CLI::IsMember({"openai", "trl"}))
      ->capture_default_str();
  sub->add_option("-o,--output", a->output, "The file to write; default: standard output");
  sub->add_option("-c,--conversation", a->conversations, "Export only this conversation (may be repeated)");
  sub->add_flag("--with-calls", a->only_with_calls, "Leave out conversations without a tool call");
  sub->callback([&globals, &chosen, a] { chosen = [&globals, a] { return export_data(globals, *a); }; });
}

}  // namespace baton::agent::cli
