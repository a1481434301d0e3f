#include "chat.h"

#include <baton/llm/constraint/call_grammar_cache.h>
#include <baton/llm/constraint/format_constraint.h>
#include <baton/llm/constraint/format_grammar_cache.h>
#include <baton/llm/constraint/format_or_calls.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "answer.h"
#include "file_templates.h"
#include "truncation.h"
#include "turns.h"

namespace baton::llm {

struct Chat::State {
  State(std::unique_ptr<Engine> e, Tokenizer t, FileTemplates templates, const ChatOptions& options, const std::function<std::tm()>& now)
      : engine(std::move(e)),
        tokenizer(std::move(t)),
        plain_prompts(tokenizer, std::move(templates.main), options.model_identity, now),
        constrain(options.constrain),
        min_call_confidence(options.min_call_confidence),
        trie(tokenizer, static_cast<std::size_t>(engine->model().hparams().n_vocab), tool_syntax_of(std::move(templates), options, now)),
        grammars(trie, tool_prompts().tool_syntax()),
        formats(trie) {
    const ToolSyntax& syntax = tool_prompts().tool_syntax();
    for (const ToolSyntax* one : {&plain_prompts.tool_syntax(), &syntax}) {
      tokenizer.end_generation_at(one->end_of_turn);
      tokenizer.end_generation_at(one->end_of_call_turn);
      tokenizer.continue_after(one->end_of_message);
    }
    if (syntax.not_understood) warnings.push_back(syntax.why);
  }
  // The builder with the file's template for requests with tools, if it has one.
  const PromptBuilder& tool_prompts() const { return own_tool_prompts ? *own_tool_prompts : plain_prompts; }
  const PromptBuilder& prompts(const ChatRequest& request) const { return request.tools.empty() ? plain_prompts : tool_prompts(); }

  std::unique_ptr<Engine> engine;
  Tokenizer tokenizer;
  PromptBuilder plain_prompts;
  std::optional<PromptBuilder> own_tool_prompts;
  std::vector<std::string> warnings;
  const bool constrain;
  const float min_call_confidence;
  VocabularyTrie trie;             // used by the worker
  CallGrammarCache grammars;       // likewise
  FormatGrammarCache formats;      // likewise
  std::unique_ptr<Worker> worker;  // declared last, so that it ends before the members that it uses

 private:
  const ToolSyntax& tool_syntax_of(FileTemplates templates, const ChatOptions& options, const std::function<std::tm()>& now) {
    if (templates.tools) own_tool_prompts.emplace(tokenizer, std::move(*templates.tools), options.model_identity, now);
    if (own_tool_prompts && own_tool_prompts->fault()) {
      templates.why_no_tools = left_out_template(*own_tool_prompts->fault());
      own_tool_prompts.reset();
    }
    if (!templates.why_no_tools.empty()) warnings.push_back(std::move(templates.why_no_tools));
    return tool_prompts().tool_syntax();
  }
};

// One request. Lives until its stream is destroyed and the worker is done with it.
class Chat::Running {
 public:
  Running(ChatRequest request, Sink sink) : request_(std::move(request)), sink_(std::move(sink)) {
    if (!request_.turn.sampling.seed) request_.turn.sampling.seed = draw_seed();
  }

  void cancel() {
    std::scoped_lock lock(mutex_);
    cancelled_ = true;
    if (engine_stream_) engine_stream_->cancel();
  }

  // After this returns, no further delta is sent.
  void abandon() {
    std::unique_ptr<EngineStream> stream;
    {
      std::unique_lock lock(mutex_);
      cancelled_ = abandoned_ = true;
      prepared_.wait(lock, [&] { return !preparing_; });
      stream = std::move(engine_stream_);
    }
  }

  const std::string& client() const { return request_.client; }

