// Requests about the model itself: its figures, its tokens, the length of a prompt, a conversation in fewer words.
#include <baton/agent/core/items.h>
#include <baton/agent/protocol/fields.h>
#include <baton/agent/protocol/request_limits.h>
#include <baton/agent/protocol/text_request.h>
#include <baton/agent/runtime/journal_error.h>
#include <baton/agent/runtime/restore.h>
#include <baton/memory/response_end.h>

#include <algorithm>

#include "api.h"
#include "waiting.h"

namespace baton::agent::api {
namespace {

constexpr std::size_t kMaxTokenizedBytes = 1 << 20;

constexpr const char* kSummarise =
    "Summarise this conversation, so that it can be continued from the summary alone: what was asked, what was found out or done (names, "
    "figures, results of tools), and what is still open. Write the summary only.";
constexpr const char* kSummary = "The conversation so far, in summary:\n";

ApiError nothing_known() {
  return {501, "invalid_request_error", "unsupported_endpoint", "this daemon's model does not make its tokenizer available", ""};
}

ApiError error_of(const llm::Error& error) {
  const bool too_long = error.code == llm::errc::context_overflow;
  return ApiError::invalid(too_long ? "input" : "", error.message, too_long ? "context_length_exceeded" : "invalid_prompt");
}

// Waits for the end of a run that no other client uses; when the client leaves, the run is cancelled.
struct WaitForEnd {
  std::shared_ptr<Subscription> subscription;
  std::optional<std::stop_callback<std::function<void()>>> on_left;
};

}  // namespace

Json Api::model_json(const std::string& id) const {
  Json model = {{"id", id}, {"object", "model"}, {"created", started_ms_ / 1000}, {"owned_by", "baton"}};
  if (const ModelFacts* facts = agent_.generator().facts()) {
    // The names in vLLM, OpenRouter and llama.cpp.
    model["max_model_len"] = facts->n_ctx();
    model["context_length"] = facts->n_ctx();
    model["meta"] = facts->figures();
  }
  return model;
}

void Api::tokenize(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  fields.any("model");
  auto text = fields.string("content", kMaxTokenizedBytes);
  if (!text) text = fields.string("prompt", kMaxTokenizedBytes);
  const bool add_bos = fields.boolean("add_special").value_or(false) || fields.boolean("add_special_tokens").value_or(false);
  const bool special = fields.boolean("parse_special").value_or(true);
  const bool pieces = fields.boolean("with_pieces").value_or(false) || fields.boolean("return_token_strs").value_or(false);
  fields.unsupported("messages", "POST /v1/responses/input_tokens counts those of a conversation");
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  if (!text) return done(HttpReply::of(ApiError::invalid("content", "'content' is missing: send a string", "missing_required_parameter")));
  const ModelFacts* facts = agent_.generator().facts();
  if (!facts) return done(HttpReply::of(nothing_known()));
  const auto ids = facts->tokenize(*text, special, add_bos, kMaxTokenizedBytes + 1);
  if (!ids) return done(HttpReply::of(ApiError::invalid("content", "'content' has too many tokens")));
  Json tokens = Json::array();
  for (const std::int32_t id : *ids) {
    if (!pieces) {
      tokens.push_back(id);
      continue;
    }
    const std::string bytes = facts->piece(id);
    Json piece = Json::array();  // a part of a character is not text
    for (const char c : bytes) piece.push_back(static_cast<unsigned char>(c));
    const std::string text_of_piece = Json::parse(to_text(bytes)).get<std::string>();
    tokens.push_back({{"id", id}, {"piece", text_of_piece == bytes ? Json(bytes) : std::move(piece)}});
  }
  done(HttpReply::of(Json{{"tokens", std::move(tokens)}, {"count", ids->size()}, {"max_model_len", facts->n_ctx()}}));
}

void Api::detokenize(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  fields.any("model");
  const Json* tokens = fields.array("tokens");
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  if (!tokens)
    return done(HttpReply::of(ApiError::invalid("tokens", "'tokens' is missing: send a list of token ids", "missing_required_parameter")));
  const ModelFacts* facts = agent_.generator().facts();
  if (!facts) return done(HttpReply::of(nothing_known()));
  const auto ids = protocol::parse_tokens(*tokens, "tokens", *facts);
  if (!ids) return done(HttpReply::of(ids.error()));
  if (auto error = protocol::more_than(static_cast<std::size_t>(facts->n_ctx()), "tokens", ids->size(), "tokens"))
    return done(HttpReply::of(*error));
  const std::string text = facts->detokenize(*ids);
  done(HttpReply::of(Json{{"content", text}, {"prompt", text}}));  // the names in llama.cpp and vLLM
}

void Api::count_input_tokens(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  Parsed<protocol::CreateRequest> request = parse(*body, protocol::Channel::http, "", protocol::Purpose::review);
  if (!request) return done(HttpReply::of(request.error()));
  log_ignored(call.client, request->notes);
  const ModelFacts* facts = agent_.generator().facts();
  if (!facts) return done(HttpReply::of(nothing_known()));
  Json reply = {{"object", "response.input_tokens"}, {"input_tokens", 0}};
  if (!request->run.ignored.empty()) reply["baton.ignored"] = request->run.ignored;
  const auto asked = agent_.preview(std::move(request->run));
  if (!asked) return done(HttpReply::of(ApiError::from(asked.error())));
  if (!asked->messages.empty()) {
    const auto count = facts->count(*asked);
    if (!count) return done(HttpReply::of(error_of(count.error())));
    reply["input_tokens"] = *count;
  }
  done(HttpReply::of(reply));
}

// A run that is not stored does not continue a conversation, but it can continue a response. Items that the client has put into the
// conversation after its last response become input.
Result<void> Api::continue_copy_of(const std::string& conversation_id, RunRequest& run) const {
  // Output that a killed run had shown and not kept belongs to the conversation.
  if (const auto kept = keep_cut_items(journal_, conversation_id); !kept) return kept.error();
  const auto thread = journal_.thread(conversation_id);
  if (!thread) return from_journal(thread.error());
  auto item = thread->items.begin();
  if (!thread->responses.empty()) {
    run.previous_response_id = thread->responses.back().id;
    const auto own = std::find_if(thread->items.rbegin(), thread->items.rend(),
                                  [&](const memory::Item& one) { return one.response_id == run.previous_response_id; });
    item = own == thread->items.rend() ? thread->items.end() : own.base();
  }
  std::size_t bytes = 0;
  for (; item != thread->items.end(); ++item) {
    bytes += to_text(item->content).size();
    if (bytes > options_.max_input_bytes)
      return Error{errc::conversation_too_large, "the conversation has more than " + std::to_string(options_.max_input_bytes) +
                                                     " bytes of items after its last response, which is more than one request may contain"};
    run.input.push_back(item->content);
  }
  return {};
}

void Api::compact(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  Parsed<protocol::CreateRequest> request = parse(*body, protocol::Channel::http, "", protocol::Purpose::review);
  if (!request) return done(HttpReply::of(request.error()));
  log_ignored(call.client, request->notes);
  RunRequest run;
  run.previous_response_id = std::move(request->run.previous_response_id);
  if (const std::string& id = request->run.conversation_id; !id.empty()) {
    if (const Result<void> found = continue_copy_of(id, run); !found) return done(HttpReply::of(ApiError::from(found.error())));
  }
  for (Json& item : request->run.input) run.input.push_back(std::move(item));
  // No call is run here: a call that a client has approved waits for the response that runs it.
  std::erase_if(run.input, [](const Json& item) {
    return string_of(item, "type") == "mcp_approval_response" || string_of(item, "type") == "baton.retry_tool";
  });
  run.input.push_back(user_message_item("", kSummarise));
  run.instructions = std::move(request->run.instructions);
  run.all_tools = false;
  run.truncate = true;  // better a summary of the later turns than none
  run.turn.max_output_tokens = request->run.turn.max_output_tokens;
  run.ignored = std::move(request->run.ignored);
  run.storage = Storage::temporary;
  run.client = call.client;
  run.share = call.share;
  const auto waiting = std::make_shared<WaitForEnd>();
  const auto started = hub_.start(std::move(run), [done, waiting](const HubEvent& event) {
    if (const auto error = not_answered_now(event, false)) {
      done(HttpReply::of(*error));
      return false;
    }
    if (!memory::is_terminal_event(event.type)) return true;
    const Json response = event.data->at("response");
    if (string_of(response, "status") == "failed" || string_of(response, "status") == "cancelled") {
      done(HttpReply::of(protocol::error_of_response(response, "input")));
      return false;
    }
    std::string text;
    for (const Json& item : response["output"]) {
      if (string_of(item, "type") == "message") text += text_of_message(item);
    }
    Json compacted = {{"id", response["id"]},
                      {"object", "response.compaction"},
                      {"created_at", response["created_at"]},
                      {"output", Json::array({{{"id", memory::new_id("cmp_")},
                                               {"type", "compaction"},
                                               {"encrypted_content", std::string(protocol::kCompactionMark) + kSummary + text}}})},
                      {"usage", response["usage"]}};
    for (const char* key : {"baton.ignored", "baton.truncated"}) {
      if (response.contains(key)) compacted[key] = response[key];
    }
    done(HttpReply::of(compacted));
    return false;
  });
  if (!started) return done(HttpReply::of(ApiError::from(started.error())));
  waiting->subscription = started->subscription;
  waiting->on_left.emplace(call.left, [hub = &hub_, id = started->response_id] { (void)hub->cancel(id); });
}

void Api::embeddings(const HttpCall&, const Path&, Done done) {
  done(HttpReply::of(ApiError{400, "invalid_request_error", "embeddings_not_supported",
                              "this daemon's model writes text and cannot make embeddings; use a server with an embedding model", ""}));
}

}  // namespace baton::agent::api
