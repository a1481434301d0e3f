#pragma once
// Shared by the commands that read the journal.
#include <baton/memory/journal.h>

#include "cli.h"

namespace baton::agent::cli {

// Makes `action` the command's action: it opens the journal if the command was chosen.
void with_journal(CLI::App* command, const Globals& globals, Chosen& chosen, std::function<int(memory::Journal&)> action);

memory::Json to_json(const memory::Conversation& conversation);

// fork, export, import, backup and vacuum, added to `baton history`.
void add_history_files(CLI::App& history, const Globals& globals, Chosen& chosen);

}  // namespace baton::agent::cli
