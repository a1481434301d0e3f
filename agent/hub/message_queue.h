#pragma once
// Messages that wait for a client that reads more slowly than its runs write.
#include <baton/agent/core/items.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

namespace baton::agent {

// One JSON object for a client.
struct OutgoingMessage {
  std::shared_ptr<const std::string> text;
  // The event that `text` holds, if it may be merged with the next delta of the same item; otherwise null.
  std::shared_ptr<const Json> delta = nullptr;
  std::string stream_id = {};  // of the lane on which `delta` is sent; `text` has it already
};

// While a delta waits, later deltas of the same item are added to it: the client gets their text in one event, which has the number of the
// last of them. Not thread-safe.
class MessageQueue {
 public:
  void push(OutgoingMessage message);

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::size_t bytes() const { return bytes_; }  // of all messages; of merged ones, an estimate

  // The text of the first message, to which nothing is added from now on. The queue is not empty.
  std::shared_ptr<const std::string> begin_first();
  void pop();

 private:
  struct Waiting {
    OutgoingMessage message;
    std::size_t bytes = 0;
    Json merged = {};  // the merged event; null: `message.text` is what is sent
  };
  static bool add(Waiting& waiting, const OutgoingMessage& next);

  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
  bool first_begun_ = false;
};

// `text` of an event, {.., "sequence_number":N}, with "stream_id" as its last member; an empty one adds nothing. The text was serialised
// for all listeners, and is not serialised again.
std::shared_ptr<const std::string> with_stream_id(const std::shared_ptr<const std::string>& text, const std::string& stream_id);

}  // namespace baton::agent
