// /v1/responses
#include <baton/agent/core/items.h>
#include <baton/agent/protocol/fields.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>

#include <baton/agent/runtime/journal_error.h>
#include <baton/memory/response_end.h>

#include "api.h"
#include "waiting.h"

namespace baton::agent::api {
namespace {

std::string fingerprint(const Json& body) {
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  return {reinterpret_cast<const char*>(hash), reinterpret_cast<const char*>(hash) + 16};
}

std::string hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : bytes) out += {kDigits[c >> 4], kDigits[c & 15]};
  return out;
}

// A response with `store: false` that has ended. The journal keeps it for some minutes, so that its client can continue it; no route shows
// it.
bool is_hidden(const memory::Response& response) {
  return !memory::is_open_status(response.status) && !response.request.value("store", true);
}

void drop_item(Json& output, const std::string& id) {
  const auto at = std::find_if(output.begin(), output.end(), [&](const Json& item) { return string_of(item, "id") == id; });
  if (at != output.end()) output.erase(at);
}

std::shared_ptr<const std::string> sse(const HubEvent& event) {
  return std::make_shared<const std::string>("event: " + event.type + "\ndata: " + *event.json + "\n\n");
}

// Buffers events that may come before their reader does.
class Relay {
 public:
  bool take(const HubEvent& event) {
    const std::scoped_lock lock(mutex_);
    return give(sse(event), memory::is_terminal_event(event.type) || event.type == kParkedEvent);
  }
  // Nothing follows.
  void end() {
    const std::scoped_lock lock(mutex_);
    (void)give(std::make_shared<const std::string>(), true);
  }
  void attach(HttpReply::Out out) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [piece, last] : waiting_) {
      if (!out(piece, last)) return;
    }
    waiting_.clear();
    out_ = std::move(out);
  }

 private:
  bool give(std::shared_ptr<const std::string> piece, bool last) {
    if (ended_) return false;
    ended_ = last;
    if (out_) return out_(std::move(piece), last) && !last;
    waiting_.emplace_back(std::move(piece), last);
    return !last;
  }

  std::mutex mutex_;  // guards all below
  bool ended_ = false;
  HttpReply::Out out_;
  std::vector<std::pair<std::shared_ptr<const std::string>, bool>> waiting_;
};

}  // namespace

Parsed<protocol::CreateRequest> Api::parse(const Json& body, protocol::Channel channel, const std::string& key,
                                           protocol::Purpose purpose) const {
  Parsed<protocol::CreateRequest> request = protocol::parse_create(body, offer(), channel, purpose);
  if (!request) return request;
  if (auto error = take_references(request->run.input, "input")) return *error;
  if (!key.empty()) request->run.key = key;
  // The journal would also accept the beginning of an id, or "last": these are for people, not for clients.
  if (const std::string& id = request->run.conversation_id; !id.empty() && !find_conversation(id)) return find_conversation(id).error();
  if (request->run.key.size() > 256) return ApiError::invalid("Idempotency-Key", "the idempotency key is longer than 256 bytes");
  if (!request->run.key.empty()) request->run.fingerprint = hex(fingerprint(body));
  return request;
}

void Api::create_response(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  Parsed<protocol::CreateRequest> request = parse(*body, protocol::Channel::http, call.header("idempotency-key"));
  if (!request) return done(HttpReply::of(request.error()));
  log_ignored(call.client, request->notes);
  request->run.client = call.client;
  request->run.share = call.share;
  // Whether this request alone can read the run. With an idempotency key the client may send the request again.
  const bool only_here = request->run.storage != Storage::stored && request->run.key.empty();
  if (request->stream) {
    auto relay = std::make_shared<Relay>();
    const auto started = hub_.start(std::move(request->run), [relay](const HubEvent& event) { return relay->take(event); });
    if (!started) return done(HttpReply::of(ApiError::from(started.error())));
    if (only_here && !started->existed) cancel_when_left(started->response_id, call.left);
    return done(HttpReply::of_events([relay, held = started->subscription](HttpReply::Out out) {
      relay->attach(std::move(out));
      return held;
    }));
  }
  const bool background = request->background;
  // The answer is the first event of a background run, the last of another. The sink holds its own subscription until then. No client waits
  // for a full disk: the run exists, and can be fetched later.
  auto held = std::make_shared<std::shared_ptr<Subscription>>();
  const bool stored = request->run.storage == Storage::stored;
  const auto started = hub_.start(std::move(request->run), [background, stored, done, held](const HubEvent& event) {
    if (const auto error = not_answered_now(event, stored)) {
      done(HttpReply::of(*error));
      return false;
    }
    if (!background && !memory::is_terminal_event(event.type)) return true;
    const Json& response = event.data->at("response");
    // The code on which clients act: they shorten the conversation. The length was checked before anything was written.
    const bool too_long = response["error"].is_object() && string_of(response["error"], "code") == "context_length_exceeded";
    done(too_long && response["output"].empty() ? HttpReply::of(protocol::error_of_response(response, "input")) : HttpReply::of(response));
    return false;
  });
  if (!started) return done(HttpReply::of(ApiError::from(started.error())));
  *held = started->subscription;
  if (only_here && !started->existed) cancel_when_left(started->response_id, call.left);
}

