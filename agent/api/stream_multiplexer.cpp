#include "stream_multiplexer.h"

#include <baton/agent/core/items.h>
#include <baton/agent/protocol/fields.h>
#include <baton/memory/response_end.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace baton::agent::api {
namespace {

bool is_delta(const std::string& type) { return type.size() > 6 && type.compare(type.size() - 6, 6, ".delta") == 0; }

}  // namespace

void StreamMultiplexer::on_message(const std::string& text) {
  try {
    read_message(text);
  } catch (const std::exception& e) {  // a bug of ours: it must not end the daemon
    error(ApiError::internal(e.what()), "");
  }
}

void StreamMultiplexer::read_message(const std::string& text) {
  const Parsed<Json> message = protocol::parse_json(text);
  if (!message) return error(message.error(), "");
  const std::string type = string_of(*message, "type");
  if (type == "response.create") return create(*message);
  if (type == "response.steer") return steer(*message);
  if (type == "baton.cancel") return cancel(*message);
  if (type == "baton.resume") return resume(*message);
  error(ApiError::invalid("type", type.empty() ? "'type' is missing: a message is a JSON object with a type"
                                               : "unknown message type '" + type +
                                                     "'; the types are response.create, response.steer, baton.resume and baton.cancel"),
        string_of(*message, "stream_id"));
}

bool StreamMultiplexer::tell(OutgoingMessage message) const {
  const auto peer = peer_.lock();
  return peer && peer->send(std::move(message));
}

void StreamMultiplexer::error(const ApiError& error, const std::string& lane) {
  if (!error.log.empty()) spdlog::error("a message failed with {}, client={}: {}", error.status, client_, error.log);
  Json event = {{"type", "error"}};
  event.update(error.json());
  event["status"] = error.status;
  // Fields for clients of the socket, and those for clients of the event stream.
  event["code"] = error.code;
  event["message"] = error.message;
  event["param"] = error.param.empty() ? Json() : Json(error.param);
  event["sequence_number"] = 0;
  tell({with_stream_id(std::make_shared<const std::string>(to_text(event)), lane)});
}

// ---- response.create

void StreamMultiplexer::create(const Json& message) {
  const std::string named = string_of(message, "stream_id");
  Parsed<protocol::CreateRequest> request = api_.parse(message, protocol::Channel::websocket, "");
  if (!request) return error(request.error(), named);
  api_.log_ignored(client_, request->notes);
  request->run.client = client_;
  request->run.share = session_;
  request->run.session = session_;
  const std::string lane_id = request->stream_id;
  {
    const std::scoped_lock lock(mutex_);
    if (!lanes_.contains(lane_id) && static_cast<int>(lanes_.size()) >= limits_.lanes)
      return error(
          {429, "rate_limit_error", "too_many_lanes", "a socket has at most " + std::to_string(limits_.lanes) + " lanes", "stream_id"},
          lane_id);
    Lane& lane = lanes_[lane_id];
    if (lane.busy && static_cast<int>(lane.waiting.size()) >= limits_.queue)
      return error({429, "rate_limit_error", "lane_full",
                    std::to_string(limits_.queue) + " responses already wait on this lane; use another stream_id", "stream_id"},
                   lane_id);
    if (lane.busy) {
      lane.waiting.push_back(std::move(request->run));
      return;
    }
    lane.busy = true;
  }
  begin(lane_id, std::move(request->run));
}

RunHub::Sink StreamMultiplexer::sink(const std::string& lane, int turn) {
  return [weak = weak_from_this(), lane, turn](const HubEvent& event) {
    const auto self = weak.lock();
    return self && self->on_event(lane, turn, event);
  };
}

void StreamMultiplexer::begin(const std::string& lane, RunRequest request) {
  const int turn = next_turn(lane);
  const auto started = api_.hub().start(std::move(request), sink(lane, turn));
  if (started) return take(lane, turn, started->response_id, started->subscription);
  error(ApiError::from(started.error()), lane);
  next(lane, turn);
}

int StreamMultiplexer::next_turn(const std::string& lane) {
  const std::scoped_lock lock(mutex_);
  return ++lanes_[lane].turn;
}

void StreamMultiplexer::take(const std::string& lane, int turn, const std::string& response_id,
                             std::shared_ptr<Subscription> subscription) {
  const std::scoped_lock lock(mutex_);
  if (closed_ || lanes_[lane].turn != turn) return;  // the subscription ends, the run continues
  lanes_[lane].response_id = response_id;
  lanes_[lane].subscription.swap(subscription);
}

// Starts the request that waits on a lane whose response has ended. A successor may have begun its turn there before the end of the
// response was handled.
void StreamMultiplexer::next(const std::string& lane_id, int turn) {
  RunRequest request;
  {
    const std::scoped_lock lock(mutex_);
    Lane& lane = lanes_[lane_id];
    if (lane.turn != turn) return;
    lane.busy = !closed_ && !lane.waiting.empty();
    if (!lane.busy) return;
    request = std::move(lane.waiting.front());
    lane.waiting.pop_front();
  }
  begin(lane_id, std::move(request));
}

bool StreamMultiplexer::on_event(const std::string& lane, int turn, const HubEvent& event) {
  if (event.type == kSuccessorEvent) {
    post_([weak = weak_from_this(), lane, turn, id = string_of(*event.data, "successor_id")] {
      if (const auto self = weak.lock()) self->continue_with(lane, turn, id);
    });
    return true;
  }
  if (!tell({with_stream_id(event.json, lane), is_delta(event.type) ? event.data : nullptr, lane})) return false;
  if (memory::is_terminal_event(event.type)) {
    post_([weak = weak_from_this(), lane, turn] {
      if (const auto self = weak.lock()) self->next(lane, turn);
    });
  }
  return true;  // events about steering may follow the end
}

