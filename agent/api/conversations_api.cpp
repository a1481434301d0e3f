// /v1/conversations
#include <baton/agent/core/items.h>
#include <baton/agent/protocol/fields.h>
#include <baton/agent/runtime/journal_error.h>
#include <baton/agent/runtime/restore.h>

#include <algorithm>

#include "api.h"

namespace baton::agent::api {
namespace {

Json shown(const memory::Conversation& conversation) {
  return {{"id", conversation.id},
          {"object", "conversation"},
          {"created_at", conversation.created_ms / 1000},
          {"metadata", conversation.metadata},
          {"baton.title", conversation.title}};
}

ApiError io(const memory::Error& error) { return ApiError::from(from_journal(error)); }

// Reads {"items": [..]}, at most 20 as the protocol requires.
Parsed<std::vector<Json>> items_of(const Json* list, protocol::Notes& notes) {
  if (!list) return std::vector<Json>{};
  if (list->is_array() && list->size() > 20)
    return ApiError::invalid("items", "'items' holds " + std::to_string(list->size()) + " items; at most 20 are allowed at a time");
  return protocol::parse_input(*list, "items", notes);
}

// The journal's row for an item of a request. A copy of an approval request keeps the approval's id in its content: an approval is answered
// by this id, so one answer applies to all copies.
memory::Item row_of(Json item, const std::string& conversation_id) {
  memory::Item row;
  row.id = memory::new_id("item_");
  if (string_of(item, "type") != "mcp_approval_request" || string_of(item, "id").empty()) item["id"] = row.id;
  row.conversation_id = conversation_id;
  row.text = search_text(item);
  row.content = std::move(item);
  return row;
}

}  // namespace

Parsed<memory::Conversation> Api::find_conversation(const std::string& id) const {
  auto found = journal_.conversation(id);
  if (!found || found->id != id || found->temporary) return ApiError::not_found("there is no conversation '" + id + "'");
  return std::move(*found);
}

std::optional<ApiError> Api::take_references(std::vector<Json>& items, const std::string& param) const {
  std::vector<std::string> ids;
  std::size_t bytes = 0;  // of the other items
  for (const Json& item : items) {
    if (string_of(item, "type") == "item_reference") {
      ids.push_back(string_of(item, "id"));
    } else {
      bytes += to_text(item).size();
    }
  }
  if (ids.empty()) return std::nullopt;
  auto stored = journal_.items_by_id(ids, options_.max_input_bytes - std::min(bytes, options_.max_input_bytes));
  if (!stored && stored.error().code == memory::errc::too_large)
    return ApiError::invalid(param,
                             "'" + param + "' has more than " + std::to_string(options_.max_input_bytes) +
                                 " bytes, including the items that it refers to; refer to fewer items, and to each only once",
                             "input_too_large");
  // The items of a response that was not to be stored are in a temporary conversation.
  std::string found;  // the conversation that was looked up last
  const auto unstored = [&](const memory::Item& item) {
    if (item.conversation_id == found) return false;
    if (!find_conversation(item.conversation_id)) return true;
    found = item.conversation_id;
    return false;
  };
  const bool any_hidden = stored && std::any_of(stored->begin(), stored->end(), unstored);
  if (any_hidden || (!stored && stored.error().code == memory::errc::not_found)) {
    const auto missing = std::find_if(items.begin(), items.end(), [&](const Json& item) {
      if (string_of(item, "type") != "item_reference") return false;
      const auto named = journal_.item(string_of(item, "id"));
      return !named || unstored(*named);
    });
    const auto at = std::to_string(missing - items.begin());
    return ApiError::invalid(param + "[" + at + "].id", "'" + param + "[" + at + "]' names an item that does not exist", "item_not_found");
  }
  if (!stored) return io(stored.error());
  auto next = stored->begin();
  for (Json& item : items) {
    if (string_of(item, "type") == "item_reference") item = std::move((next++)->content);
  }
  return std::nullopt;
}

void Api::create_conversation(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body.empty() ? "{}" : call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  memory::Conversation conversation;
  conversation.id = memory::new_id("conv_");
  conversation.created_ms = memory::now_ms();
  if (const Json* metadata = fields.any("metadata")) {
    auto parsed = protocol::parse_metadata(*metadata, "metadata");
    if (!parsed) return done(HttpReply::of(parsed.error()));
    conversation.metadata = std::move(*parsed);
  }
  auto items = items_of(fields.any("items"), notes);
  if (!items) return done(HttpReply::of(items.error()));
  if (auto error = take_references(*items, "items")) return done(HttpReply::of(*error));
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  memory::Batch batch;
  batch.put(conversation);
  for (Json& item : *items) batch.add(row_of(std::move(item), conversation.id));
  const auto kept = journal_.commit_and_wait(std::move(batch), memory::Durability::power);
  log_ignored(call.client, notes);
  done(kept ? HttpReply::of(with_ignored(shown(conversation), notes)) : HttpReply::of(io(kept.error())));
}

void Api::get_conversation(const HttpCall&, const Path& path, Done done) {
  const auto found = find_conversation(path[0]);
  done(found ? HttpReply::of(shown(*found)) : HttpReply::of(found.error()));
}

void Api::update_conversation(const HttpCall& call, const Path& path, Done done) {
  auto found = find_conversation(path[0]);
  if (!found) return done(HttpReply::of(found.error()));
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  const Json* metadata = fields.any("metadata");
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  if (!metadata) return done(HttpReply::of(ApiError::invalid("metadata", "'metadata' is missing", "missing_required_parameter")));
  auto parsed = protocol::parse_metadata(*metadata, "metadata");
  if (!parsed) return done(HttpReply::of(parsed.error()));
  found->metadata = std::move(*parsed);
  const auto kept = journal_.set_metadata(path[0], found->metadata);
  log_ignored(call.client, notes);
  done(kept ? HttpReply::of(with_ignored(shown(*found), notes)) : HttpReply::of(io(kept.error())));
}

void Api::delete_conversation(const HttpCall&, const Path& path, Done done) {
  const auto found = find_conversation(path[0]);
  if (!found) return done(HttpReply::of(found.error()));
  const auto removed = journal_.remove_conversation(path[0]);
  if (!removed && removed.error().code == memory::errc::in_use)
    return done(HttpReply::of(ApiError{409, "invalid_request_error", "conversation_busy", removed.error().public_message(), ""}));
  if (!removed) return done(HttpReply::of(io(removed.error())));
  done(HttpReply::of(Json{{"id", path[0]}, {"object", "conversation.deleted"}, {"deleted", true}}));
}

void Api::add_items(const HttpCall& call, const Path& path, Done done) {
  const auto found = find_conversation(path[0]);
  if (!found) return done(HttpReply::of(found.error()));
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  protocol::Fields fields(*body, "", notes);
  auto items = items_of(fields.any("items"), notes);
  if (auto error = fields.finish()) return done(HttpReply::of(*error));
  if (!items) return done(HttpReply::of(items.error()));
  if (auto error = take_references(*items, "items")) return done(HttpReply::of(*error));
  if (items->empty()) return done(HttpReply::of(ApiError::invalid("items", "'items' is missing or empty", "missing_required_parameter")));
  memory::Batch batch;
  Json data = Json::array();
  std::size_t bytes = 0;
  for (Json& item : *items) {
    memory::Item row = row_of(std::move(item), path[0]);
    bytes += to_text(row.content).size() + row.text.size();
    data.push_back(shown_item(row.content, row.id));
    batch.add(std::move(row));
  }
  if (const auto room = journal_.check_room(path[0], static_cast<std::int64_t>(bytes)); !room) return done(HttpReply::of(io(room.error())));
  const auto kept = journal_.commit_and_wait(std::move(batch), memory::Durability::power);
  if (!kept) return done(HttpReply::of(io(kept.error())));
  const Json first = data.front()["id"], last = data.back()["id"];
  log_ignored(call.client, notes);
  done(HttpReply::of(with_ignored(
      Json{{"object", "list"}, {"data", std::move(data)}, {"first_id", first}, {"last_id", last}, {"has_more", false}}, notes)));
}

void Api::list_items(const HttpCall& call, const Path& path, Done done) {
  const auto found = find_conversation(path[0]);
  if (!found) return done(HttpReply::of(found.error()));
  // Output that a killed run had shown and not kept belongs to the conversation.
  if (const auto kept = keep_cut_items(journal_, path[0]); !kept) return done(HttpReply::of(ApiError::from(kept.error())));
  const auto items = journal_.items(path[0]);
  if (!items) return done(HttpReply::of(io(items.error())));
  std::vector<Json> list;
  for (const memory::Item& item : *items) {
    Json entry = shown_item(item.content, item.id);
    entry["baton.response_id"] = item.response_id;
    list.push_back(std::move(entry));
  }
  const Parsed<Json> page = list_page(call, std::move(list));
  done(page ? HttpReply::of(*page) : HttpReply::of(page.error()));
}

void Api::get_item(const HttpCall&, const Path& path, Done done) {
  if (const auto found = find_conversation(path[0]); !found) return done(HttpReply::of(found.error()));
  const auto item = journal_.item(path[1]);
  if (!item || item->conversation_id != path[0])
    return done(HttpReply::of(ApiError::not_found("conversation '" + path[0] + "' has no item '" + path[1] + "'")));
  done(HttpReply::of(shown_item(item->content, item->id)));
}

void Api::delete_item(const HttpCall&, const Path& path, Done done) {
  const auto found = find_conversation(path[0]);
  if (!found) return done(HttpReply::of(found.error()));
  const auto item = journal_.item(path[1]);
  if (!item || item->conversation_id != path[0])
    return done(HttpReply::of(ApiError::not_found("conversation '" + path[0] + "' has no item '" + path[1] + "'")));
  const auto removed = journal_.remove_item(path[1]);
  done(removed ? HttpReply::of(shown(*found)) : HttpReply::of(io(removed.error())));
}

void Api::list_conversations(const HttpCall& call, const Path&, Done done) {
  constexpr int kMost = 1000;
  auto found = journal_.conversations(kMost);
  if (!found) return done(HttpReply::of(io(found.error())));
  std::vector<Json> list;  // the journal gives the newest first
  for (auto it = found->rbegin(); it != found->rend(); ++it) {
    Json entry = shown(*it);
    entry["baton.updated_at"] = it->updated_ms / 1000;
    entry["baton.responses"] = it->n_responses;
    list.push_back(std::move(entry));
  }
  const Parsed<Json> page = list_page(call, std::move(list));
  done(page ? HttpReply::of(*page) : HttpReply::of(page.error()));
}

}  // namespace baton::agent::api
