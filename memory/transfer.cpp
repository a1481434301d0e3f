#include "records.h"
#include "response_end.h"

namespace baton::memory {
namespace {

constexpr const char* kFormat = "baton.conversation";
constexpr std::int64_t kVersion = 1;

Json to_json(const Conversation& c) {
  return {{"id", c.id}, {"title", c.title}, {"created_ms", c.created_ms}, {"updated_ms", c.updated_ms}, {"metadata", c.metadata}};
}

Json to_json(const Response& r) {
  return {{"id", r.id},
          {"parent_id", r.parent_id},
          {"model", r.model},
          {"status", r.status},
          {"reason", r.reason},
          {"request", r.request},
          {"usage", r.usage},
          {"metadata", r.metadata},
          {"durable", r.durable},
          {"attempts", r.attempts},
          {"rating", r.rating},
          {"rating_note", r.rating_note},
          {"spent_ms", r.spent_ms},
          {"created_ms", r.created_ms},
          {"finished_ms", r.finished_ms}};
}

Json to_json(const Event& e) { return {{"sequence_number", e.sequence_number}, {"type", e.type}, {"data", e.data}}; }

Json to_json(const ToolInvocation& t) {
  return {{"id", t.id},         {"tool", t.tool},     {"arguments", t.arguments},   {"idempotency_key", t.idempotency_key},
          {"status", t.status}, {"result", t.result}, {"started_ms", t.started_ms}, {"finished_ms", t.finished_ms}};
}

Json to_json(const Item& i) {
  return {{"id", i.id},
          {"response_id", i.response_id},
          {"content", i.content},
          {"text", i.text},
          {"raw_tokens", i.raw_tokens},
          {"model_sha256", i.model_sha256},
          {"template_sha256", i.template_sha256},
          {"created_ms", i.created_ms}};
}

template <class Record>
Json array_of(const std::vector<Record>& records) {
  Json all = Json::array();
  for (const Record& record : records) all.push_back(to_json(record));
  return all;
}

// Reads members and remembers the first one that is missing or has another type, so that it is checked once at the end.
class Reader {
 public:
  std::string text(const Json& object, const char* key) { return member(object, key, &Json::is_string).get<std::string>(); }
  std::int64_t number(const Json& object, const char* key) { return member(object, key, &Json::is_number_integer).get<std::int64_t>(); }
  bool flag(const Json& object, const char* key) { return member(object, key, &Json::is_boolean).get<bool>(); }
  const Json& object(const Json& object, const char* key) { return member(object, key, &Json::is_object); }
  const Json& array(const Json& object, const char* key) { return member(object, key, &Json::is_array); }
  Json any(const Json& object, const char* key) {
    return member(object, key, [](const Json&) { return true; });
  }
  void refuse(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }
  const std::string& problem() const { return problem_; }