// ---- a successor, and resuming

// A steered response continues in its successor, on the same lane, unless the lane has begun another response meanwhile.
void StreamMultiplexer::continue_with(const std::string& lane_id, int turn, const std::string& successor) {
  {
    const std::scoped_lock lock(mutex_);
    Lane& lane = lanes_[lane_id];
    if (closed_ || lane.turn != turn) return;
    lane.busy = true;
  }
  follow(lane_id, successor, -1);
}

void StreamMultiplexer::follow(const std::string& lane, const std::string& response_id, std::int64_t after) {
  const int turn = next_turn(lane);
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  auto subscription = api_.hub().subscribe(response_id, after, [ended, sink = sink(lane, turn)](const HubEvent& event) {
    if (memory::is_terminal_event(event.type)) *ended = true;
    return sink(event);
  });
  if (subscription) {
    const bool nothing_follows = (*subscription)->over() && !*ended;
    take(lane, turn, response_id, std::move(*subscription));
    if (nothing_follows) resumed(lane, turn, response_id, after);
    return;
  }
  const Error& why = subscription.error();
  error(
      why.code == errc::not_found ? ApiError::not_found("there is no response '" + response_id + "'", "response_id") : ApiError::from(why),
      lane);
  next(lane, turn);
}

// The client has seen the response's last event: it is told so, and the lane is free.
void StreamMultiplexer::resumed(const std::string& lane, int turn, const std::string& response_id, std::int64_t after) {
  const Json event = {{"type", "baton.resumed"},
                      {"response_id", response_id},
                      {"status", api_.status(response_id)},
                      {"starting_after", after},
                      {"sequence_number", 0}};
  tell({with_stream_id(std::make_shared<const std::string>(to_text(event)), lane)});
  next(lane, turn);
}

void StreamMultiplexer::resume(const Json& message) {
  protocol::Notes notes;
  protocol::Fields fields(message, "", notes);
  fields.any("type");
  const std::string id = fields.string("response_id", 128).value_or(""), lane_id = fields.string("stream_id", 64).value_or("");
  const std::int64_t after = fields.integer("starting_after", -1, std::numeric_limits<std::int64_t>::max()).value_or(-1);
  if (auto wrong = fields.finish()) return error(*wrong, lane_id);
  if (id.empty()) return error(ApiError::invalid("response_id", "'response_id' is missing", "missing_required_parameter"), lane_id);
  {
    const std::scoped_lock lock(mutex_);
    if (!lanes_.contains(lane_id) && static_cast<int>(lanes_.size()) >= limits_.lanes)
      return error(
          {429, "rate_limit_error", "too_many_lanes", "a socket has at most " + std::to_string(limits_.lanes) + " lanes", "stream_id"},
          lane_id);
    Lane& lane = lanes_[lane_id];
    if (lane.busy)
      return error({409, "invalid_request_error", "lane_busy", "a response is using this lane; resume on another stream_id", "stream_id"},
                   lane_id);
    lane.busy = true;
  }
  follow(lane_id, id, after);
}

// ---- response.steer, baton.cancel

void StreamMultiplexer::steer_failed(const Json& message, const char* code, const std::string& why) {
  const Json event = {
      {"type", "response.steer.failed"},
      {"sequence_number", 0},
      {"steer", {{"previous_response_id", string_of(message, "previous_response_id")}, {"input", message.value("input", Json())}}},
      {"error", {{"type", "invalid_request_error"}, {"code", code}, {"message", why}}}};
  tell({std::make_shared<const std::string>(to_text(event))});
}

void StreamMultiplexer::steer(const Json& message) {
  protocol::Notes notes;
  protocol::Fields fields(message, "", notes);
  fields.any("type");
  const std::string id = fields.string("previous_response_id", 128).value_or("");
  const Json* input = fields.any("input");
  if (auto wrong = fields.finish()) return steer_failed(message, "invalid_input", wrong->message);
  if (id.empty() || !input) return steer_failed(message, "invalid_input", "response.steer needs previous_response_id and input");
  auto items = protocol::parse_input(*input, "input", notes);
  if (!items) return steer_failed(message, "invalid_input", items.error().message);
  for (const Json& item : *items) {
    if (string_of(item, "type") != "message" || string_of(item, "role") != "user")
      return steer_failed(message, "invalid_input", "response.steer takes only messages whose role is user");
  }
  if (items->empty()) return steer_failed(message, "invalid_input", "'input' is empty");
  const auto steered = api_.hub().steer(id, std::move(*items));
  if (!steered) steer_failed(message, api_.response(id) ? "response_already_completed" : "response_not_found", steered.error().message);
}

void StreamMultiplexer::cancel(const Json& message) {
  protocol::Notes notes;
  protocol::Fields fields(message, "", notes);
  fields.any("type");
  const std::string id = fields.string("response_id", 128).value_or(""), lane = fields.string("stream_id", 64).value_or("");
  if (auto wrong = fields.finish()) return error(*wrong, lane);
  const auto cancelled = api_.hub().cancel(id);
  if (cancelled) return;
  const Error& why = cancelled.error();
  error(why.code == errc::not_found ? ApiError::not_found("there is no response '" + id + "'", "response_id") : ApiError::from(why), lane);
}

void StreamMultiplexer::close() {
  std::map<std::string, Lane> gone;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(closed_, true)) return;
    gone.swap(lanes_);
  }
  post_([api = &api_, session = session_] { api->hub().end_session(session); });
}

}  // namespace baton::agent::api
