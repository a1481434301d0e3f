// /v1/chat/completions: the same runs, told as clients of chat completions want it. Nothing of them is stored. With an agent profile as
// model the daemon's tools run, and `baton.tool_calls` says which; clients ignore it.
#include <baton/agent/core/items.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "api.h"
#include "chat_request.h"

namespace baton::agent::server {
namespace {

struct Choice {
  std::string text;
  Json logprobs = Json::array();
  Json tool_calls = Json::array();
  struct Shown {
    Json head;
    bool said = false;
  };
  std::map<std::string, Shown> shown;  // calls that were begun, by the item's id: said with the first of their arguments
  std::size_t n_shown = 0;
  bool cut = false;  // a call that was said in part came to nothing
  Json daemon_calls = Json::array();
  std::string finish_reason;
  bool ended = false;
};

std::shared_ptr<const std::string> data_line(const Json& json) {
  return std::make_shared<const std::string>("data: " + json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n");
}

std::string finish_reason_of(const Json& response, const Choice& choice) {
  if (!choice.tool_calls.empty()) return "tool_calls";
  return string_of(response, "status") == "incomplete" ? "length" : "stop";  // a budget ended it, whichever it was
}

// All choices of one request. Events come on the threads of their runs.
class Completion : public std::enable_shared_from_this<Completion> {
 public:
  // `left`: HttpCall::left.
  Completion(RunHub& hub, ChatRequestBody request, std::string model, std::stop_token left, Api::Done done)
      : hub_(hub),
        request_(std::move(request)),
        left_(std::move(left)),
        done_(std::move(done)),
        id_(memory::new_id("chatcmpl-")),
        model_(std::move(model)),
        choices_(static_cast<std::size_t>(request_.n)) {}

  // The first choice computes the prompt; the others begin when it has, and share its pages.
  void start() {
    if (left_.stop_requested()) return;
    on_left_.emplace(left_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->give_up();
    });
    if (const auto started = start_choice(0); !started) {
      answer(HttpReply::of(ApiError::from(started.error())));
      return;
    }
    if (!request_.stream) return;
    HttpReply reply;
    reply.content_type = "text/event-stream; charset=utf-8";
    reply.headers.emplace_back("Cache-Control", "no-store");
    reply.stream = [self = shared_from_this()](HttpReply::Out out) -> std::shared_ptr<void> {
      self->attach(std::move(out));
      return self;
    };
    answer(std::move(reply));
  }

 private:
  Result<RunHub::Started> start_choice(std::size_t index) {
    RunRequest run = request_.run;
    run.sampling.seed = *run.sampling.seed + index;
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

  // The client has left. Nobody can come back to the answer, so nobody needs the rest.
  void give_up() {
    std::vector<std::string> running;
    {
      const std::scoped_lock lock(mutex_);
      gone_ = true;
      running = response_ids_;
    }
    for (const std::string& id : running) (void)hub_.cancel(id);
  }

  // Nobody is let wait for a disk that is full, and nobody can come back to this answer.
  void give_up_waiting(const HubEvent& event) {
    {
      const std::scoped_lock lock(mutex_);
      if (gone_) return;
      const ApiError error = ApiError::from(Error{errc::journal_unwritable, string_of(Json::parse(*event.json), "message")});
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
    if (event.type == kJournalEvent) {
      if (waits_for_journal(event)) give_up_waiting(event);
      return true;
    }
    const Json data = Json::parse(*event.json);
    if (index == 0 && (event.type == "response.output_item.added" || is_terminal(event.type))) start_the_others();
    const std::scoped_lock lock(mutex_);
    Choice& choice = choices_[index];
    if (event.type == "response.created") {
      say(index, {{"role", "assistant"}, {"content", ""}});
    } else if (event.type == "response.output_text.delta") {
      choice.text += data["delta"].get<std::string>();
      for (const Json& token : data["logprobs"]) choice.logprobs.push_back(token);
      say(index, {{"content", data["delta"]}}, data["logprobs"]);
    } else if (event.type == "response.output_item.added") {
      begin_call(choice, data["item"]);
    } else if (event.type == "response.function_call_arguments.delta") {
      const auto at = choice.shown.find(string_of(data, "item_id"));
      if (at != choice.shown.end()) say_arguments(index, choice, at->second, data["delta"]);
    } else if (event.type == "response.output_item.done") {
      on_item(index, choice, data["item"]);
    } else if (is_terminal(event.type)) {
      end(index, choice, data["response"]);
      return false;
    }
    return !gone_;
  }

  // Nothing is said yet: a call that is cut off before its arguments is none.
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
      choice.cut = choice.cut || (at != choice.shown.end() && at->second.said);
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
    // Nobody else knows this run's id: only a daemon that ends cuts it off.
    if (status == "cancelled" && failure_.is_null())
      failure_ = {{"code", "server_shutting_down"}, {"message", "the daemon was stopped before the answer was whole: ask again"}};
    if (failure_.is_null()) say(index, Json::object(), Json(), choice.finish_reason);
    if (!std::all_of(choices_.begin(), choices_.end(), [](const Choice& c) { return c.ended; })) return;
    if (!request_.stream) return answer(failure_.is_null() ? HttpReply::of(whole()) : failed());
    if (!failure_.is_null()) emit(data_line({{"error", failure_}}), false);
    if (request_.include_usage) {
      Json chunk = head("chat.completion.chunk");
      chunk["choices"] = Json::array();
      chunk["usage"] = usage();
      emit(data_line(chunk), false);
    }
    emit(std::make_shared<const std::string>("data: [DONE]\n\n"), true);
  }

  HttpReply failed() const {
    if (not_started_) return HttpReply::of(*not_started_);
    const std::string code = string_of(failure_, "code");
    const std::string message = string_of(failure_, "message");
    if (code == "invalid_prompt") return HttpReply::of(ApiError{400, "invalid_request_error", code, message, "messages"});
    // Asking again with the same seed would end the same way, and clients try again what is a 500.
    if (code == "format_mismatch") return HttpReply::of(ApiError{422, "server_error", code, message, "response_format"});
    return HttpReply::of(ApiError{code == "server_shutting_down" ? 503 : 500, "server_error", code, message, ""});
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
      const ApiError error = ApiError::from(started.error());
      if (!error.log.empty()) spdlog::error("{}: {}", id_, error.log);
      not_started_ = error;
      failure_ = {{"code", error.code}, {"message", error.message}};
      end(i, choices_[i], Json::object());
    }
  }

  // ---- with the mutex held
  Json head(const char* object) const {
    return {{"id", id_},       {"object", object},          {"created", created_},
            {"model", model_}, {"service_tier", "default"}, {"baton.seed", *request_.run.sampling.seed}};
  }
  Json usage() const {
    return {{"prompt_tokens", prompt_tokens_},
            {"completion_tokens", output_tokens_},
            {"total_tokens", prompt_tokens_ + output_tokens_},
            {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}}};
  }
  Json whole() const {
    Json completion = head("chat.completion");
    completion["choices"] = Json::array();
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const Choice& choice = choices_[i];
      Json message = {{"role", "assistant"},
                      {"content", choice.text.empty() && !choice.tool_calls.empty() ? Json() : Json(choice.text)},
                      {"refusal", nullptr}};
      if (!choice.tool_calls.empty()) message["tool_calls"] = choice.tool_calls;
      if (!choice.daemon_calls.empty()) message["baton.tool_calls"] = choice.daemon_calls;
      Json logprobs = request_.run.logprobs ? Json{{"content", choice.logprobs}, {"refusal", nullptr}} : Json();
      completion["choices"].push_back(
          {{"index", i}, {"message", std::move(message)}, {"logprobs", std::move(logprobs)}, {"finish_reason", choice.finish_reason}});
    }
    completion["usage"] = usage();
    return completion;
  }
  void say(std::size_t index, const Json& delta, const Json& logprobs = Json(), const std::string& finish_reason = "") {
    if (!request_.stream) return;
    Json chunk = head("chat.completion.chunk");
    Json choice = {{"index", index}, {"delta", delta}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
    if (request_.run.logprobs && logprobs.is_array() && !logprobs.empty())
      choice["logprobs"] = {{"content", logprobs}, {"refusal", nullptr}};
    if (!finish_reason.empty()) choice["finish_reason"] = finish_reason;
    chunk["choices"] = Json::array({std::move(choice)});
    emit(data_line(chunk), false);
  }
  void emit(std::shared_ptr<const std::string> piece, bool last) {
    if (!out_) {
      waiting_.emplace_back(std::move(piece), last);
    } else if (!gone_ && !out_(std::move(piece), last)) {
      gone_ = true;  // nobody can come back to it, so nobody needs the rest
      for (const std::string& id : response_ids_) (void)hub_.cancel(id);
    }
  }

  void attach(HttpReply::Out out) {
    const std::scoped_lock lock(mutex_);
    out_ = std::move(out);
    for (auto& [piece, last] : std::exchange(waiting_, {})) emit(piece, last);
  }
  void answer(HttpReply reply) {
    if (const Api::Done done = std::exchange(done_, nullptr)) done(std::move(reply));
  }

  RunHub& hub_;
  const ChatRequestBody request_;
  const std::stop_token left_;
  std::optional<std::stop_callback<std::function<void()>>> on_left_;
  Api::Done done_;
  const std::string id_, model_;
  const std::int64_t created_ = memory::now_ms() / 1000;
  std::mutex mutex_;
  std::vector<Choice> choices_;
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
  std::vector<std::string> response_ids_;
  bool others_started_ = false;
  int prompt_tokens_ = 0, cached_tokens_ = 0, output_tokens_ = 0;
  Json failure_;
  std::optional<ApiError> not_started_;  // a choice that could not begin
  HttpReply::Out out_;
  std::vector<std::pair<std::shared_ptr<const std::string>, bool>> waiting_;
  bool gone_ = false;
};

}  // namespace

void Api::chat_completions(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  Parsed<ChatRequestBody> request = parse_chat(*body, offer());
  if (!request) return done(HttpReply::of(request.error()));
  log_ignored(call.client, request->notes);
  const std::string model = request->run.model.empty() ? agent_.generator().model_name() : request->run.model;
  request->run.client = call.client;
  request->run.share = call.share;
  request->run.continuable = false;
  std::make_shared<Completion>(hub_, std::move(*request), model, call.left, std::move(done))->start();
}

}  // namespace baton::agent::server
