#include "completion.h"

#include <baton/agent/core/items.h>
#include <baton/memory/response_end.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "waiting.h"

namespace baton::agent::api {
namespace {

struct Choice {
  std::string text, reasoning;
  Json logprobs = Json::array();
  Json tool_calls = Json::array();
  struct Shown {
    Json head;
    bool said = false;
  };
  std::map<std::string, Shown> shown;  // calls that were begun, by the item's id: shown with the first of their arguments
  std::size_t n_shown = 0;
  bool cut = false;  // a call that was partly shown was cut off
  Json daemon_calls = Json::array();
  std::string finish_reason;
  bool ended = false;
};

std::shared_ptr<const std::string> data_line(const Json& json) {
  return std::make_shared<const std::string>("data: " + json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n");
}

// In the form of completions: parallel lists.
Json text_logprobs(const Json& tokens) {
  Json lists = {{"tokens", Json::array()}, {"token_logprobs", Json::array()}, {"top_logprobs", Json::array()}};
  for (const Json& token : tokens) {
    lists["tokens"].push_back(token["token"]);
    lists["token_logprobs"].push_back(token["logprob"]);
    Json top = Json::object();
    for (const Json& other : token["top_logprobs"]) top[other["token"].get<std::string>()] = other["logprob"];
    lists["top_logprobs"].push_back(std::move(top));
  }
  return lists;
}

std::string finish_reason_of(const Json& response, const Choice& choice) {
  if (!choice.tool_calls.empty()) return "tool_calls";
  return string_of(response, "status") == "incomplete" ? "length" : "stop";  // any budget ended it
}

// All choices of one request. Events come on the threads of their runs.
class Completion : public std::enable_shared_from_this<Completion> {
 public:
  Completion(RunHub& hub, protocol::CompletionRequest request, std::stop_token left, std::function<void(HttpReply)> done)
      : hub_(hub),
        request_(std::move(request)),
        left_(std::move(left)),
        done_(std::move(done)),
        id_(memory::new_id(is_chat() ? "chatcmpl-" : "cmpl-")),
        choices_(request_.n * std::max<std::size_t>(request_.prompts.size(), 1)) {}

  // The first choice computes the prompt; the others begin after that, and share its pages.
  void start() {
    if (left_.stop_requested()) return;
    on_left_.emplace(left_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->give_up();
    });
    if (const auto started = start_choice(0); !started) {
      answer(HttpReply::of(start_error(started.error())));
      return;
    }
    if (!request_.stream) return;
    answer(HttpReply::of_events([self = shared_from_this()](HttpReply::Out out) -> std::shared_ptr<void> {
      self->attach(std::move(out));
      return self;
    }));
  }

 private:
  bool is_chat() const { return request_.shape == protocol::CompletionRequest::Shape::chat; }

  ApiError start_error(const Error& error) const {
    ApiError shown = ApiError::from(error);
    if (error.code == errc::context_overflow) shown.param = is_chat() ? "messages" : "prompt";
    return shown;
  }

  Result<RunHub::Started> start_choice(std::size_t index) {
    RunRequest run = request_.run;
    run.turn.sampling.seed = *run.turn.sampling.seed + index;
    if (!is_chat()) run.prompt = request_.prompts[index / request_.n];
    auto started =
        hub_.start(std::move(run), [self = shared_from_this(), index](const HubEvent& event) { return self->on_event(index, event); });
    if (!started) return started;
    bool gone = false;
    {
      const std::scoped_lock lock(mutex_);
      subscriptions_.push_back(started->subscription);
      response_ids_.push_back(started->response_id);
      gone = gone_;
    }
    if (gone) (void)hub_.cancel(started->response_id);
    return started;
  }

  // The client has left, and no other request can read this answer: its runs are cancelled.
  void give_up() {
    std::vector<std::string> running;
    {
      const std::scoped_lock lock(mutex_);
      gone_ = true;
      running = response_ids_;
    }
    for (const std::string& id : running) (void)hub_.cancel(id);
  }

  // While the disk is full the client gets an error at once, because it cannot ask for this answer later.
  void give_up_waiting(const ApiError& error) {
    {
      const std::scoped_lock lock(mutex_);
      if (gone_) return;
      if (request_.stream) {
        emit(data_line(error.json()), false);
        emit(std::make_shared<const std::string>("data: [DONE]\n\n"), true);
      } else {
        answer(HttpReply::of(error));
      }
    }
    give_up();
  }

  bool on_event(std::size_t index, const HubEvent& event) {
    if (event.type == kJournalEvent || event.type == kParkedEvent) {
      if (const auto error = not_answered_now(event, false)) give_up_waiting(*error);
      return true;
    }
    const Json& data = *event.data;
    if (index == 0 && (event.type == "response.output_item.added" || memory::is_terminal_event(event.type))) start_the_others();
    const std::scoped_lock lock(mutex_);
    Choice& choice = choices_[index];
    if (event.type == "response.created") {
      ignored_ = data["response"].value("baton.ignored", ignored_);
      if (is_chat()) say(index, {{"role", "assistant"}, {"content", ""}});
      if (!request_.echo.empty()) say_text(index, choice, request_.echo[index / request_.n], Json::array());
    } else if (event.type == "response.output_text.delta") {
      for (const Json& token : data["logprobs"]) choice.logprobs.push_back(token);
      say_text(index, choice, data["delta"].get<std::string>(), data["logprobs"]);
    } else if (event.type == "response.reasoning_text.delta") {
      choice.reasoning += data["delta"].get<std::string>();
      say(index, {{"reasoning_content", data["delta"]}});
    } else if (event.type == "response.output_item.added") {
      begin_call(choice, data["item"]);
    } else if (event.type == "response.function_call_arguments.delta") {
      const auto at = choice.shown.find(string_of(data, "item_id"));
      if (at != choice.shown.end()) say_arguments(index, choice, at->second, data["delta"]);
    } else if (event.type == "response.output_item.done") {
      on_item(index, choice, data["item"]);
    } else if (memory::is_terminal_event(event.type)) {
      end(index, choice, data["response"]);
      return false;
    }
    return !gone_;
  }

  void say_text(std::size_t index, Choice& choice, const std::string& text, const Json& logprobs) {
    choice.text += text;
    say(index, {{is_chat() ? "content" : "text", text}}, logprobs);
  }

  // Nothing is shown yet: a call that is cut off before its arguments is not shown at all.
  void begin_call(Choice& choice, const Json& item) {
    if (string_of(item, "type") != "function_call") return;
    choice.shown[string_of(item, "id")].head = {
        {"index", 0}, {"id", item["call_id"]}, {"type", "function"}, {"function", {{"name", item["name"]}, {"arguments", ""}}}};
  }
  void say_arguments(std::size_t index, Choice& choice, Choice::Shown& call, const Json& fragment) {
    if (std::exchange(call.said, true)) {
      say(index, {{"tool_calls", Json::array({{{"index", call.head["index"]}, {"function", {{"arguments", fragment}}}}})}});
      return;
    }
    call.head["index"] = choice.n_shown++;
    Json first = call.head;
    first["function"]["arguments"] = fragment;
    say(index, {{"tool_calls", Json::array({std::move(first)})}});
  }

  void on_item(std::size_t index, Choice& choice, const Json& item) {
    const std::string type = string_of(item, "type");
    if (type == "function_call" && string_of(item, "status") == "completed") {
      Json call = {{"id", item["call_id"]}, {"type", "function"}, {"function", {{"name", item["name"]}, {"arguments", item["arguments"]}}}};
      choice.tool_calls.push_back(std::move(call));
      const auto at = choice.shown.find(string_of(item, "id"));
      if (at != choice.shown.end() && !at->second.said) say_arguments(index, choice, at->second, item["arguments"]);
    } else if (type == "function_call") {
      const auto at = choice.shown.find(string_of(item, "id"));
      if (at == choice.shown.end() || !at->second.said) return;
      choice.cut = true;
      choice.tool_calls.push_back(
          {{"id", item["call_id"]}, {"type", "function"}, {"function", {{"name", item["name"]}, {"arguments", item["arguments"]}}}});
    } else if (type == "mcp_call") {
      const Json ran = {{"name", item["name"]}, {"arguments", item["arguments"]}, {"output", item["output"]}, {"error", item["error"]}};
      choice.daemon_calls.push_back(ran);
      say(index, {{"baton.tool_calls", Json::array({ran})}});
    }
  }

  void end(std::size_t index, Choice& choice, const Json& response) {
    choice.ended = true;
    choice.finish_reason = choice.cut ? "length" : finish_reason_of(response, choice);
    if (response.contains("usage") && response["usage"].is_object()) {
      prompt_tokens_ = std::max(prompt_tokens_, response["usage"].value("input_tokens", 0));
      cached_tokens_ = std::max(cached_tokens_, response["usage"]["input_tokens_details"].value("cached_tokens", 0));
      output_tokens_ += response["usage"].value("output_tokens", 0);
    }
    const std::string status = string_of(response, "status");
    if (status == "failed" && failure_.is_null()) failure_ = response["error"];
    // No other client knows this run's id: only the end of the daemon cuts it off.
    if (status == "cancelled" && failure_.is_null()) failure_ = Json::object();
    ignored_ = response.value("baton.ignored", ignored_);
    truncated_ = response.value("baton.truncated", truncated_);
    if (failure_.is_null()) say(index, is_chat() ? Json::object() : Json{{"text", ""}}, Json(), choice.finish_reason);
    if (!std::all_of(choices_.begin(), choices_.end(), [](const Choice& c) { return c.ended; })) return;
    if (!request_.stream) return answer(failure_.is_null() ? HttpReply::of(whole()) : failed());
    if (!failure_.is_null()) emit(data_line(error_of_failure().json()), false);
    if (request_.include_usage) {
      Json chunk = head(is_chat() ? "chat.completion.chunk" : "text_completion");
      chunk["choices"] = Json::array();
      chunk["usage"] = usage();
      emit(data_line(chunk), false);
    }
    emit(std::make_shared<const std::string>("data: [DONE]\n\n"), true);
  }

  HttpReply failed() const { return HttpReply::of(error_of_failure()); }
  ApiError error_of_failure() const {
    return not_started_ ? *not_started_ : protocol::error_of_response({{"error", failure_}}, is_chat() ? "messages" : "prompt");
  }

  void start_the_others() {
    {
      const std::scoped_lock lock(mutex_);
      if (others_started_ || gone_) return;
      others_started_ = true;
    }
    for (std::size_t i = 1; i < choices_.size(); ++i) {
      const auto started = start_choice(i);
      if (started) continue;
      const std::scoped_lock lock(mutex_);
      const ApiError error = start_error(started.error());
      if (!error.log.empty()) spdlog::error("{}: {}", id_, error.log);
      not_started_ = error;
      failure_ = {{"code", error.code}, {"message", error.message}};
      end(i, choices_[i], Json::object());
    }
  }

  // ---- with the mutex held
  Json head(const char* object) const {
    Json head = {{"id", id_}, {"object", object}, {"created", created_}, {"model", request_.model}, {"service_tier", "default"}};
    head["baton.seed"] = *request_.run.turn.sampling.seed;
    if (!ignored_.empty()) head["baton.ignored"] = ignored_;
    if (!truncated_.empty()) head["baton.truncated"] = truncated_;
    return head;
  }
  Json usage() const {
    return {{"prompt_tokens", prompt_tokens_},
            {"completion_tokens", output_tokens_},
            {"total_tokens", prompt_tokens_ + output_tokens_},
            {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}}};
  }
  Json whole() const {
    Json completion = head(is_chat() ? "chat.completion" : "text_completion");
    completion["choices"] = Json::array();
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const Choice& choice = choices_[i];
      if (!is_chat()) {
        completion["choices"].push_back({{"text", choice.text},
                                         {"index", i},
                                         {"logprobs", request_.run.turn.logprobs ? text_logprobs(choice.logprobs) : Json()},
                                         {"finish_reason", choice.finish_reason}});
        continue;
      }
      Json message = {{"role", "assistant"},
                      {"content", choice.text.empty() && !choice.tool_calls.empty() ? Json() : Json(choice.text)},
                      {"refusal", nullptr}};
      if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
      if (!choice.tool_calls.empty()) message["tool_calls"] = choice.tool_calls;
      if (!choice.daemon_calls.empty()) message["baton.tool_calls"] = choice.daemon_calls;
      Json logprobs = request_.run.turn.logprobs ? Json{{"content", choice.logprobs}, {"refusal", nullptr}} : Json();
      completion["choices"].push_back(
          {{"index", i}, {"message", std::move(message)}, {"logprobs", std::move(logprobs)}, {"finish_reason", choice.finish_reason}});
    }
    completion["usage"] = usage();
    return completion;
  }
  void say(std::size_t index, const Json& delta, const Json& logprobs = Json(), const std::string& finish_reason = "") {
    if (!request_.stream) return;
    Json chunk = head(is_chat() ? "chat.completion.chunk" : "text_completion");
    Json choice = {{"index", index}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
    if (is_chat()) {
      choice["delta"] = delta;
    } else {
      choice.update(delta);
    }
    if (request_.run.turn.logprobs && logprobs.is_array() && !logprobs.empty())
      choice["logprobs"] = is_chat() ? Json{{"content", logprobs}, {"refusal", nullptr}} : text_logprobs(logprobs);
    if (!finish_reason.empty()) choice["finish_reason"] = finish_reason;
    chunk["choices"] = Json::array({std::move(choice)});
    emit(data_line(chunk), false);
  }
  void emit(std::shared_ptr<const std::string> piece, bool last) {
    if (!out_) {
      waiting_.emplace_back(std::move(piece), last);
    } else if (!gone_ && !out_(std::move(piece), last)) {
      gone_ = true;  // no client can return to it, so the rest is not needed
      for (const std::string& id : response_ids_) (void)hub_.cancel(id);
    }
  }

  void attach(HttpReply::Out out) {
    const std::scoped_lock lock(mutex_);
    out_ = std::move(out);
    for (auto& [piece, last] : std::exchange(waiting_, {})) emit(piece, last);
  }
  void answer(HttpReply reply) {
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(reply));
  }

  RunHub& hub_;
  const protocol::CompletionRequest request_;
  const std::stop_token left_;
  std::optional<std::stop_callback<std::function<void()>>> on_left_;
  std::function<void(HttpReply)> done_;
  const std::string id_;
  const std::int64_t created_ = memory::now_ms() / 1000;
  std::mutex mutex_;
  std::vector<Choice> choices_;
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
  std::vector<std::string> response_ids_;
  bool others_started_ = false;
  int prompt_tokens_ = 0, cached_tokens_ = 0, output_tokens_ = 0;
  Json failure_;
  Json ignored_ = Json::array(), truncated_ = Json::object();  // of the runs
  std::optional<ApiError> not_started_;                        // a choice that could not begin
  HttpReply::Out out_;
  std::vector<std::pair<std::shared_ptr<const std::string>, bool>> waiting_;
  bool gone_ = false;
};

}  // namespace

void start_completion(RunHub& hub, protocol::CompletionRequest request, std::stop_token left, std::function<void(HttpReply)> done) {
  std::make_shared<Completion>(hub, std::move(request), std::move(left), std::move(done))->start();
}

}  // namespace baton::agent::api
