#include "daemon.h"

#include <baton/agent/model_loader.h>
#include <baton/agent/runtime/permissions.h>
#include <baton/agent/runtime/run_hub.h>
#include <baton/agent/server/server.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>

namespace baton::agent {
namespace {

Result<AgentOptions> agent_options(const DaemonOptions& options, const tools::ToolSet& tools) {
  AgentOptions agent;
  agent.approval_lifetime = options.approval_lifetime;
  auto permissions = parse_permissions(options.permissions, tools);
  if (!permissions) return permissions.error();
  agent.permissions = std::move(*permissions);
  return agent;
}

Result<server::Profiles> read_profiles(const std::filesystem::path& file, const tools::ToolSet& tools) {
  if (file.empty()) return server::Profiles{};
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{errc::io, "the profiles " + file.string() + " cannot be read"};
  auto profiles = server::parse_profiles(std::string(std::istreambuf_iterator<char>(in), {}));
  if (!profiles) return Error{profiles.error().code, file.string() + ": " + profiles.error().message};
  for (const auto& [name, profile] : *profiles) {
    for (const std::string& tool : profile.tools) {
      if (!tools.find(tool))
        return Error{errc::not_found, file.string() + ": '" + name + "' names the tool '" + tool + "', which is not here"};
    }
  }
  return profiles;
}

}  // namespace

Result<void> run_daemon(const DaemonOptions& options, Generator& generator, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready) {
  auto agent_settings = agent_options(options, tools);
  if (!agent_settings) return agent_settings.error();
  auto profiles = read_profiles(options.profiles, tools);
  if (!profiles) return profiles.error();
  auto journal = memory::Journal::open(options.journal, {.adopt_durable = true});
  if (!journal) return Error{errc::io, journal.error().message};
  const JournalClock clock(**journal);
  Agent agent(generator, tools, **journal, clock, std::move(*agent_settings));
  RunHub hub(agent, **journal, {.max_runs = options.max_runs});
  server::ApiOptions api_options;
  api_options.profiles = std::move(*profiles);
  api_options.after_tools = options.after_tools;
  api_options.max_output_tokens = options.max_output_tokens;
  api_options.max_input_bytes = options.server.limits.body_bytes;
  server::Api api(hub, agent, **journal, std::move(api_options));
  auto server = server::Server::start(options.server, api);
  if (!server) return server.error();
  hub.resume();
  api.set_ready(true);
  ready((*server)->url());

  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
  api.set_ready(false);
  hub.shutdown(options.shutdown_patience);
  (*server)->stop(std::chrono::milliseconds(500));  // their runs have ended: what is left is a reader that takes nothing
  return {};
}

Result<void> run_daemon(const DaemonOptions& options, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready) {
  auto generator = load_generator(options.model);
  if (!generator) return generator.error();
  return run_daemon(options, **generator, tools, std::move(stop), ready);
}

}  // namespace baton::agent
