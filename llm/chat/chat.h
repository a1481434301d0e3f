#pragma once
// Turns a conversation into an answer: renders the model's template, runs the engine, and turns its tokens into text, reasoning and calls.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/engine/engine.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prompt.h"

namespace baton::llm {

struct ChatOptions {
  // Identifies the writer of the raw tokens of a history: any value that differs for another file. It need not be a hash of the whole file.
  std::string model_identity;
  std::optional<ChatTemplate> chat_template = {};  // used instead of the file's own templates
  bool constrain = true;                           // calls are constrained by their tools' schemas; false: the model writes them freely
  // 0..1: a call whose confidence (CallFinished) is lower is withdrawn before it is shown, and the model answers in words. Measured over
  // pairs of questions of which one needs a tool: docs/measured/decision.md. Below this value, text that looks like a call is usually
  // something else: other JSON with a "name", such as a result that the model invents.
  float min_call_confidence = 0.5f;
};

class ChatStream;

class Chat {
 public:
  // Called with one delta at a time, on the engine's thread or, for a request that fails before it, on one of Chat's own. Must not block.
  using Sink = std::function<void(Delta)>;

  // Reads the tokenizer and the template from the file that the engine's model came from. errc::unsupported if the file has no chat
  // template (a base model) and none was given; errc::invalid_template if it is malformed or takes too much work. A template for tools with
  // such a fault is left out, with a warning.
  static Result<std::unique_ptr<Chat>> create(std::unique_ptr<Engine> engine, ChatOptions options);
  ~Chat();  // every stream must have been destroyed before

  // Any thread; never blocks. Rendering and tokenising take milliseconds, and up to a second for a very long prompt. They run on threads of
  // Chat's own, which clients (ChatRequest::client) share; the requests of one client begin roughly in the order of the calls. The last
  // delta is Finished, even if the request cannot be served.
  //
  // Two choices are enforced by beginning the answer: ToolChoice::required with `{"name":`, named with the whole head of the call. The
  // model continues from there. This is not possible for a model whose prompt ends inside a reasoning block.
  std::unique_ptr<ChatStream> start(ChatRequest request, Sink sink);

  // The prompt that start() would submit, for debugging.
  Result<Prompt> prompt(const ChatRequest& request) const;
  Result<int> count(const ChatRequest& request) const;  // tokens of the prompt; errc::context_overflow beyond kCountedContexts

  const Tokenizer& tokenizer() const;
  const ChatTemplate& chat_template() const;  // of requests without tools
  const ToolSyntax& tool_syntax() const;      // of those with tools
  // Faults of the templates, for people; the model is used all the same.
  const std::vector<std::string>& warnings() const;
  const Engine& engine() const;

 private:
  friend class ChatStream;
  class Worker;
  class Running;
  struct State;
  explicit Chat(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A running answer. Destroying it cancels it; after the destructor returned, the sink is not called again. The sink itself must not destroy
// it.
class ChatStream {
 public:
  ~ChatStream();
  ChatStream(const ChatStream&) = delete;
  ChatStream& operator=(const ChatStream&) = delete;
  void cancel();  // any thread, any number of times; the stream still ends with Finished

 private:
  friend class Chat;
  explicit ChatStream(std::shared_ptr<Chat::Running> running);
  std::shared_ptr<Chat::Running> running_;
};

}  // namespace baton::llm
