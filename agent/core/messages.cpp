// Converts the items of a conversation to the messages that a model reads.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "items.h"

namespace baton::agent {
namespace {

constexpr const char* kNoOutput = "no result: the client went on without giving one";

Json object_from(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_object() ? value : Json::object();
}

llm::Role role_of(const Json& item) {
  const std::string role = string_of(item, "role");
  if (role == "assistant") return llm::Role::assistant;
  return role == "system" || role == "developer" ? llm::Role::system : llm::Role::user;
}

class Reader {
 public:
  void read(const StoredItem& item) {
    if (!item.content.is_object()) return;
    const Json& content = item.content;
    const std::string type = string_of(content, "type");
    if (type == "message" && role_of(content) != llm::Role::assistant) {
      turn_.reset();
      entries_.push_back({{.role = role_of(content), .content = text_of_message(content)}, {}});
    } else if (type == "message") {
      of_turn(item).content += text_of_message(content);
    } else if (type == "reasoning") {
      of_turn(item).reasoning += text_of_message(content);
    } else if (type == "mcp_call") {
      read_daemon_call(item);
    } else if (type == "function_call") {
      if (string_of(content, "status") == "incomplete") {
        say_not_run(item);
      } else {
        add_call(item, string_of(content, "call_id"), kNoOutput);
      }
    } else if (type == "mcp_approval_request") {
      add_call(item, string_of(content, "baton.call_id"), kNotApproved);
      call_of_approval_[string_of(content, "id")] = string_of(content, "baton.call_id");
    } else if (type == "function_call_output") {
      turn_.reset();
      fill(string_of(content, "call_id"), result_of_call_item(content));
    } else if (type == "mcp_approval_response") {
      read_approval(content);
    }
  }

  std::vector<llm::Message> messages() && {
    std::vector<llm::Message> all;
    for (Entry& entry : entries_) {
      all.push_back(std::move(entry.message));
      for (llm::Message& result : entry.results) all.push_back(std::move(result));
    }
    return all;
  }

 private:
  // The place for the result of a call; none if the call was cut off.
  struct Slot {
    std::size_t entry = 0, result = 0;
    bool is_call = false;
  };
  struct Slots {
    std::vector<Slot> all;
    std::size_t n_filled = 0;
  };
  struct Entry {
    llm::Message message;
    std::vector<llm::Message> results;  // one a call, in their order
  };

  llm::Message& of_turn(const StoredItem& item) {
    const std::pair<std::string, int> turn{item.response_id, turn_of(item.content)};
    if (turn_ != turn) {
      turn_ = turn;
      entries_.push_back({{.role = llm::Role::assistant}, {}});
    }
    llm::Message& message = entries_.back().message;
    if (!item.raw.ids.empty()) message.raw = item.raw;
    return message;
  }

  void add_call(const StoredItem& item, const std::string& call_id, const std::string& result) {
    const std::string name = string_of(item.content, "name");
    of_turn(item).tool_calls.push_back({call_id, name, object_from(string_of(item.content, "arguments"))});
    std::vector<llm::Message>& results = entries_.back().results;
    results.push_back({.role = llm::Role::tool, .content = result, .tool_call_id = call_id, .name = name});
    add_slot(call_id, {entries_.size() - 1, results.size() - 1, true});
  }

  void say_not_run(const StoredItem& item) {
    std::string& text = of_turn(item).content;
    text += (text.empty() ? "" : "\n") + told_as_not_run(string_of(item.content, "name"));
    add_slot(string_of(item.content, "call_id"), {entries_.size() - 1, 0, false});
  }

  // Calls of an earlier turn that have the same id get no further result.
  void add_slot(const std::string& call_id, const Slot& slot) {
    Slots& slots = slots_[call_id];
    if (!slots.all.empty() && slots.all.back().entry != slot.entry) slots.n_filled = slots.all.size();
    slots.all.push_back(slot);
  }

  // Sets the result of the first call of this id that has none, or of the last.
  void fill(const std::string& call_id, std::string result) {
    const auto found = slots_.find(call_id);
    if (found == slots_.end()) return;
    Slots& slots = found->second;
    const Slot slot = slots.all[std::min(slots.n_filled++, slots.all.size() - 1)];
    if (slot.is_call) entries_[slot.entry].results[slot.result].content = std::move(result);
  }

  void read_daemon_call(const StoredItem& item) {
    const std::string status = string_of(item.content, "status");
    if (status == "incomplete") return say_not_run(item);
    const std::string result = status == "in_progress" ? kUnknownOutcome : result_of_call_item(item.content);
    const auto asked = call_of_approval_.find(string_of(item.content, "approval_request_id"));
    if (asked != call_of_approval_.end()) return fill(asked->second, result);
    const std::string call_id = string_of(item.content, "baton.call_id");
    add_call(item, call_id.empty() ? string_of(item.content, "id") : call_id, result);
  }

  void read_approval(const Json& response) {
    turn_.reset();
    const auto asked = call_of_approval_.find(string_of(response, "approval_request_id"));
    if (asked == call_of_approval_.end()) return;
    const std::string reason = string_of(response, "reason");
    fill(asked->second,
         response.value("approve", false) ? std::string(kUnknownOutcome) : kNotApproved + (reason.empty() ? std::string() : ": " + reason));
  }

  std::vector<Entry> entries_;
  std::optional<std::pair<std::string, int>> turn_;  // of the last entry
  std::map<std::string, Slots> slots_;               // by call id
  std::map<std::string, std::string> call_of_approval_;
};

}  // namespace

std::string told_as_not_run(const std::string& name) {
  return "(A call of " + (name.empty() ? std::string("a tool") : name) + " was cut off before it was complete, and was not run.)";
}

std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items) {
  Reader reader;
  for (const StoredItem& item : items) reader.read(item);
  return std::move(reader).messages();
}

OpenCalls open_calls(const std::vector<StoredItem>& items) {
  std::set<std::string> answered;
  for (const StoredItem& item : items) {
    const std::string type = string_of(item.content, "type");
    if (type == "function_call_output") answered.insert(string_of(item.content, "call_id"));
    if (type == "mcp_approval_response") answered.insert(string_of(item.content, "approval_request_id"));
  }
  OpenCalls open;
  for (const StoredItem& item : items) {
    const std::string type = string_of(item.content, "type");
    if (type == "function_call" && string_of(item.content, "status") != "incomplete" &&
        !answered.contains(string_of(item.content, "call_id"))) {
      open.functions.push_back(item.content);
    }
    if (type == "mcp_approval_request" && !answered.contains(string_of(item.content, "id"))) open.approvals.push_back(item.content);
  }
  return open;
}

}  // namespace baton::agent
