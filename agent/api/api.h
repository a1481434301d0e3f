#pragma once
// The routes. Calls come on threads of a pool and may read and write the journal; answers that wait for a run come later, from its thread.
#include <baton/agent/hub/run_hub.h>
#include <baton/agent/protocol/create_request.h>
#include <baton/agent/protocol/profile.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "completion.h"
#include "config.h"
#include "http_call.h"
#include "request_log.h"
#include "server_metrics.h"

namespace baton::agent::api {

struct ApiOptions {
  protocol::Profiles profiles;
  std::string after_tools;
  int max_output_tokens = llm::kDefaultOutputTokens;
  std::size_t max_input_bytes = ServerLimits{}.body_bytes;  // of a request's items, after references were replaced by their items
};

// The parts outlive it. Any thread.
class Api {
 public:
  Api(RunHub& hub, Agent& agent, memory::Journal& journal, ApiOptions options);

  using Done = std::function<void(HttpReply)>;
  // Answers exactly once. Every answer has a JSON body, errors in the protocol's form.
  void handle(const HttpCall& call, Done answer);

  // The thread on which a call is answered, which is known before its body is read.
  enum class Where {
    io,     // at once, without waiting
    quick,  // on a thread that never handles a request's body
    work,   // on a thread that may wait for the disk
  };
  struct About {
    Where where = Where::io;
    RouteClass what = RouteClass::other;
  };
  About about(const HttpCall& call) const;
  // The methods that the path takes: "GET, HEAD, POST"; empty: there is no such path.
  std::string methods(const std::string& path) const;

  protocol::Offer offer() const;
  // Starts the run that a body asks for; `key`: of the Idempotency-Key header, or empty.
  Parsed<protocol::CreateRequest> parse(const Json& body, protocol::Channel channel, const std::string& key,
                                        protocol::Purpose purpose = protocol::Purpose::answer) const;
  // Logs a line for each client that sends fields without effect, and one more when it sends further ones.
  void log_ignored(const std::string& client, const protocol::Notes& notes) { ignored_log_.tell(client, notes); }
  RunHub& hub() { return hub_; }
  // The response in its current state.
  Parsed<Json> response(const std::string& id) const;
  std::string status(const std::string& id) const;  // of a response; empty: there is no such response

  void set_ready(bool ready) { ready_ = ready; }
  // Further lines of Prometheus text for /metrics.
  void set_more_metrics(std::function<std::string()> more) { more_metrics_ = std::move(more); }

 private:
  using Path = std::vector<std::string>;  // the variable parts of a path
  struct Route;
  void route(const HttpCall& call, const Done& done);
  static const std::vector<Route>& routes();

  // responses_api.cpp
  void create_response(const HttpCall& call, const Path& path, Done done);
  void get_response(const HttpCall& call, const Path& path, Done done);
  void cancel_response(const HttpCall& call, const Path& path, Done done);
  void delete_response(const HttpCall& call, const Path& path, Done done);
  void list_input_items(const HttpCall& call, const Path& path, Done done);
  void rate_response(const HttpCall& call, const Path& path, Done done);
  Parsed<memory::Response> find_response(const std::string& id) const;
  HttpReply event_stream(const std::string& id, std::int64_t after);
  Result<void> when_ended(const std::string& id, std::function<void(const Parsed<Json>& response)> then);
  void cancel_when_left(const std::string& id, const std::stop_token& left);

  // conversations_api.cpp
  void create_conversation(const HttpCall& call, const Path& path, Done done);
  void get_conversation(const HttpCall& call, const Path& path, Done done);
  void update_conversation(const HttpCall& call, const Path& path, Done done);
  void delete_conversation(const HttpCall& call, const Path& path, Done done);
  void add_items(const HttpCall& call, const Path& path, Done done);
  void list_items(const HttpCall& call, const Path& path, Done done);
  void get_item(const HttpCall& call, const Path& path, Done done);
  void delete_item(const HttpCall& call, const Path& path, Done done);
  void list_conversations(const HttpCall& call, const Path& path, Done done);
  Parsed<memory::Conversation> find_conversation(const std::string& id) const;
  // Replaces references by the stored items. `param`: the list's name, for errors; `input_too_large`: together they have more than
  // max_input_bytes, counted before anything is copied.
  std::optional<ApiError> take_references(std::vector<Json>& items, const std::string& param) const;

  // chat_api.cpp
  void chat_completions(const HttpCall& call, const Path& path, Done done);
  void text_completions(const HttpCall& call, const Path& path, Done done);
  void complete(const HttpCall& call, protocol::CompletionRequest request, Done done);

  // model_api.cpp
  void tokenize(const HttpCall& call, const Path& path, Done done);
  void detokenize(const HttpCall& call, const Path& path, Done done);
  void count_input_tokens(const HttpCall& call, const Path& path, Done done);
  void compact(const HttpCall& call, const Path& path, Done done);
  Result<void> continue_copy_of(const std::string& conversation_id, RunRequest& run) const;
  void embeddings(const HttpCall& call, const Path& path, Done done);
  Json model_json(const std::string& id) const;

  // api.cpp
  void list_models(const HttpCall& call, const Path& path, Done done);
  void get_model(const HttpCall& call, const Path& path, Done done);
  void list_tools(const HttpCall& call, const Path& path, Done done);
  void health(const HttpCall& call, const Path& path, Done done);
  void ready(const HttpCall& call, const Path& path, Done done);
  void metrics(const HttpCall& call, const Path& path, Done done);
  void file(const HttpCall& call, const Path& path, Done done);

  RunHub& hub_;
  Agent& agent_;
  memory::Journal& journal_;
  const ApiOptions options_;
  IgnoredLog ignored_log_;
  std::atomic<bool> ready_ = false;
  std::function<std::string()> more_metrics_;
  const std::int64_t started_ms_ = memory::now_ms();
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// A page of a list: `limit` (1 to 100), `after`, `order` (asc, desc) of the query. Each entry has an id.
Parsed<Json> list_page(const HttpCall& call, std::vector<Json> oldest_first);

// An answer that names the parts of its request without effect.
Json with_ignored(Json answer, const protocol::Notes& notes);

// An item in the form that a client sees.
Json shown_item(const Json& content, const std::string& row_id);

}  // namespace baton::agent::api
