#pragma once
// The part of /metrics about runs and the journal: lines of Prometheus text, with the same series whatever was run.
#include <baton/agent/generator/generator.h>
#include <baton/agent/hub/hub_stats.h>
#include <baton/memory/journal.h>

#include <string>

namespace baton::agent::api {

std::string run_metrics(const HubStats& stats);
std::string generator_metrics(const GeneratorLoad& load);
std::string journal_metrics(const memory::JournalStats& stats, const memory::JournalState& state);

}  // namespace baton::agent::api
