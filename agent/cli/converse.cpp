#include "converse.h"

#include <baton/agent/core/items.h>
#include <fmt/core.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "interrupt.h"
#include "run_printer.h"

namespace baton::agent::cli {
namespace {

Result<std::vector<Json>> open_approvals(memory::Journal& journal, const std::string& conversation, std::int64_t now) {
  const auto found = journal.conversation(conversation);
  if (!found) return Error{errc::not_found, found.error().message};
  const auto items = journal.items(found->id);
  if (!items) return Error{errc::io, items.error().message};
  std::vector<StoredItem> stored;
  for (const memory::Item& item : *items) stored.push_back({item.response_id, item.content, {}});
  std::vector<Json> open = open_calls(stored).approvals;
  std::erase_if(open, [&](const Json& request) { return request.value("baton.expires_at", std::int64_t{0}) * 1000 < now; });
  return open;
}

Json answer(const Json& request, bool approve, const std::string& reason = "") {
  Json response = {{"type", "mcp_approval_response"}, {"approval_request_id", request["id"]}, {"approve", approve}};
  if (!reason.empty()) response["reason"] = reason;
  return response;
}

// Nothing: the user left.
std::optional<Json> ask(const Json& request, const RunOptions& options) {
  if (options.yes) return answer(request, true);
  const std::string call = string_of(request, "name") + " " + string_of(request, "arguments");
  if (options.json || !isatty(STDIN_FILENO)) {
    fmt::print(stderr, "baton: {}: refused, as nobody can be asked here; --yes approves, `--permission {}=allow` allows it for good\n",
               call, string_of(request, "name"));
    return answer(request, false, "nobody could be asked");
  }
  fmt::print("?? {}\n   Run it? [y]es, [n]o, [a]lways in this conversation: ", call);
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  Json response = answer(request, line == "y" || line == "yes" || line == "a" || line == "always");
  if (line == "a" || line == "always") response["baton.remember"] = true;
  return response;
}

// False: the user left at a question.
bool ask_all(const std::vector<Json>& requests, const RunOptions& options, std::vector<Json>& input) {
  for (const Json& request : requests) {
    std::optional<Json> response = ask(request, options);
    if (!response) return false;
    input.push_back(std::move(*response));
  }
  return true;
}

}  // namespace

Result<RunOutcome> converse(Session& session, const Globals& globals, const RunOptions& options, const std::string& message,
                            const std::string& conversation) {
  std::vector<Json> input;
  if (!conversation.empty()) {
    const auto open = open_approvals(session.journal(), conversation, memory::now_ms());
    if (!open) return open.error();
    if (!ask_all(*open, options, input)) return Error{errc::cancelled, "left; the call goes on waiting"};
  }
  input.push_back(user_message_item("", message));
  std::string id = conversation;
  while (true) {
    RunRequest request = session.request(options, id);
    request.input = std::move(input);
    Interrupt interrupt;
    RunPrinter printer(options.json, globals.colour);
    auto handle = session.agent().start(std::move(request), printer.observer());
    if (!handle) return handle.error();
    const std::stop_callback on_interrupt(interrupt.stop(), [&] { (*handle)->cancel(); });
    const RunOutcome outcome = (*handle)->wait();
    if (outcome.required_input.empty()) return outcome;
    id = outcome.conversation_id;
    const auto open = open_approvals(session.journal(), id, memory::now_ms());
    if (!open) return open.error();
    input.clear();
    if (!ask_all(*open, options, input)) return outcome;
  }
}

}  // namespace baton::agent::cli