  // Renders and encodes, on any single thread. False: there is nothing to submit.
  bool prepare(const State& state) {
    if (!begin()) return false;
    try {
      if (is_cancelled()) {
        say_finished(FinishReason::cancelled, std::nullopt);
      } else if (!request_.prompt.empty()) {
        prompt_.emplace();
        prompt_->ids = request_.prompt;
      } else if (auto fitting = build_fitting(state.prompts(request_), request_, state.engine->n_ctx()); !fitting) {
        say_finished(FinishReason::error, fitting.error());
      } else {
        if (fitting->n_left_out > 0) sink_(MessagesLeftOut{fitting->n_left_out});
        prompt_ = std::move(fitting->prompt);
      }
    } catch (const std::exception& e) {  // out of memory, or a bug of ours: the other requests are served
      say_finished(FinishReason::error, Error{errc::out_of_memory, std::string("the prompt could not be made: ") + e.what()});
    }
    std::scoped_lock lock(mutex_);
    preparing_ = false;
    prepared_.notify_all();
    return prompt_.has_value();
  }

  // Called after prepare(), on the thread that owns the grammars.
  void submit(State& state) {
    if (!begin()) return;
    std::unique_ptr<EngineStream> stream;
    std::optional<std::promise<std::shared_ptr<CallGrammar>>> compiled;  // if it is not cached
    if (is_cancelled()) {
      say_finished(FinishReason::cancelled, std::nullopt);
    } else {
      stream = submit(state, *prompt_, compiled);
    }
    {
      std::scoped_lock lock(mutex_);
      engine_stream_ = std::move(stream);
      if (cancelled_ && engine_stream_) engine_stream_->cancel();
      preparing_ = false;
      prepared_.notify_all();
    }
    if (!compiled) return;
    compiled->set_value(state.grammars.find(request_));  // while the engine computes the prompt
    state.engine->wake();
  }

 private:
  bool begin() {
    std::scoped_lock lock(mutex_);
    if (!abandoned_) preparing_ = true;
    return preparing_;
  }

  bool is_cancelled() {
    std::scoped_lock lock(mutex_);
    return cancelled_;
  }

  void say_finished(FinishReason reason, std::optional<Error> error) {
    Finished finished;
    finished.reason = reason;
    finished.seed = *request_.turn.sampling.seed;
    finished.error = std::move(error);
    sink_(std::move(finished));
  }

  std::unique_ptr<EngineStream> submit(State& state, Prompt& prompt, std::optional<std::promise<std::shared_ptr<CallGrammar>>>& compiled) {
    const PromptBuilder& prompts = state.prompts(request_);
    RawTokens raw{{}, prompts.model_identity(), prompts.template_sha256()};
    const bool at_once = must_call() || request_.format || !prompt.forced_entry.empty();  // the answer begins with the call
    auto reader = std::make_shared<AnswerReader>(state.tokenizer, prompts.tool_syntax(), reader_options(request_, prompt));
    std::shared_ptr<CallConstraint> constraint;
    if (wants_calls_held(state) && !at_once) {
      constraint = constraint_of(state, prompt, reader, compiled.emplace().get_future().share());
    } else if (wants_calls_held(state)) {
      if (auto grammar = state.grammars.find(request_)) constraint = constraint_of(state, prompt, reader, ready(std::move(grammar)));
    }
    auto beginning = beginning_constraint_of(state, prompt, constraint);
    if (!beginning) {
      say_finished(FinishReason::error, beginning.error());
      return nullptr;
    }
    answer_ = std::make_unique<Answer>(state.tokenizer, prompts.tool_syntax(), request_, std::move(raw), std::move(reader), constraint,
                                       std::move(sink_));
    EngineRequest request;
    request.constraint = *beginning ? std::move(*beginning) : constraint;
    request.prompt = std::move(prompt.ids);
    request.sampling = request_.turn.sampling;
    request.max_output_tokens = request_.turn.max_output_tokens;
    request.client = request_.client;
    const auto ends = state.tokenizer.end_of_generation_ids();
    request.stop_tokens.assign(ends.begin(), ends.end());
    return state.engine->submit(std::move(request), [this](const EngineEvent& event) {
      // This is the only place where the engine's thread takes our lock, and no holder of the lock waits for the engine.
      if (answer_->take(event) && !std::holds_alternative<EngineFinished>(event)) cancel();
    });
  }

