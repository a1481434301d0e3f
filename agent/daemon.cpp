#include "daemon.h"

#include <baton/agent/core/items.h>
#include <baton/agent/hub/run_hub.h>
#include <baton/agent/model_loader.h>
#include <baton/agent/runtime/permissions.h>
#include <baton/agent/server/server.h>
#include <baton/kernels/cpu.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <iterator>
#include <mutex>
#include <numeric>
#include <type_traits>

namespace baton::agent {
namespace {

Result<AgentOptions> agent_options(const DaemonOptions& options, const tools::ToolSet& tools) {
  if (options.approval_lifetime > memory::kAnswersKept)
    return Error{errc::invalid_argument,
                 fmt::format("--approval-hours may be at most {}: after that time answers are forgotten, and an approval "
                             "given a second time would run its call a second time",
                             memory::kAnswersKept.count())};
  AgentOptions agent;
  agent.approval_lifetime = options.approval_lifetime;
  auto permissions = parse_permissions(options.permissions, tools);
  if (!permissions) return permissions.error();
  agent.permissions = std::move(*permissions);
  return agent;
}

Result<protocol::Profiles> read_profiles(const std::filesystem::path& file, const tools::ToolSet& tools) {
  if (file.empty()) return protocol::Profiles{};
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{errc::io, "the profiles " + file.string() + " cannot be read"};
  auto profiles = protocol::parse_profiles(std::string(std::istreambuf_iterator<char>(in), {}));
  if (!profiles) return Error{profiles.error().code, file.string() + ": " + profiles.error().message};
  for (const auto& [name, profile] : *profiles) {
    for (const std::string& tool : profile.tools) {
      if (!tools.find(tool))
        return Error{errc::not_found, file.string() + ": '" + name + "' names the tool '" + tool + "', which this daemon does not have"};
    }
  }
  return profiles;
}

// A value for the log: unchanged, or as a JSON string if it would not end at the next space.
std::string logged(const std::string& value) {
  const bool plain =
      !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) { return c > ' ' && c < 0x7F && c != '"'; });
  return plain ? value : to_text(value);
}

// " max_connections=64", for each limit that is not the default.
std::string changed_limits(const DaemonOptions& options) {
  std::string text;
  const auto add = [&](const char* name, auto value, auto usual) {
    if (value == usual) return;
    if constexpr (std::is_integral_v<decltype(value)>)
      text += fmt::format(" {}={}", name, value);
    else
      text += fmt::format(" {}={}", name, std::chrono::duration<double>(value).count());
  };
  const DaemonOptions usual;
  const api::ServerLimits &is = options.server.limits, &was = usual.server.limits;
  add("max_runs", options.max_runs, usual.max_runs);
  add("max_output_tokens", options.max_output_tokens, usual.max_output_tokens);
  add("max_parallel", options.model.max_parallel, usual.model.max_parallel);
  add("max_connections", is.connections, was.connections);
  add("max_waiting_connections", is.waiting_connections, was.waiting_connections);
  add("max_client_requests", is.client_requests, was.client_requests);
  add("max_client_streams", is.client_streams, was.client_streams);
  add("max_queue", is.queue, was.queue);
  add("max_bodies_bytes", is.bodies_bytes, was.bodies_bytes);
  add("max_header_bytes", is.header_bytes, was.header_bytes);
  add("max_body_bytes", is.body_bytes, was.body_bytes);
  add("max_message_bytes", is.message_bytes, was.message_bytes);
  add("max_lanes", is.lanes, was.lanes);
  add("max_lane_queue", is.lane_queue, was.lane_queue);
  add("max_output_queue_bytes", is.output_queue_bytes, was.output_queue_bytes);
  add("request_seconds", is.request_time, was.request_time);
  add("header_seconds", is.header_time, was.header_time);
  add("keep_alive_seconds", is.keep_alive, was.keep_alive);
  add("write_seconds", is.write_time, was.write_time);
  add("socket_idle_seconds", is.socket_idle, was.socket_idle);
  add("shutdown_seconds", options.shutdown_patience, usual.shutdown_patience);
  return text;
}

std::int64_t ended(const RunHub& hub) {
  const auto finished = hub.stats().finished;
  return std::accumulate(finished.begin(), finished.end(), std::int64_t{0}, [](std::int64_t n, const auto& one) { return n + one.second; });
}

// A file that may not grow any further gives an error of write(), like a full disk.
void survive_full_files() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // not SIG_IGN, which the programs that tools start would inherit
  action.sa_flags = SA_RESTART;
  sigaction(SIGXFSZ, &action, nullptr);
}

// Each connection takes a descriptor, and many systems allow 1,024 unless a program requests more.
void allow_more_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65'536));
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<void> run_daemon(const DaemonOptions& options, Generator& generator, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready) {
  allow_more_descriptors();
  survive_full_files();
  auto agent_settings = agent_options(options, tools);
  if (!agent_settings) return agent_settings.error();
  auto profiles = read_profiles(options.profiles, tools);
  if (!profiles) return profiles.error();
  auto journal = memory::Journal::open(options.journal, {.adopt_durable = true});
  if (!journal) return Error{errc::io, journal.error().message};
  const JournalClock clock(**journal);
  Agent agent(generator, tools, **journal, clock, std::move(*agent_settings));
  RunHub hub(agent, **journal, {.max_runs = options.max_runs});
  const std::size_t n_profiles = profiles->size();
  api::ApiOptions api_options;
  api_options.profiles = std::move(*profiles);
  api_options.after_tools = options.after_tools;
  api_options.max_output_tokens = options.max_output_tokens;
  api_options.max_input_bytes = options.server.limits.body_bytes;
  api::Api api(hub, agent, **journal, std::move(api_options));
  auto server = server::Server::start(options.server, api);
  if (!server) return server.error();
  hub.resume();
  api.set_ready(true);
  spdlog::info("started: version={} url={} model={} journal={} tools={} profiles={} tls={} token={}{}", BATON_VERSION, (*server)->url(),
               logged(generator.model_name()), logged(options.journal.string()), tools.specs().size(), n_profiles,
               !options.server.tls_certificate.empty(), !options.server.token.empty(), changed_limits(options));
  ready((*server)->url());

  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
  api.set_ready(false);
  const std::string why = options.why_stopped ? options.why_stopped() : "";
  const std::int64_t active = hub.stats().active, ended_before = ended(hub);
  spdlog::info("shutting down: why={} runs={} shutdown_seconds={}", logged(why.empty() ? "asked" : why), active,
               std::chrono::duration<double>(options.shutdown_patience).count());
  hub.shutdown(options.shutdown_patience);
  const std::int64_t over = ended(hub) - ended_before;
  (*server)->stop(std::chrono::milliseconds(500));  // their runs have ended: the remaining connections have readers that take nothing
  spdlog::info("stopped: ended={} parked={}", over, std::max<std::int64_t>(0, active - over));
  return {};
}

Result<void> run_daemon(const DaemonOptions& options, tools::ToolSet& tools, std::stop_token stop,
                        const std::function<void(const std::string& url)>& ready) {
  const auto start = std::chrono::steady_clock::now();
  auto generator = load_generator(options.model);
  if (!generator) return generator.error();
  spdlog::info("model loaded: model={} device=cpu kernels={} threads={} seconds={:.1f}", logged((*generator)->model_name()),
               options.model.cpu.empty() ? std::string(to_string(kernels::best_cpu_level())) : options.model.cpu,
               options.model.threads > 0 ? options.model.threads : kernels::physical_cores(),
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return run_daemon(options, **generator, tools, std::move(stop), ready);
}

}  // namespace baton::agent
