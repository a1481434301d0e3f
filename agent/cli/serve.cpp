// baton serve: the daemon.
#include "serve.h"

#include <baton/agent/daemon.h>
#include <baton/memory/journal.h>
#include <fmt/core.h>

#include <csignal>

#include <baton/agent/commands/cli.h>
#include <baton/agent/commands/interrupt.h>
#include <baton/agent/commands/tool_set.h>
#include <baton/agent/terminal/print.h>
#include "program.h"

namespace baton::agent::cli {
namespace {

struct ServeOptions : DaemonOptions {
  std::string root;
  std::string token_file;
  double approval_hours = 24;
};

void add_options(CLI::App& command, ServeOptions& o) {
  api::ServerConfig& s = o.server;
  api::ServerLimits& l = s.limits;
  command.add_option("--address", s.address, "IP address to listen on; anything but loopback needs a token")->capture_default_str();
  command.add_option("--port", s.port, "Port to listen on; 0: any free port")->capture_default_str();
  command.add_option("--token-file", o.token_file, "A file with the bearer token that clients must send")->check(CLI::ExistingFile);
  command.add_option("--host", s.allowed_hosts,
                     "Another host name under which clients reach this daemon, with its port unless that is --port (may be repeated)");
  command.add_option("--allow-origin", s.allowed_origins, "Allow web pages of this origin: https://app.example.com (may be repeated)");
  command.add_option("--tls-certificate", s.tls_certificate, "PEM file with the certificate; needs --tls-key");
  command.add_option("--tls-key", s.tls_key, "PEM file with the certificate's private key");
  command.add_option("--profiles", o.profiles, "JSON file with agents that clients can choose as model")->check(CLI::ExistingFile);
  command
      .add_option("--after-tools", o.after_tools,
                  "Text put after tool results, for that answer only; {question} is the user's message; empty: none")
      ->capture_default_str();
  command.add_option("--max-output-tokens", o.max_output_tokens, "Limit of one answer, for requests that set none")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("--max-runs", o.max_runs, "Runs at the same time; further ones are answered 503")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--root", o.root, "The folder that list_directory, read_file and search_files may read")
      ->check(CLI::ExistingDirectory);
  command.add_option("--permission", o.permissions, "NAME=allow, ask or deny: may this tool run? (may be repeated)");
  command
      .add_option("--approval-hours", o.approval_hours,
                  "Hours that a call waits for its approval; at most 2160, after which answers are forgotten")
      ->check(CLI::Range(0.001, static_cast<double>(memory::kAnswersKept.count())))
      ->capture_default_str();
  command.add_option("--max-connections", l.connections, "Open connections")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  command
      .add_option("--max-waiting-connections", l.waiting_connections,
                  "Open connections of one address that have not sent a request's header")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--max-client-requests", l.client_requests, "Requests of one client at the same time; further ones are answered 429")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--max-client-streams", l.client_streams, "Event streams and WebSockets of one client; further ones are answered 429")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--max-queue", l.queue, "Requests that wait for a thread; further ones are answered 503")->capture_default_str();
  command.add_option("--max-bodies-bytes", l.bodies_bytes, "Total size of the long bodies that are being received")->capture_default_str();
  command.add_option("--max-header-bytes", l.header_bytes, "Size of a request's header")->capture_default_str();
  command.add_option("--max-body-bytes", l.body_bytes, "Size of a request's body")->capture_default_str();
  command.add_option("--max-message-bytes", l.message_bytes, "Size of a WebSocket message")->capture_default_str();
  command.add_option("--max-lanes", l.lanes, "StreamMultiplexer of a WebSocket")->check(CLI::Range(1, 1 << 16))->capture_default_str();
  command.add_option("--max-lane-queue", l.lane_queue, "Responses that wait on one lane")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  command.add_option("--max-output-queue-bytes", l.output_queue_bytes, "Output that may wait for a slow reader")->capture_default_str();
  const auto seconds = [&](const char* name, std::chrono::milliseconds& value, const char* about) {
    command
        .add_option_function<double>(
            name, [&value](double n) { value = std::chrono::milliseconds(static_cast<std::int64_t>(n * 1000)); }, about)
        ->check(CLI::Range(0.001, 1e6))
        ->default_str(fmt::format("{}", static_cast<double>(value.count()) / 1000));
  };
  seconds("--request-seconds", l.request_time, "Time from the first byte of a request's body to its last");
  seconds("--header-seconds", l.header_time, "Time from the connection, or a request's first byte, to the end of the header");
  seconds("--keep-alive-seconds", l.keep_alive, "Time between two requests on a connection");
  seconds("--write-seconds", l.write_time, "Time in which the reader takes no byte");
  seconds("--socket-idle-seconds", l.socket_idle, "Time after which a WebSocket that answers no ping is closed");
  seconds("--shutdown-seconds", o.shutdown_patience, "Time that runs get to end when the daemon stops");
}

int run(const Globals& globals, ServeOptions o, tools::ToolSet* own) {
  static_cast<ModelSettings&>(o.model) = globals;
  o.journal = globals.journal;
  o.approval_lifetime = std::chrono::milliseconds(static_cast<std::int64_t>(o.approval_hours * 3'600'000));
  if (!o.token_file.empty()) {
    auto token = read_secret_file(o.token_file);
    if (!token) return fail(token.error().message);
    o.server.token = token->substr(0, token->find_first_of("\r\n"));
    if (o.server.token.empty()) return fail(o.token_file + " is empty; `openssl rand -hex 32 > FILE` creates a token");
  }
  tools::ToolSet fresh;
  tools::ToolSet& tools = own ? *own : fresh;
  if (const Result<void> added = add_tools_of_options(tools, globals, o.root); !added) return fail(added.error().message);
  survive(SIGPIPE);  // the reader of the log may end
  Interrupt interrupt;
  o.why_stopped = [&interrupt] { return interrupt.signal_name(); };
  const Result<void> served = run_daemon(o, tools, interrupt.stop(), [](const std::string& url) {
    print("baton serves on {}\n", url);
    std::fflush(stdout);
  });
  return served ? 0 : fail(served.error().message);
}

}  // namespace

WhereServed add_serve(CLI::App& app, const Globals& globals, Chosen& chosen, tools::ToolSet* own) {
  auto* command = app.add_subcommand("serve", "Serve clients over HTTP and WebSocket until Ctrl-C");
  auto options = std::make_shared<ServeOptions>();
  add_options(*command, *options);
  command->callback([&globals, &chosen, options, own] { chosen = [&globals, options, own] { return run(globals, *options, own); }; });
  return [options] {
    const api::ServerConfig& s = options->server;
    return ServePlace{s.address, s.port, !s.tls_certificate.empty(), options->token_file};
  };
}

int serve(tools::ToolSet& tools, int argc, char** argv) {
  std::string command = "serve";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + (argc > 0 ? 1 : 0), command.data());
  arguments.push_back(nullptr);
  return program(argc + 1, arguments.data(), &tools);
}

}  // namespace baton::agent::cli
