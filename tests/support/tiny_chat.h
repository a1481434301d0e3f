#pragma once
// A chat with a tiny random model: its answers are noise, but everything around it is real.
#include <baton/llm/chat/chat.h>
#include <baton/llm/model/cpu_backend.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "chat_fixture.h"
#include "tiny_model.h"

namespace baton::llm {

using namespace baton::test;

class Listener {
 public:
  Chat::Sink sink() {
    return [this](Delta delta) {
      std::scoped_lock lock(mutex_);
      EXPECT_FALSE(finished_) << "nothing may follow Finished";
      if (auto* text = std::get_if<TextDelta>(&delta)) text_ += text->text;
      if (auto* finished = std::get_if<Finished>(&delta)) finished_ = *finished;
      ++n_;
      changed_.notify_all();
    };
  }
  Finished wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_.has_value(); });
    return *finished_;
  }
  void wait_for_deltas(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_ >= n || finished_; });
  }
  int n() {
    std::scoped_lock lock(mutex_);
    return n_;
  }
  std::string text() {
    std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Finished> finished_;
  std::string text_;
  int n_ = 0;
};

class ChatTest : public testing::Test {
 protected:
  static TinyShape shape() {
    TinyShape s;
    s.n_vocab = kChatVocabulary;
    s.n_ctx = 2048;
    return s;
  }
  ChatTest() { add_chat_vocabulary(tiny_.writer()); }

  Result<std::unique_ptr<Chat>> create(const char* source, EngineOptions engine = {}, float min_call_confidence = 0.5f) {
    if (source) tiny_.writer().add("tokenizer.chat_template", source);
    ModelOptions options;
    options.page_tokens = 8;
    auto model = Model::load(tiny_.file(), make_cpu_backend({"", 2}).value(), options);
    return Chat::create(std::make_unique<Engine>(std::move(model.value()), engine),
                        {.model_identity = "tiny", .min_call_confidence = min_call_confidence});
  }
  void forget_file() {  // create() generates another one
    tiny_ = TinyModel(shape());
    add_chat_vocabulary(tiny_.writer());
  }
  Finished ask(Chat& chat, const ChatRequest& request) {
    Listener listener;
    const auto stream = chat.start(request, listener.sink());
    return listener.wait();
  }
  static ChatRequest hello() {
    ChatRequest request;
    request.messages = {message(Role::user, "Hello there")};
    request.turn.max_output_tokens = 16;
    return request;
  }

  TinyModel tiny_{shape()};
};

}  // namespace baton::llm