  bool wants_calls_held(const State& state) const {
    return (state.constrain || request_.format) && !request_.tools.empty() && request_.turn.tool_choice.mode != ToolChoice::Mode::none;
  }

  // Tools whose schemas cannot be read are called without a mask: the runtime reports the fault.
  std::shared_ptr<CallConstraint> constraint_of(State& state, const Prompt& prompt, std::shared_ptr<AnswerReader> reader,
                                                CallGrammarFuture grammar) const {
    CallConstraintOptions options{.tokenizer = &state.tokenizer, .list = {}};
    options.min_share = must_call() ? 0 : state.min_call_confidence;
    if (request_.turn.parallel_tool_calls)
      options.list = [&tokenizer = state.tokenizer](std::string_view call) { return begin_list(tokenizer, call); };
    auto constraint = std::make_shared<CallConstraint>(state.trie.vocabulary(), std::move(grammar), std::move(reader), std::move(options));
    if (!prompt.forced_entry.empty()) {
      const std::string_view text = prompt.forced_text;
      constraint->begin_at(prompt.forced_entry, text.substr(0, text.size() - prompt.forced_since.size()), prompt.forced_since);
    }
    return constraint;
  }

  bool must_call() const {
    return request_.turn.tool_choice.mode == ToolChoice::Mode::required || request_.turn.tool_choice.mode == ToolChoice::Mode::named;
  }

  // The constraint of the answer from its first token on, or from the end of the reasoning that the prompt opened; null: there is none, or
  // the prompt has already begun the call.
  Result<std::shared_ptr<TokenConstraint>> beginning_constraint_of(State& state, const Prompt& prompt,
                                                                   const std::shared_ptr<CallConstraint>& calls) const {
    const bool only_calls = must_call() && calls;
    if (!prompt.forced_entry.empty() || (!only_calls && !request_.format)) return nullptr;
    std::shared_ptr<Grammar> grammar;
    if (only_calls) {
      grammar = std::make_shared<Grammar>(Automaton(), Automaton::kDead, state.trie.get());
    } else {
      auto found = state.formats.find(*request_.format);
      if (!found) return found.error();
      grammar = std::move(*found);
    }
    const ToolSyntax& syntax = state.prompts(request_).tool_syntax();
    const auto n_vocab = static_cast<std::size_t>(state.engine->model().hparams().n_vocab);
    auto format = std::make_shared<FormatConstraint>(state.tokenizer, n_vocab, std::move(grammar),
                                                     prompt.starts_in_reasoning ? syntax.reasoning_close : "");
    if (!calls) return format;
    std::vector<ToolSpec> tools = request_.tools;
    if (request_.turn.tool_choice.mode == ToolChoice::Mode::named)
      std::erase_if(tools, [&](const ToolSpec& tool) { return tool.name != request_.turn.tool_choice.name; });
    return std::make_shared<FormatOrCalls>(std::move(format), calls, call_openings(tools, syntax, *state.trie.vocabulary(), only_calls));
  }

  ChatRequest request_;
  Sink sink_;
  std::optional<Prompt> prompt_;
  std::unique_ptr<Answer> answer_;  // used by the engine's thread, once submitted
  std::mutex mutex_;
  std::condition_variable prepared_;
  std::unique_ptr<EngineStream> engine_stream_;
  bool preparing_ = false;
  bool cancelled_ = false;
  bool abandoned_ = false;
};

namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm broken_down{};
  localtime_r(&now, &broken_down);
  return broken_down;
}

}  // namespace

