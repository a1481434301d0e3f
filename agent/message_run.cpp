#include "message_run.h"

#include <baton/agent/core/items.h>
#include <baton/agent/runtime/request.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace baton::agent {
namespace {

constexpr std::int64_t kLastAnswerMs = 1000;  // half of the minimum time for a last answer

Result<std::vector<Json>> open_approvals(memory::Journal& journal, const Clock& clock, const std::string& conversation) {
  const auto found = journal.conversation(conversation);
  if (!found) return Error{errc::not_found, found.error().message};
  const auto items = journal.items(found->id);
  if (!items) return Error{errc::io, items.error().message};
  std::vector<StoredItem> stored;
  for (const memory::Item& item : *items) stored.push_back({item.response_id, item.content, {}});
  std::vector<Json> open = open_calls(stored).approvals;
  std::erase_if(open, [now = clock.now()](const Json& request) { return approval_expired(request, now); });
  return open;
}

// The budgets that all responses to one message share, and their remainder.
class Spending {
 public:
  explicit Spending(const Budgets& budgets) : all_(budgets), left_(budgets) {}

  void add(const RunOutcome& outcome, std::size_t n_calls, std::int64_t milliseconds) {
    left_.max_turns -= outcome.usage.value("baton.turns", 0);
    left_.max_output_tokens -= outcome.usage.value("output_tokens", 0);
    left_.max_tool_calls -= static_cast<int>(n_calls);
    left_.max_milliseconds -= milliseconds;
  }
  // For the next response: when one is used up, this is the last answer.
  Budgets next() const {
    Budgets budgets = left_;
    budgets.max_turns = std::max(0, budgets.max_turns);
    budgets.max_output_tokens = std::max(1, budgets.max_output_tokens);  // a request with less is refused
    budgets.max_tool_calls = std::max(0, budgets.max_tool_calls);
    if (budgets.max_milliseconds <= 0) {
      // An answer may be written for up to twice the time of all responses (Budgets).
      budgets.max_turns = 0;
      budgets.max_milliseconds = std::max(kLastAnswerMs, (all_.max_milliseconds + left_.max_milliseconds) / 2);
    }
    return budgets;
  }

 private:
  const Budgets all_;
  Budgets left_;
};

class Rounds {
 public:
  Rounds(const tools::ToolSet& tools, RunRequest request) : tools_(tools), request_(std::move(request)), spending_(request_.budgets) {}

  // Returns false if the user left.
  bool ask(const std::vector<Json>& waiting, const MessageRun& run, std::vector<Json>& input) {
    std::set<std::string> refused;  // in this round: calls that were written together are refused together
    for (const Json& request : waiting) {
      std::optional<Json> answer = run.approve(request);
      if (!answer) return false;
      if (!answer->value("approve", false)) {
        const std::string call = string_of(request, "name") + " " + string_of(request, "arguments");
        refused_again_ = refused_again_ || refused_.contains(call);
        refused.insert(call);
        refused_tools_.insert(string_of(request, "name"));
      }
      input.push_back(std::move(*answer));
    }
    refused_.merge(refused);
    return true;
  }
  bool refused_again() const { return refused_again_; }

  RunRequest next(std::vector<Json> input) const {
    RunRequest request = request_;
    request.input = std::move(input);
    request.budgets = spending_.next();
    if (refused_tools_.empty()) return request;
    std::set<std::string> allowed = request.allowed_tools;
    if (allowed.empty()) {
      if (request.all_tools) {
        for (const tools::ToolSpec* spec : tools_.specs()) allowed.insert(spec->name);
      }
      allowed.insert(request.tools.begin(), request.tools.end());
      for (const llm::ToolSpec& tool : request.client_tools) allowed.insert(tool.name);
    }
    for (const std::string& name : refused_tools_) allowed.erase(name);
    if (allowed.empty()) request.turn.tool_choice = {.mode = llm::ToolChoice::Mode::none, .name = {}};
    request.allowed_tools = std::move(allowed);
    return request;
  }
  void ended(const RunOutcome& outcome, std::size_t n_calls, std::int64_t milliseconds) {
    request_.conversation_id = outcome.conversation_id;
    spending_.add(outcome, n_calls, milliseconds);
  }
  const std::string& conversation_id() const { return request_.conversation_id; }
  std::vector<Json> take_message() { return std::exchange(request_.input, {}); }

 private:
  const tools::ToolSet& tools_;
  RunRequest request_;
  Spending spending_;
  std::set<std::string> refused_, refused_tools_;  // calls with their arguments; names
  bool refused_again_ = false;
};

}  // namespace

Json approval_answer(const Json& request, bool approve, const std::string& reason) {
  Json answer = {{"type", "mcp_approval_response"}, {"approval_request_id", request["id"]}, {"approve", approve}};
  if (!reason.empty()) answer["reason"] = reason;
  return answer;
}

Result<RunOutcome> run_message(const tools::ToolSet& tools, memory::Journal& journal, const Clock& clock, RunRequest request,
                               const MessageRun& run) {
  Rounds rounds(tools, std::move(request));
  std::vector<Json> input;
  if (!rounds.conversation_id().empty()) {
    const auto open = open_approvals(journal, clock, rounds.conversation_id());
    if (!open) return open.error();
    if (!rounds.ask(*open, run, input))
      return Error{errc::cancelled, "the user left without an answer; the call still waits for its approval"};
  }
  std::vector<Json> message = rounds.take_message();
  input.insert(input.end(), std::make_move_iterator(message.begin()), std::make_move_iterator(message.end()));
  while (true) {
    const auto start = std::chrono::steady_clock::now();
    Result<RunOutcome> outcome = run.respond(rounds.next(std::exchange(input, {})));
    if (!outcome || outcome->required_input.empty()) return outcome;
    const auto spent = std::chrono::steady_clock::now() - start;
    const auto calls = journal.tool_invocations(outcome->response_id);
    if (!calls) return Error{errc::io, calls.error().message};
    rounds.ended(*outcome, calls->size(), std::chrono::duration_cast<std::chrono::milliseconds>(spent).count());
    const auto open = open_approvals(journal, clock, rounds.conversation_id());
    if (!open) return open.error();
    if (open->empty()) return outcome;  // the response does not wait for the user, or it is too late
    if (!rounds.ask(*open, run, input)) return outcome;
    if (rounds.refused_again()) {
      outcome->status = "incomplete";
      outcome->reason = kRefusedTwice;
      return outcome;
    }
  }
}

}  // namespace baton::agent
