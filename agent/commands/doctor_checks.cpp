#include "doctor_checks.h"

#include <baton/agent/model_loader.h>
#include <baton/agent/models/catalogue.h>
#include <baton/llm/model/hparams.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace baton::agent::cli {
namespace {

namespace fs = std::filesystem;
using Status = Check::Status;

constexpr std::uintmax_t kLittleSpace = 1'000'000'000, kNoSpace = 50'000'000;  // bytes
constexpr timeval kPatience{2, 0};                                             // for the answer of a program that listens on the port

// The folder itself, or its nearest existing parent.
fs::path nearest_folder(fs::path folder) {
  std::error_code ignored;
  if (folder.empty()) folder = ".";
  folder = fs::absolute(folder, ignored);
  while (!fs::exists(folder, ignored) && folder != folder.parent_path()) folder = folder.parent_path();
  return folder;
}

Check check_home(const Globals& globals) {
  const auto home = globals.environment("HOME");
  const char* remedy = "set HOME, or give --models-dir and --journal";
  if (!home || home->empty())
    return {Status::warning, "home", "HOME is not set: models and journal are kept in the current folder", remedy};
  std::error_code ignored;
  if (!fs::is_directory(*home, ignored)) return {Status::warning, "home", "HOME is " + *home + ", which is not a folder", remedy};
  return {Status::ok, "home", *home, ""};
}

Check check_folder(const char* what, const fs::path& folder, const char* option, Status unwritable) {
  const fs::path nearest = nearest_folder(folder);
  std::error_code ignored;
  const std::string remedy = std::string("name another one with ") + option + ", or repair it";
  if (!fs::is_directory(nearest, ignored)) return {Status::problem, what, nearest.string() + " is not a folder", remedy};
  const bool there = fs::exists(folder, ignored);
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    const std::string text = there ? folder.string() : folder.string() + " does not exist, and " + nearest.string();
    return {unwritable, what, text + " cannot be written: " + std::strerror(errno), remedy};
  }
  return {Status::ok, what, folder.string() + (there ? "" : " (will be created)"), ""};
}

Check check_space(const fs::path& folder, const char* what_for) {
  std::error_code failed;
  const fs::space_info space = fs::space(nearest_folder(folder), failed);
  if (failed) return {Status::warning, "disk", folder.string() + ": " + failed.message(), "check its disk"};
  const std::string text =
      fmt::format("{:.1f} GB free for {} in {}", static_cast<double>(space.available) / 1e9, what_for, folder.string());
  const Status status = space.available < kNoSpace ? Status::problem : space.available < kLittleSpace ? Status::warning : Status::ok;
  return {status, "disk", text, status == Status::ok ? "" : "free some space on this disk, or choose another folder"};
}

Check check_journal(const fs::path& journal) {
  Check folder = check_folder("journal", journal.parent_path(), "--journal", Status::problem);
  std::error_code ignored;
  if (folder.status != Status::ok || !fs::exists(journal, ignored)) return folder;
  if (fs::is_directory(journal, ignored))
    return {Status::problem, "journal", journal.string() + " is a folder", "name a file with --journal"};
  if (::access(journal.c_str(), R_OK | W_OK) != 0)
    return {Status::problem, "journal", journal.string() + ": " + std::strerror(errno),
            "run baton as the file's owner, or name another file with --journal"};
  return {Status::ok, "journal", journal.string(), ""};
}

// Whether a baton answers on this connection; the connection is closed.
bool answers_as_baton(int socket, const std::string& host) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  std::string answer;
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[1024];
    for (ssize_t n; answer.size() < 8192 && (n = ::recv(socket, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, n);
  }
  ::close(socket);
  std::transform(answer.begin(), answer.end(), answer.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return answer.starts_with("http/1.1 200") && answer.find("\r\nserver: baton\r\n") != std::string::npos;
}

Check check_port(const ServePlace& place) {
  const std::string at = fmt::format("{}:{}", place.address, place.port);
  addrinfo hints{}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(place.address.c_str(), std::to_string(place.port).c_str(), &hints, &found) != 0)
    return {Status::problem, "port", place.address + " is not an IP address", "correct `address` in the section [serve]"};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> address(found, ::freeaddrinfo);
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0)
    return {Status::problem, "port", at + ": " + std::strerror(errno),
            "choose another `address`, or enable this kind of socket on the machine"};
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int failed = ::bind(socket, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket, 1) != 0 ? errno : 0;
  ::close(socket);
  if (failed == 0) return {Status::ok, "port", place.port == 0 ? "any free port (port 0)" : at + " is free", ""};
  if (failed != EADDRINUSE)
    return {Status::problem, "port", at + ": " + std::strerror(failed), "choose another `address` or `port` in the section [serve]"};
  if (place.tls)
    return {Status::warning, "port", at + " is in use; with TLS, doctor cannot tell by which program",
            "try: curl https://" + at + "/healthz"};
  const int client = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client >= 0) {
    ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    if (::connect(client, found->ai_addr, found->ai_addrlen) == 0 && answers_as_baton(client, fmt::format("127.0.0.1:{}", place.port)))
      return {Status::ok, "port", at + " is in use by a baton that answers", ""};
  }
  return {Status::problem, "port", at + " is in use by another program",
          fmt::format("stop it (`ss -ltnp 'sport = :{}'` names it), or choose another `port` in the section [serve]", place.port)};
}

Check check_model(const Globals& globals) {
  const std::string name = globals.model.empty() ? default_model().name : globals.model;
  const auto file = open_model_file(globals);
  if (!file) return {Status::problem, "model", file.error().message, "`baton pull` lists the models and fetches one"};
  const auto hparams = llm::read_hparams(**file);
  if (!hparams) return {Status::problem, "model", (*file)->path() + ": " + hparams.error().message, "choose another model with --model"};
  return {Status::ok, "model",
          fmt::format("{}: {}, {} layers, context {}", (*file)->path(), hparams->architecture, hparams->n_layer, hparams->n_ctx_train), ""};
}

}  // namespace

const char* to_string(Check::Status status) { return status == Status::ok ? "ok" : status == Status::warning ? "warning" : "problem"; }

std::vector<Check> run_checks(const Globals& globals, const ServePlace& place) {
  std::vector<Check> checks;
  for (const std::string& fault : globals.config_faults)
    checks.push_back({Status::problem, "config", fault, "docs/operating.md explains the file"});
  if (globals.config_faults.empty()) {
    std::error_code ignored;
    const bool there = fs::exists(globals.config_file, ignored);
    checks.push_back({Status::ok, "config", globals.config_file.string() + (there ? "" : " does not exist, and is not required"), ""});
  }
  checks.push_back(check_home(globals));
  checks.push_back(check_folder("models", globals.models_dir, "--models-dir", Status::warning));
  checks.push_back(check_space(globals.models_dir, "models"));
  checks.push_back(check_journal(globals.journal));
  checks.push_back(check_space(globals.journal.parent_path(), "the journal"));
  if (!place.token_file.empty()) {
    const auto token = read_secret_file(place.token_file);
    checks.push_back(token
                         ? Check{Status::ok, "token", place.token_file, ""}
                         : Check{Status::problem, "token", token.error().message, "`baton serve` does not start until this is corrected"});
  }
  checks.push_back(check_port(place));
  checks.push_back(check_model(globals));
  return checks;
}

}  // namespace baton::agent::cli
