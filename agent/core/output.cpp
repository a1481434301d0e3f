#include "output.h"

namespace baton::agent {

void Output::event(const std::string& type, Json data) {
  Json event = {{"type", type}};
  event.update(data);
  act(EmitEvent{type, std::move(event)});
}

void Output::user_message(const std::string& text, bool from_runtime) {
  const std::string id = new_id_("item_");
  Json item = user_message_item(id, text);
  if (from_runtime) item["baton.from"] = "runtime";
  act(KeepItem{id, std::move(item), text, {}});
}

// ---- text and reasoning

void Output::write(Block::Kind kind, const std::string& piece, int turn) {
  const bool text = kind == Block::Kind::text;
  if (block_.kind != kind) {
    close("completed", turn);
    block_ = {kind, new_id_("item_"), "", static_cast<int>(items_.size())};
    items_.emplace_back();
    const Json item =
        text ? assistant_message_item(block_.id, "", turn, "in_progress") : reasoning_item(block_.id, "", turn, "in_progress");
    event("response.output_item.added", {{"output_index", block_.output_index}, {"item", item}});
    Json part = {{"type", text ? "output_text" : "reasoning_text"}, {"text", ""}};
    if (text) part["annotations"] = Json::array();
    event("response.content_part.added",
          {{"item_id", block_.id}, {"output_index", block_.output_index}, {"content_index", 0}, {"part", std::move(part)}});
  }
  if (piece.empty()) return;
  block_.text += piece;
  Json delta = {{"item_id", block_.id}, {"output_index", block_.output_index}, {"content_index", 0}, {"delta", piece}};
  if (text) delta["logprobs"] = Json::array();
  event(text ? "response.output_text.delta" : "response.reasoning_text.delta", std::move(delta));
}

void Output::close(const std::string& status, int turn, llm::RawTokens raw) {
  if (!writing()) return;
  const Block block = std::exchange(block_, {});
  const bool text = block.kind == Block::Kind::text;
  Json item = text ? assistant_message_item(block.id, block.text, turn, status) : reasoning_item(block.id, block.text, turn, status);
  const Json place = {{"item_id", block.id}, {"output_index", block.output_index}, {"content_index", 0}};
  Json end = place;
  end["text"] = block.text;
  if (text) end["logprobs"] = Json::array();
  event(text ? "response.output_text.done" : "response.reasoning_text.done", std::move(end));
  Json part = place;
  part["part"] = item["content"][0];
  event("response.content_part.done", std::move(part));
  done(block.output_index, item);
  act(KeepItem{block.id, std::move(item), text ? block.text : "", std::move(raw)});
}

// ---- calls

Call Output::open_call(int index, const std::string& call_id, const std::string& name, int turn) {
  close("completed", turn);
  Call call;
  call.index = index;
  call.output_index = static_cast<int>(items_.size());
  call.call = {call_id, name, Json::object()};
  call.item = {.id = new_id_("item_"), .call_id = call_id, .name = name, .arguments = "", .turn = turn};
  items_.emplace_back();
  event("response.output_item.added", {{"output_index", call.output_index}, {"item", call_item(call.item)}});
  return call;
}

void Output::call_arguments(const Call& call, const std::string& fragment) {
  event("response.mcp_call_arguments.delta", {{"item_id", call.item.id}, {"output_index", call.output_index}, {"delta", fragment}});
}

void Output::call_written(const Call& call) {
  event("response.mcp_call_arguments.done",
        {{"item_id", call.item.id}, {"output_index", call.output_index}, {"arguments", call.item.arguments}});
}

void Output::call_started(const Call& call) {
  event("response.mcp_call.in_progress", {{"item_id", call.item.id}, {"output_index", call.output_index}});
}

void Output::call_answered(const Call& call) {
  event(call.is_error ? "response.mcp_call.failed" : "response.mcp_call.completed",
        {{"item_id", call.item.id}, {"output_index", call.output_index}});
  done(call.output_index, call_item(call.item));
}

void Output::call_cut_off(Call& call) {
  call.item.status = "incomplete";
  done(call.output_index, call_item(call.item));
}

void Output::keep_call(const Call& call, llm::RawTokens raw) {
  act(KeepItem{call.item.id, call_item(call.item), call.item.name + " " + call.item.arguments + "\n" + call.item.result, std::move(raw)});
}

void Output::done(int output_index, const Json& item) {
  items_[static_cast<std::size_t>(output_index)] = item;
  event("response.output_item.done", {{"output_index", output_index}, {"item", item}});
}

Json Output::items() const {
  Json all = Json::array();
  for (const Json& item : items_) {
    if (!item.is_null()) all.push_back(item);
  }
  return all;
}

}  // namespace baton::agent
