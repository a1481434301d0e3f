#pragma once
// The daemon of `baton serve` as a library: a model or a generator, tools, a journal and sockets. agent/cli/serve.h has the same with the
// options of the command line.
#include <baton/agent/api/config.h>
#include <baton/agent/error.h>
#include <baton/agent/model_settings.h>
#include <baton/llm/sampler/sampling_params.h>
#include <baton/tools/registry.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace baton::agent {

class Generator;

struct DaemonOptions {
  ModelSettings model;
  std::filesystem::path journal;
  api::ServerConfig server;
  std::filesystem::path profiles;  // agents that clients choose as `model` (docs/operating.md); empty: none
  std::string after_tools = "Using these results, answer my question in a plain sentence: {question}";
  int max_output_tokens = llm::kDefaultOutputTokens;  // of one answer, if the request does not say
  int max_runs = 256;                                 // under way at the same time
  std::vector<std::string> permissions;               // "NAME=allow", ask or deny
  // At most memory::kAnswersKept.
  std::chrono::milliseconds approval_lifetime = std::chrono::hours(24);
  std::chrono::milliseconds shutdown_patience{10'000};  // for runs and answers in progress
  std::function<std::string()> why_stopped;             // for the log; called when `stop` was requested. Empty: not logged
};

// It logs through spdlog: a line of key=value pairs at its start and end, without any secret.
//
// Serves until `stop` is requested, then shuts down: durable runs are left for the next start. `ready` is called with the address.
Result<void> run_daemon(const DaemonOptions& options, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready);
// The same with a generator of the caller, which outlives it; options.model is ignored.
Result<void> run_daemon(const DaemonOptions& options, Generator& generator, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready);

}  // namespace baton::agent