// Renders and encodes on a few threads, because that may take a second for a long conversation, and submits on one, which owns the
// grammars. A single client never occupies all of the few threads, so that it does not block the others.
class Chat::Worker {
 public:
  explicit Worker(State& state) : submitter_([this, &state] { submit(state); }) {
    for (int i = 0; i < kPreparers; ++i) preparers_.emplace_back([this, &state] { prepare(state); });
  }
  ~Worker() {
    end(ends_);
    for (std::thread& thread : preparers_) thread.join();
    end(all_prepared_);
    submitter_.join();
  }
  void add(std::shared_ptr<Running> request) {
    {
      std::scoped_lock lock(mutex_);
      std::string client = request->client();
      waiting_.push(std::move(client), std::move(request));
    }
    changed_.notify_all();
  }

 private:
  static constexpr int kPreparers = 3;

  void end(bool& what) {
    {
      std::scoped_lock lock(mutex_);
      what = true;
    }
    changed_.notify_all();
  }

  void prepare(State& state) {
    std::unique_lock lock(mutex_);
    while (true) {
      std::optional<std::pair<std::string, std::shared_ptr<Running>>> taken;
      changed_.wait(lock, [&] { return (taken = waiting_.take()).has_value() || (ends_ && waiting_.empty()); });
      if (!taken) return;
      lock.unlock();
      const bool goes_on = taken->second->prepare(state);
      lock.lock();
      waiting_.done(taken->first);
      if (goes_on) prepared_.push_back(std::move(taken->second));
      changed_.notify_all();
    }
  }

  void submit(State& state) {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return all_prepared_ || !prepared_.empty(); });
      if (prepared_.empty()) return;
      const auto request = std::move(prepared_.front());
      prepared_.pop_front();
      lock.unlock();
      request->submit(state);
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Turns<std::shared_ptr<Running>> waiting_{kPreparers - 1};
  std::deque<std::shared_ptr<Running>> prepared_;
  bool ends_ = false, all_prepared_ = false;
  std::thread submitter_;
  std::vector<std::thread> preparers_;
};

Chat::Chat(std::unique_ptr<State> state) : state_(std::move(state)) { state_->worker = std::make_unique<Worker>(*state_); }
Chat::~Chat() {
  state_->worker.reset();
  state_->engine.reset();  // its thread still uses the other members
}

Result<std::unique_ptr<Chat>> Chat::create(std::unique_ptr<Engine> engine, ChatOptions options) {
  const GgufFile& file = engine->model().file();
  auto tokenizer = Tokenizer::from_gguf(file);
  if (!tokenizer) return tokenizer.error();
  auto templates = options.chat_template ? FileTemplates{*options.chat_template, std::nullopt, ""} : read_templates(file);
  if (!templates) return templates.error();
  auto state = std::make_unique<State>(std::move(engine), std::move(*tokenizer), std::move(*templates), options, local_time);
  if (const auto& fault = state->plain_prompts.fault()) return *fault;
  return std::unique_ptr<Chat>(new Chat(std::move(state)));
}

std::unique_ptr<ChatStream> Chat::start(ChatRequest request, Sink sink) {
  auto running = std::make_shared<Running>(std::move(request), std::move(sink));
  state_->worker->add(running);
  return std::unique_ptr<ChatStream>(new ChatStream(std::move(running)));
}

ChatStream::ChatStream(std::shared_ptr<Chat::Running> running) : running_(std::move(running)) {}
ChatStream::~ChatStream() { running_->abandon(); }
void ChatStream::cancel() { running_->cancel(); }

Result<Prompt> Chat::prompt(const ChatRequest& request) const { return state_->prompts(request).build(request); }
Result<int> Chat::count(const ChatRequest& request) const {
  return count_tokens(state_->prompts(request), request, state_->engine->n_ctx());
}
const Tokenizer& Chat::tokenizer() const { return state_->tokenizer; }
const ChatTemplate& Chat::chat_template() const { return state_->plain_prompts.chat_template(); }
const ToolSyntax& Chat::tool_syntax() const { return state_->tool_prompts().tool_syntax(); }
const std::vector<std::string>& Chat::warnings() const { return state_->warnings; }
const Engine& Chat::engine() const { return *state_->engine; }

}  // namespace baton::llm
