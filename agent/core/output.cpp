#include "output.h"

#include <utility>

namespace baton::agent {
namespace {

Json bytes_of(const std::string& text) {
  Json bytes = Json::array();
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

// The bytes of a token may be a part of a character: bytes that are not UTF-8 become U+FFFD in `token`.
Json logprob_json(const std::string& bytes, double logprob) {
  return {{"token", Json::parse(to_text(bytes)).get<std::string>()}, {"logprob", logprob}, {"bytes", bytes_of(bytes)}};
}

void append(Json& list, const std::vector<llm::TokenLogprob>& logprobs) {
  for (const llm::TokenLogprob& token : logprobs) {
    Json entry = logprob_json(token.bytes, token.logprob);
    entry["top_logprobs"] = Json::array();
    for (const auto& [bytes, logprob] : token.top) entry["top_logprobs"].push_back(logprob_json(bytes, logprob));
    list.push_back(std::move(entry));
  }
}

}  // namespace

void Output::event(const std::string& type, Json data) {
  Json event = {{"type", type}};
  event.update(data);
  act(EmitEvent{type, std::move(event)});
}

void Output::input_item(Json item) {
  std::string id = new_id_("item_");
  item["id"] = id;
  std::string text = search_text(item);
  act(KeepItem{std::move(id), std::move(item), std::move(text), {}});
}

void Output::hint(const std::string& text) {
  Json item = user_message_item("", text);
  item["baton.from"] = "runtime";
  input_item(std::move(item));
}

// ---- text and reasoning

void Output::write(Block::Kind kind, const std::string& piece, int turn, const std::vector<llm::TokenLogprob>& logprobs) {
  const bool text = kind == Block::Kind::text;
  if (block_.kind != kind) {
    close("completed", turn);
    block_ = {kind, new_id_("item_"), "", Json::array(), static_cast<int>(items_.size())};
    items_.emplace_back();
    const Json item =
        text ? assistant_message_item(block_.id, "", turn, "in_progress") : reasoning_item(block_.id, "", turn, "in_progress");
    event("response.output_item.added", {{"output_index", block_.output_index}, {"item", item}});
    Json part = {{"type", text ? "output_text" : "reasoning_text"}, {"text", ""}};
    if (text) part["annotations"] = Json::array();
    event("response.content_part.added",
          {{"item_id", block_.id}, {"output_index", block_.output_index}, {"content_index", 0}, {"part", std::move(part)}});
  }
  if (piece.empty() && logprobs.empty()) return;
  block_.text += piece;
  Json said = Json::array();
  append(said, logprobs);
  append(block_.logprobs, logprobs);
  Json delta = {{"item_id", block_.id}, {"output_index", block_.output_index}, {"content_index", 0}, {"delta", piece}};
  if (text) delta["logprobs"] = std::move(said);
  event(text ? "response.output_text.delta" : "response.reasoning_text.delta", std::move(delta));
}

void Output::close(const std::string& status, int turn, llm::RawTokens raw) {
  if (!writing()) return;
  const Block block = std::exchange(block_, {});
  const bool text = block.kind == Block::Kind::text;
  Json item = text ? assistant_message_item(block.id, block.text, turn, status) : reasoning_item(block.id, block.text, turn, status);
  if (text) item["content"][0]["logprobs"] = block.logprobs;
  const Json place = {{"item_id", block.id}, {"output_index", block.output_index}, {"content_index", 0}};
  Json end = place;
  end["text"] = block.text;
  if (text) end["logprobs"] = block.logprobs;
  event(text ? "response.output_text.done" : "response.reasoning_text.done", std::move(end));
  Json part = place;
  part["part"] = item["content"][0];
  event("response.content_part.done", std::move(part));
  done(block.output_index, item);
  closed_.push_back(KeepItem{block.id, std::move(item), text ? block.text : "", std::move(raw)});
}

void Output::keep_turn() {
  for (Action& action : std::exchange(closed_, {})) act(std::move(action));
}

// ---- calls

Call Output::open_call(int index, const std::string& call_id, const std::string& name, int turn) {
  close("completed", turn);
  Call call;
  call.index = index;
  call.call = {call_id, name, Json::object()};
  call.item = {.id = new_id_("item_"), .call_id = call_id, .name = name, .arguments = "", .turn = turn};
  return call;
}

void Output::show_call(Call& call) {
  call.output_index = static_cast<int>(items_.size());
  items_.emplace_back();
  event("response.output_item.added", {{"output_index", call.output_index}, {"item", call_item(call.item)}});
}

namespace {

std::string arguments_event(const Call& call, const char* what) {
  return std::string(call.item.kind == CallItem::Kind::client ? "response.function_call_arguments." : "response.mcp_call_arguments.") +
         what;
}

}  // namespace

void Output::call_arguments(const Call& call, const std::string& fragment) {
  event(arguments_event(call, "delta"), {{"item_id", call.item.id}, {"output_index", call.output_index}, {"delta", fragment}});
}

void Output::call_written(const Call& call) {
  Json data = {{"item_id", call.item.id}, {"output_index", call.output_index}, {"arguments", call.item.arguments}};
  if (call.item.kind == CallItem::Kind::client) data["name"] = call.item.name;
  event(arguments_event(call, "done"), std::move(data));
}

void Output::call_started(const Call& call) {
  event("response.mcp_call.in_progress", {{"item_id", call.item.id}, {"output_index", call.output_index}});
}

void Output::call_progress(const Call& call, double fraction, const std::string& message) {
  event("baton.mcp_call.progress",
        {{"item_id", call.item.id}, {"output_index", call.output_index}, {"fraction", fraction}, {"message", message}});
}

void Output::call_handed_over(Call& call) {
  call.item.status = "completed";
  done(call.output_index, call_item(call.item));
}

void Output::call_answered(const Call& call) {
  event(call.is_error ? "response.mcp_call.failed" : "response.mcp_call.completed",
        {{"item_id", call.item.id}, {"output_index", call.output_index}});
  done(call.output_index, call_item(call.item));
}

void Output::call_cut_off(Call& call) {
  if (call.output_index < 0) return;
  call.item.status = "incomplete";
  done(call.output_index, call_item(call.item));
}

void Output::keep_call(const Call& call, llm::RawTokens raw) {
  Json item = call_item(call.item);
  std::string text = search_text(item);
  act(KeepItem{call.item.id, std::move(item), std::move(text), std::move(raw)});
}

void Output::done(int output_index, const Json& item) {
  items_[static_cast<std::size_t>(output_index)] = item;
  event("response.output_item.done", {{"output_index", output_index}, {"item", item}});
}

void Output::abandon(int output_index, const std::string& id) {
  items_[static_cast<std::size_t>(output_index)] = nullptr;
  event("baton.output_item.abandoned", {{"output_index", output_index}, {"item_id", id}});
}

Json Output::items() const {
  Json all = Json::array();
  for (const Json& item : items_) {
    if (!item.is_null()) all.push_back(item);
  }
  return all;
}

}  // namespace baton::agent
