#pragma once
// The handler of a WebSocket's messages: messages come in, messages go out. The socket knows neither JSON nor lanes; the handler knows no
// socket.
#include <baton/agent/hub/message_queue.h>

#include <functional>
#include <memory>
#include <string>

namespace baton::agent::api {

// The socket. Any thread.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual bool send(OutgoingMessage message) = 0;  // false: the socket is closed
  virtual const std::string& client() const = 0;   // HttpCall::client
};

// Lives as long as its socket.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // One text message, on a thread that may block; one at a time.
  virtual void on_message(const std::string& text) = 0;
  // The socket is closed.
  virtual void close() {}
};

// `post`: runs a function soon on a thread that may block.
using Post = std::function<void(std::function<void()>)>;
using MessageHandlerFactory = std::function<std::shared_ptr<MessageHandler>(std::weak_ptr<MessageSink> peer, Post post)>;

}  // namespace baton::agent::api