// Cancels a run when the client of the request has left. The subscription holds the callback until the run's end.
void Api::cancel_when_left(const std::string& id, const std::stop_token& left) {
  using Callback = std::stop_callback<std::function<void()>>;
  const auto callback = std::make_shared<Callback>(left, [this, id] { (void)hub_.cancel(id); });
  auto held = std::make_shared<std::unique_ptr<Subscription>>();
  auto subscription = hub_.subscribe(id, -1, [callback, held](const HubEvent& event) { return !memory::is_terminal_event(event.type); });
  if (subscription) *held = std::move(*subscription);
}

Result<void> Api::when_ended(const std::string& id, std::function<void(const Parsed<Json>& response)> then) {
  auto held = std::make_shared<std::unique_ptr<Subscription>>();
  auto subscription = hub_.subscribe(id, -1, [held, then](const HubEvent& event) {
    if (const auto error = not_answered_now(event, true)) {
      then(*error);
      return false;
    }
    if (!memory::is_terminal_event(event.type)) return true;
    then(Parsed<Json>(event.data->at("response")));
    return false;
  });
  if (!subscription) return subscription.error();
  *held = std::move(*subscription);
  return {};
}

HttpReply Api::event_stream(const std::string& id, std::int64_t after) {
  auto relay = std::make_shared<Relay>();
  auto subscription = hub_.subscribe(id, after, [relay](const HubEvent& event) { return relay->take(event); });
  if (!subscription) return HttpReply::of(ApiError::from(subscription.error()));
  if ((*subscription)->over()) relay->end();
  return HttpReply::of_events([relay, held = std::shared_ptr<Subscription>(std::move(*subscription))](HttpReply::Out out) {
    relay->attach(std::move(out));
    return held;
  });
}

std::string Api::status(const std::string& id) const {
  const auto record = journal_.response(id);
  return record ? record->status : "";
}

Parsed<memory::Response> Api::find_response(const std::string& id) const {
  auto found = journal_.response(id);
  if (!found && found.error().code != memory::errc::not_found) return ApiError::from(from_journal(found.error()));
  if (!found || is_hidden(*found)) return ApiError::not_found("there is no response '" + id + "'");
  return std::move(*found);
}

Parsed<Json> Api::response(const std::string& id) const {
  const auto told = journal_.told(id);
  const ApiError not_found = ApiError::not_found("there is no response '" + id + "'");
  if (!told && told.error().code == memory::errc::not_found) return not_found;
  if (!told) return ApiError::from(from_journal(told.error()));
  const memory::Response* record = &told->response;
  const std::vector<memory::Event>* events = &told->events;
  if (is_hidden(*record)) return not_found;
  Json shown = {{"id", id},
                {"object", "response"},
                {"created_at", record->created_ms / 1000},
                {"status", record->status},
                {"model", record->model},
                {"output", Json::array()},
                {"conversation", {{"id", record->conversation_id}}},
                {"tools", Json::array()},
                {"tool_choice", "auto"},
                {"parallel_tool_calls", true},
                {"metadata", record->metadata},
                {"error", nullptr},
                {"incomplete_details", nullptr}};
  for (const memory::Event& event : *events) {
    if (event.data.contains("response")) shown.update(event.data["response"]);
    if (event.type == "response.output_item.done" && event.data.contains("item")) shown["output"].push_back(event.data["item"]);
    if (event.type == "baton.output_item.abandoned") drop_item(shown["output"], string_of(event.data, "item_id"));
    if (memory::is_terminal_event(event.type) && event.data["response"].contains("output"))
      shown["output"] = event.data["response"]["output"];
  }
  if (!record->rating.empty()) shown["baton.rating"] = {{"rating", record->rating}, {"note", record->rating_note}};
  return shown;
}

