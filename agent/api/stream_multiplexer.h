#pragma once
// The messages of a client on a WebSocket, and the events for it: lanes of responses, each lane one after the other, steering, resuming.
// Without sockets: messages come in as text, events go out through MessageSink.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api.h"
#include "message_handler.h"

namespace baton::agent::api {

struct StreamLimits {
  int lanes = 32;
  int queue = 8;
};

// Lives as long as its socket; runs continue without it.
class StreamMultiplexer final : public MessageHandler, public std::enable_shared_from_this<StreamMultiplexer> {
 public:
  StreamMultiplexer(Api& api, StreamLimits limits, std::weak_ptr<MessageSink> peer, Post post)
      : api_(api), limits_(limits), peer_(std::move(peer)), post_(std::move(post)) {
    if (const auto socket = peer_.lock()) client_ = socket->client();
  }

  void on_message(const std::string& text) override;
  void close() override;

 private:
  struct Lane {
    std::deque<RunRequest> waiting;
    std::string response_id;  // the last one
    std::shared_ptr<Subscription> subscription;
    bool busy = false;
    int turn = 0;  // counts its responses: a quick response may have ended, and the next begun, before its own subscription is stored
  };

  void read_message(const std::string& text);
  void create(const Json& message);
  void steer(const Json& message);
  void cancel(const Json& message);
  void resume(const Json& message);
  void begin(const std::string& lane, RunRequest request);
  bool on_event(const std::string& lane, int turn, const HubEvent& event);
  void next(const std::string& lane, int turn);
  void continue_with(const std::string& lane, int turn, const std::string& successor);
  void follow(const std::string& lane, const std::string& response_id, std::int64_t after);
  void resumed(const std::string& lane, int turn, const std::string& response_id, std::int64_t after);
  int next_turn(const std::string& lane);
  void take(const std::string& lane, int turn, const std::string& response_id, std::shared_ptr<Subscription> subscription);
  RunHub::Sink sink(const std::string& lane, int turn);
  bool tell(OutgoingMessage message) const;
  void error(const ApiError& error, const std::string& lane);
  void steer_failed(const Json& message, const char* code, const std::string& why);

  Api& api_;
  const StreamLimits limits_;
  const std::weak_ptr<MessageSink> peer_;  // owns this object
  const Post post_;
  std::string client_;
  const std::string session_ = memory::new_id("sock_");  // RunRequest::session
  std::mutex mutex_;                                     // guards all below
  std::map<std::string, Lane> lanes_;                    // by stream_id
  bool closed_ = false;
};

}  // namespace baton::agent::api