 private:
  template <class Test>
  const Json& member(const Json& object, const char* key, Test test) {
    if (object.is_object())
      if (const auto found = object.find(key); found != object.end() && std::invoke(test, *found)) return *found;
    refuse(std::string("\"") + key + "\" is missing or of another type");
    // Empty values of the types that the caller can ask for.
    static const Json kText = "", kNumber = 0, kFlag = false, kObject = Json::object(), kArray = Json::array();
    for (const Json* empty : {&kText, &kNumber, &kFlag, &kObject})
      if (std::invoke(test, *empty)) return *empty;
    return kArray;
  }
  std::string problem_;
};

ToolInvocation invocation_from(Reader& read, const Json& json, const std::string& response_id) {
  ToolInvocation t{read.text(json, "id"),
                   response_id,
                   read.text(json, "tool"),
                   read.any(json, "arguments"),
                   read.text(json, "idempotency_key"),
                   read.text(json, "status"),
                   read.text(json, "result"),
                   read.number(json, "started_ms"),
                   read.number(json, "finished_ms")};
  if (t.status == "intent") t.status = "unknown";  // its outcome is known only to the original journal
  return t;
}

void response_from(Reader& read, const Json& json, const std::string& conversation_id, std::vector<std::string>& ids,
                   std::vector<Write>& writes) {
  Response r;
  r.id = read.text(json, "id");
  r.conversation_id = conversation_id;
  r.parent_id = read.text(json, "parent_id");
  r.model = read.text(json, "model");
  r.status = read.text(json, "status");
  r.reason = read.text(json, "reason");
  r.request = read.any(json, "request");
  r.usage = read.any(json, "usage");
  r.metadata = read.object(json, "metadata");
  r.durable = read.flag(json, "durable");
  r.attempts = static_cast<int>(read.number(json, "attempts"));
  if (json.contains("spent_ms")) r.spent_ms = read.number(json, "spent_ms");  // not in exports of older versions
  r.created_ms = read.number(json, "created_ms");
  r.finished_ms = read.number(json, "finished_ms");
  const bool open = is_open_status(r.status);
  if (open) {
    r.status = "incomplete";
    r.reason = "interrupted";
  }
  ids.push_back(r.id);
  const std::string rating = read.text(json, "rating");
  const std::string id = r.id;
  writes.emplace_back(std::move(r));
  if (!rating.empty()) writes.emplace_back(Rate{id, rating, read.text(json, "rating_note")});
  std::int64_t next = 0;
  bool ended = false;
  for (const Json& event : read.array(json, "events")) {
    if (read.number(event, "sequence_number") != next++) read.refuse("the events of " + id + " are incomplete");
    writes.emplace_back(Event{id, 0, read.text(event, "type"), read.any(event, "data")});
    ended = ended || is_terminal_event(std::get<Event>(writes.back()).type);
  }
  if (open && !ended) writes.emplace_back(interrupted_event(id));
  for (const Json& invocation : read.array(json, "tool_invocations")) writes.emplace_back(invocation_from(read, invocation, id));
}

Item item_from(Reader& read, const Json& json, const std::string& conversation_id) {
  Item item;
  item.id = read.text(json, "id");
  item.conversation_id = conversation_id;
  item.response_id = read.text(json, "response_id");
  item.content = read.any(json, "content");
  item.text = read.text(json, "text");
  for (const Json& token : read.array(json, "raw_tokens")) {
    if (!token.is_number_integer())
      read.refuse("\"raw_tokens\" are not all numbers");
    else
      item.raw_tokens.push_back(token.get<std::int32_t>());
  }
  item.model_sha256 = read.text(json, "model_sha256");
  item.template_sha256 = read.text(json, "template_sha256");
  item.created_ms = read.number(json, "created_ms");
  return item;
}

}  // namespace

Result<Json> read_export(Database& database, const std::string& conversation_id) {
  Snapshot snapshot(database);
  if (Result<void> begun = snapshot.begin(); !begun) return begun.error();
  const Result<Conversation> conversation = read_conversation(database, conversation_id);
  if (!conversation) return conversation.error();
  const Result<std::vector<Response>> responses = read_responses(database, conversation->id, 0);
  if (!responses) return responses.error();
  const Result<std::vector<Item>> items = read_items(database, conversation->id);
  if (!items) return items.error();
  Json runs = Json::array();
  for (const Response& response : *responses) {
    const Result<std::vector<Event>> events = read_events(database, response.id, -1);
    if (!events) return events.error();
    const Result<std::vector<ToolInvocation>> invocations = read_tool_invocations(database, response.id);
    if (!invocations) return invocations.error();
    Json run = to_json(response);
    run["events"] = array_of(*events);
    run["tool_invocations"] = array_of(*invocations);
    runs.push_back(std::move(run));
  }
  Json exported = {{"format", kFormat}, {"version", kVersion}, {"conversation", to_json(*conversation)}};
  exported["responses"] = std::move(runs);
  exported["items"] = array_of(*items);
  return Result<Json>(boost::system::in_place_value, std::move(exported));
}

Result<Imported> from_export(const Json& exported) {
  Reader read;
  if (!exported.is_object() || read.text(exported, "format") != kFormat)
    return Error{errc::invalid_argument, "not a file that `baton history export` wrote"};
  const std::int64_t version = read.number(exported, "version");
  if (version > kVersion)
    return Error{errc::newer_version, "this export has version " + std::to_string(version) + " and this Baton knows versions up to " +
                                          std::to_string(kVersion) + "; install a newer Baton"};
  const Json& head = read.object(exported, "conversation");
  Imported imported;
  imported.conversation = {read.text(head, "id"), read.text(head, "title"), read.number(head, "created_ms"),
                           read.number(head, "updated_ms"), read.object(head, "metadata")};
  const std::string& id = imported.conversation.id;
  if (id.empty()) read.refuse("\"id\" is empty");
  ExpectNew expected{id, {}};
  std::vector<Write> writes;
  for (const Json& response : read.array(exported, "responses")) response_from(read, response, id, expected.response_ids, writes);
  for (const Json& item : read.array(exported, "items")) writes.emplace_back(item_from(read, item, id));
  if (!read.problem().empty())
    return Error{errc::invalid_argument, "this export of `baton history export` is incomplete: " + read.problem()};
  imported.writes.emplace_back(std::move(expected));
  imported.writes.emplace_back(imported.conversation);
  imported.writes.insert(imported.writes.end(), std::make_move_iterator(writes.begin()), std::make_move_iterator(writes.end()));
  return imported;
}

}  // namespace baton::memory