void Api::get_response(const HttpCall& call, const Path& path, Done done) {
  const auto query = [&](const char* name) {
    const auto at = call.query.find(name);
    return at == call.query.end() ? std::string() : at->second;
  };
  std::int64_t after = -1;
  if (const std::string text = query("starting_after"); !text.empty()) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), after);
    if (failed != std::errc() || end != text.data() + text.size() || after < -1)
      return done(HttpReply::of(ApiError::invalid("starting_after", "'starting_after' must be the sequence number of an event")));
  }
  const Parsed<Json> shown = response(path[0]);
  if (!shown) return done(HttpReply::of(shown.error()));
  const std::string stream = query("stream");
  if (stream == "true" || stream == "True" || stream == "1") return done(event_stream(path[0], after));
  done(HttpReply::of(*shown));
}

void Api::cancel_response(const HttpCall&, const Path& path, Done done) {
  // Its end is requested first: a response that is not stored is removed soon after it.
  const auto waiting = when_ended(path[0], [this, id = path[0], done](const Parsed<Json>& ended) {
    if (!ended) return done(HttpReply::of(ended.error()));
    const Parsed<Json> shown = response(id);
    done(HttpReply::of(shown ? *shown : *ended));
  });
  if (!waiting && waiting.error().code == errc::not_found)
    return done(HttpReply::of(ApiError::not_found("there is no response '" + path[0] + "'")));
  if (!waiting) return done(HttpReply::of(ApiError::from(waiting.error())));
  (void)hub_.cancel(path[0]);  // the waiting request is told its error as well
}

void Api::delete_response(const HttpCall&, const Path& path, Done done) {
  const Parsed<Json> shown = response(path[0]);
  if (!shown) return done(HttpReply::of(shown.error()));
  const auto removed = journal_.remove_response(path[0]);
  if (!removed && removed.error().code == memory::errc::in_use)
    return done(HttpReply::of(ApiError{409, "invalid_request_error", "response_in_progress",
                                       "cancel the response first: POST /v1/responses/" + path[0] + "/cancel", ""}));
  if (!removed && removed.error().code != memory::errc::not_found)
    return done(HttpReply::of(ApiError::from(from_journal(removed.error()))));
  done(HttpReply::of(Json{{"id", path[0]}, {"object", "response"}, {"deleted", true}}));
}

void Api::list_input_items(const HttpCall& call, const Path& path, Done done) {
  if (const auto found = find_response(path[0]); !found) return done(HttpReply::of(found.error()));
  const auto items = journal_.items_of_response(path[0]);
  if (!items) return done(HttpReply::of(ApiError::from(from_journal(items.error()))));
  std::vector<Json> shown;
  for (const memory::Item& item : *items) {
    const std::string from = string_of(item.content, "baton.from");
    if (from == "client" || (from.empty() && !item.content.contains("baton.turn"))) shown.push_back(shown_item(item.content, item.id));
  }
  const Parsed<Json> page = list_page(call, std::move(shown));
  done(page ? HttpReply::of(*page) : HttpReply::of(page.error()));
}

void Api::rate_response(const HttpCall& call, const Path& path, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  const std::string rating = fields.string("rating", 8).value_or(""), note = fields.string("note", 4096).value_or("");
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  if (rating != "good" && rating != "bad") return done(HttpReply::of(ApiError::invalid("rating", "'rating' must be good or bad")));
  if (const auto found = find_response(path[0]); !found) return done(HttpReply::of(found.error()));
  const auto rated = journal_.rate(path[0], rating, note);
  if (!rated && rated.error().code == memory::errc::not_found)
    return done(HttpReply::of(ApiError::not_found("there is no response '" + path[0] + "'")));
  if (!rated) return done(HttpReply::of(ApiError::from(from_journal(rated.error()))));
  log_ignored(call.client, notes);
  done(HttpReply::of(with_ignored(Json{{"id", path[0]}, {"object", "baton.rating"}, {"rating", rating}, {"note", note}}, notes)));
}

}  // namespace baton::agent::api
