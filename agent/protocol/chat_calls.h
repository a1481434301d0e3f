#pragma once
// The ids of a chat's calls. Servers and clients leave them out, or begin to count anew with each answer. Readers of the items find a call
// by its id, so here each call gets a unique one, and each result that of its call.
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace baton::agent::protocol {

// For one request. Takes logarithmic time for a call or a result.
class ChatCalls {
 public:
  // The next call, by the client's id; an empty id: it has none. Returns its id among the items: the client's if no earlier call has it,
  // another one otherwise.
  std::string add(const std::string& client_id, const std::string& name) {
    if (std::exchange(is_turn_over_, false)) ++n_turns_;
    std::string id = client_id;
    while (id.empty() || ids_.contains(id)) id = "call_" + std::to_string(++n_made_);
    ids_.insert(id);
    if (!client_id.empty()) client_ids_.insert(client_id);
    const Waiting place{-n_turns_, calls_.size()};
    calls_.push_back({id, client_id, name});
    for (const Key& key : keys_of(calls_.back())) waiting_[key].insert(place);
    return id;
  }

  // The next result, with the id and the name that the client gave it; empty: none. Returns the id of its call, which from now on has a
  // result: of the calls that fit, the first of the latest turn. Returns nothing if no call without a result fits.
  std::optional<std::string> take(const std::string& client_id, const std::string& name) {
    if (client_id.empty()) return name.empty() ? first_of(Key{}) : first_of(Key{std::nullopt, name});
    auto id = first_of(Key{client_id, name});
    if (!id) id = first_of(Key{client_id, std::nullopt});
    // A client may invent the ids that its calls lacked.
    if (!id && !client_ids_.contains(client_id)) id = first_of(name.empty() ? Key{"", std::nullopt} : Key{"", name});
    return id;
  }

  // A message of another role than the assistant: the next calls are a turn of their own.
  void end_turn() { is_turn_over_ = true; }

 private:
  struct Call {
    std::string id, client_id, name;
  };
  using Key = std::pair<std::optional<std::string>, std::optional<std::string>>;  // the client's id and the name; nothing: any
  using Waiting = std::pair<int, std::size_t>;                                    // the turn, the latest first, and the place in calls_

  static std::vector<Key> keys_of(const Call& call) {
    return {{call.client_id, call.name}, {call.client_id, std::nullopt}, {std::nullopt, call.name}, {std::nullopt, std::nullopt}};
  }

  std::optional<std::string> first_of(const Key& key) {
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return std::nullopt;
    const Waiting place = *found->second.begin();
    const Call& call = calls_[place.second];
    for (const Key& its : keys_of(call)) {
      const auto at = waiting_.find(its);
      at->second.erase(place);
      if (at->second.empty()) waiting_.erase(at);
    }
    return call.id;
  }

  std::vector<Call> calls_;
  std::map<Key, std::set<Waiting>> waiting_;  // calls without a result
  std::set<std::string> ids_, client_ids_;
  std::size_t n_made_ = 0;  // ids that were generated, or tried
  int n_turns_ = 0;
  bool is_turn_over_ = false;
};

}  // namespace baton::agent::protocol
