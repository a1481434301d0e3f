#pragma once
// A conversation in, an answer out: renders the model's template, runs the engine, and turns its tokens into text, reasoning and calls.
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
  // Who wrote the raw tokens of a history: anything that is different for another file. It need not be a hash of the whole file.
  std::string model_sha256;
  std::optional<ChatTemplate> chat_template = {};  // instead of the file's own ones
  bool constrain = true;                           // calls are written under their tools' schemas; false: as the model likes
  // 0..1: a call whose confidence (CallFinished) is below it is taken back before it is shown, and the model answers in words. Measured
  // over pairs of questions of which one needs a tool: docs/measured/decision.md. Below it the model meant something else by what looks
  // like a call: other JSON with a "name", such as a result that it invents.
  float min_call_confidence = 0.5f;
  // The same for a call that the model writes behind words, after an earlier call of the answer was taken back. Without a value such a call
  // is taken back as well: words that name a tool make a model sure of its name, whatever was asked. Measured for the catalogue's models.
  std::optional<float> min_call_confidence_again = {};
};

// A running answer. Destroying it cancels it; after the destructor returned, the sink is not called again. Must not be destroyed by the
// sink itself.
class ChatStream {
 public:
  virtual ~ChatStream() = default;
  virtual void cancel() = 0;  // any thread, any number of times; the stream still ends with Finished
};

class Chat {
 public:
  // Called one delta at a time, on the engine's thread or, for a request that does not get that far, on one of Chat's own. Must not block.
  using Sink = std::function<void(Delta)>;

  // Reads the tokenizer and the template from the file that the engine's model came from. errc::unsupported when the file has no chat
  // template (a base model) and none was given; errc::invalid_template when it is malformed or takes too much work. A template for tools of
  // which that is true is left out, with a warning.
  static Result<std::unique_ptr<Chat>> create(std::unique_ptr<Engine> engine, ChatOptions options);
  ~Chat();  // every stream must have been destroyed before

  // Any thread; never blocks: rendering and tokenising, which takes milliseconds, and up to a second where the prompt is very long, happens
  // on threads of Chat's own, which clients (ChatRequest::client) share: the requests of one begin roughly in the order of the calls. The
  // last delta is Finished, also when the request cannot be served.
  //
  // Two choices are honoured by beginning the answer: ToolChoice::required with `{"name":`, named with the whole head of the call. The
  // model writes on from there; not possible for a model whose prompt ends inside a reasoning block.
  std::unique_ptr<ChatStream> start(ChatRequest request, Sink sink);

  // What start() would submit: for people who debug a prompt.
  Result<Prompt> prompt(const ChatRequest& request) const;
  Result<int> count(const ChatRequest& request) const;  // its tokens; errc::context_overflow beyond kCountedContexts

  const Tokenizer& tokenizer() const;
  const ChatTemplate& chat_template() const;  // of requests without tools
  const ToolSyntax& tool_syntax() const;      // of those with tools
  // What is wrong with the templates, for people; the model is used all the same.
  const std::vector<std::string>& warnings() const;
  const Engine& engine() const;

 private:
  class Worker;
  class Stream;
  struct State;
  explicit Chat(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace baton::llm
