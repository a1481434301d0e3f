#include "chat_request.h"

#include <baton/agent/core/items.h>

#include <charconv>
#include <map>

#include "chat_calls.h"
#include "fields.h"
#include "format_fields.h"
#include "request_limits.h"
#include "sampling_fields.h"
#include "template_fields.h"

namespace baton::agent::protocol {
namespace {

// The messages of a chat as items of the Responses protocol: accepts every message that a server gave out, and the variants that its
// clients make of it.
class Messages {
 public:
  explicit Messages(Notes& notes) : notes_(notes) {}

  Parsed<Json> items_of(const Json& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const std::string at = "messages[" + std::to_string(i) + "]";
      if (places_.size() > kMaxItems)
        return ApiError::invalid("messages", "'messages' up to '" + at + "' make " + std::to_string(places_.size()) + " items; at most " +
                                                 std::to_string(kMaxItems) +
                                                 " are allowed, and each message and each tool call counts as one");
      if (auto error = take(messages[i], at)) return *error;
    }
    return std::move(items_);
  }
  // The place of each item in the request.
  const std::vector<std::string>& places() const { return places_; }

 private:
  void add(const std::string& place, Json item) {
    places_.push_back(place);
    items_.push_back(std::move(item));
  }

  std::optional<ApiError> take(const Json& value, const std::string& at) {
    Fields message(value, at, notes_);
    message.skip_own();
    const std::string role = message.string("role").value_or("");
    const Json* content = message.any("content");
    const std::string name = message.string("name").value_or("");
    // Fields that servers send and no model reads; `id` and `annotations` among them.
    for (const char* key : {"id", "refusal", "annotations", "status", "index", "reasoning_details", "provider_specific_fields"})
      message.any(key);
    const Json* calls = message.array("tool_calls");
    if (calls) {
      if (auto error = more_than(kMaxItems, at + ".tool_calls", calls->size(), "calls")) return *error;
    }
    const auto call_id = message.string("tool_call_id", 256);
    const Json* old_call = message.any("function_call");
    const std::string reasoning = reasoning_of(message);
    message.unsupported("audio", "this model reads text only");
    message.unsupported("images", "this model reads text only", {Json::array()});
    message.unsupported("prefix", "the client cannot write the beginning of an answer", {false});
    if (auto error = message.finish()) return *error;

    if (role != "assistant") calls_.end_turn();
    if (role == "tool" || role == "function") {
      const std::string sent = call_id.value_or("");
      const auto id = calls_.take(sent, name);
      if (!id && sent.empty())
        return ApiError::invalid(at + ".tool_call_id", "'" + at + ".tool_call_id' is missing", "missing_required_parameter");
      add(at, {{"type", "function_call_output"}, {"call_id", id.value_or(sent)}, {"output", content ? *content : Json("")}});
      return std::nullopt;
    }
    if (!reasoning.empty()) {
      const Json part = {{"type", "reasoning_text"}, {"text", reasoning}};
      add(at, {{"type", "reasoning"}, {"content", Json::array({part})}});
    }
    const bool has_calls = (calls && !calls->empty()) || old_call;
    const bool is_empty = !content || *content == "" || *content == Json::array();
    if (!is_empty || !has_calls) add(at, {{"type", "message"}, {"role", role}, {"content", content ? *content : Json("")}});
    for (std::size_t k = 0; calls && k < calls->size(); ++k) {
      if (auto error = take_call((*calls)[k], at + ".tool_calls[" + std::to_string(k) + "]")) return error;
    }
    if (old_call) return take_function(*old_call, at + ".function_call", "");
    return std::nullopt;
  }

  // The names used by llama.cpp and DeepSeek, OpenRouter and vLLM, Ollama.
  std::string reasoning_of(Fields& message) {
    std::string reasoning;
    for (const char* key : {"reasoning_content", "reasoning", "thinking"}) {
      const Json* value = message.any(key);
      if (value && value->is_string() && reasoning.empty()) reasoning = value->get<std::string>();
    }
    return reasoning;
  }

  std::optional<ApiError> take_call(const Json& call, const std::string& place) {
    Fields outer(call, place, notes_);
    outer.skip_own();
    const std::string id = outer.string("id", 256).value_or("");
    std::string type = outer.string("type").value_or("");
    outer.any("index");  // of a stream's deltas, concatenated
    const Json* function = outer.any("function");
    const Json* custom = outer.any("custom");
    if (type.empty()) type = "function";
    if ((type == "function" && !function) || (type == "custom" && (!custom || !custom->is_object())) ||
        (type != "function" && type != "custom"))
      outer.fail(
          ApiError::invalid(place, "'" + place + "' must be {\"id\", \"type\": \"function\", \"function\": {\"name\", \"arguments\"}}"));
    if (auto error = outer.finish()) return *error;
    if (type == "function") return take_function(*function, place + ".function", id);
    Json read = {{"name", custom->value("name", Json())}, {"arguments", {{"input", custom->value("input", Json())}}}};
    return take_function(read, place + ".custom", id);
  }

  std::optional<ApiError> take_function(const Json& function, const std::string& place, const std::string& id) {
    Fields inner(function, place, notes_);
    const Json* name = inner.any("name");
    const Json* arguments = inner.any("arguments");
    if (auto error = inner.finish()) return *error;
    const Json called = name ? *name : Json();
    const std::string own_id = calls_.add(id, called.is_string() ? called.get<std::string>() : "");
    add(place.substr(0, place.rfind('.')),
        {{"type", "function_call"}, {"call_id", own_id}, {"name", called}, {"arguments", arguments ? *arguments : Json()}});
    return std::nullopt;
  }

  Notes& notes_;
  Json items_ = Json::array();
  std::vector<std::string> places_;
  ChatCalls calls_;
};

// {"type": "function", "function": {..}} in the form of the Responses protocol. Types that it does not have are passed through unchanged,
// and ignored there.
Parsed<Json> tools_from(const Json& list, Notes& notes) {
  if (auto error = more_than(kMaxTools, "tools", list.size(), "tools")) return *error;
  Json tools = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = "tools[" + std::to_string(i) + "]";
    Fields outer(list[i], at, notes);
    const std::string type = outer.string("type").value_or("");
    if (!outer.error() && type != "function" && !type.empty()) {
      tools.push_back({{"type", type == "mcp" || type == "namespace" ? type + ", which are for responses" : type}});
      continue;
    }
    const Json* function = outer.any("function");
    if (type != "function" || !function || !function->is_object())
      outer.fail(ApiError::invalid(at, "'" + at + "' must be {\"type\": \"function\", \"function\": {\"name\", ..}}"));
    if (auto error = outer.finish()) return *error;
    Json tool = *function;  // not update(), which searches the tool for each key of the function
    if (tool.contains("type")) notes.ignore(at + ".function.type");
    tool["type"] = "function";
    tools.push_back(std::move(tool));
  }
  return tools;
}

// {"type": "function", "function": {"name": ..}}
Parsed<Json> named_function(const Json& value, const std::string& at, Notes& notes) {
  Fields outer(value, at, notes);
  const std::string type = outer.string("type").value_or("");
  const Json* function = outer.any("function");
  if (type != "function" || !function)
    outer.fail(ApiError::invalid(at, "'" + at + "' must be {\"type\": \"function\", \"function\": {\"name\"}}"));
  if (auto error = outer.finish()) return *error;
  Fields inner(*function, at + ".function", notes);
  const auto name = inner.string("name");
  if (!name) inner.fail(ApiError::invalid(at + ".function.name", "'" + at + ".function.name' is missing", "missing_required_parameter"));
  if (auto error = inner.finish()) return *error;
  return Json{{"type", "function"}, {"name", *name}};
}

Parsed<Json> tool_choice_from(const Json& choice, Notes& notes) {
  if (!choice.is_object()) return choice;
  if (string_of(choice, "type") != "allowed_tools") return named_function(choice, "tool_choice", notes);
  Fields outer(choice, "tool_choice", notes);
  outer.any("type");
  const Json* list = outer.any("allowed_tools");
  if (!list)
    outer.fail(ApiError::invalid("tool_choice.allowed_tools", "'tool_choice.allowed_tools' is missing", "missing_required_parameter"));
  if (auto error = outer.finish()) return *error;
  const std::string at = "tool_choice.allowed_tools";
  Fields inner(*list, at, notes);
  Json allowed = {{"type", "allowed_tools"}, {"mode", inner.string("mode").value_or("auto")}, {"tools", Json::array()}};
  const Json* tools = inner.array("tools");
  if (auto error = inner.finish()) return *error;
  if (tools) {
    if (auto error = more_than(kMaxTools, at + ".tools", tools->size(), "tools")) return *error;
  }
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    auto tool = named_function((*tools)[i], at + ".tools[" + std::to_string(i) + "]", notes);
    if (!tool) return tool.error();
    allowed["tools"].push_back(std::move(*tool));
  }
  return allowed;
}

// Ignoring these would change the answer.
void unsupported(Fields& fields) {
  fields.unsupported("functions", "send tools", {Json::array()});
  fields.unsupported("function_call", "send tool_choice", {"auto"});
  fields.unsupported("modalities", "this model reads and writes text only", {Json::array({"text"})});
  fields.unsupported("audio", "this model reads and writes text only");
  fields.unsupported("chat_template", "the model's own template is used", {""});
  fields.unsupported("continue_final_message", "the client cannot write the beginning of an answer", {false});
  fields.unsupported("add_generation_prompt", "an answer is always generated", {true});
  fields.unsupported("documents", "send them in a message", {Json::array()});
}

// Fields of chat completions that a response has under the same name and with the same meaning.
std::vector<const char*> same_fields() {
  std::vector<const char*> names = {"model",
                                    "parallel_tool_calls",
                                    "metadata",
                                    "service_tier",
                                    "user",
                                    "safety_identifier",
                                    "prompt_cache_key",
                                    "client_metadata",
                                    "moderation",
                                    "truncation",
                                    "max_tool_calls",
                                    "prompt_cache_retention",
                                    "baton.max_turns",
                                    "baton.max_seconds",
                                    "baton.seed",
                                    "baton.stop",
                                    "baton.after_tools"};
  for (const auto& more : {sampling_field_names(), template_field_names(), local_format_names()})
    names.insert(names.end(), more.begin(), more.end());
  return names;
}

// The client's name for a field of the converted request.
std::string field_as_sent(const std::string& param, const std::vector<std::string>& places) {
  static const std::map<std::string, std::string> kFields = {{"input", "messages"},
                                                             {"tool_choice.name", "tool_choice.function.name"},
                                                             {"tool_choice.mode", "tool_choice.allowed_tools.mode"},
                                                             {"tool_choice.tools", "tool_choice.allowed_tools.tools"}};
  if (const auto known = kFields.find(param); known != kFields.end()) return known->second;
  const auto bracket = param.find(']');
  if (bracket == std::string::npos) return param;
  std::string rest = param.substr(bracket + 1);
  if (param.starts_with("tools[")) return rest.empty() || rest == ".type" ? param : param.substr(0, bracket + 1) + ".function" + rest;
  std::size_t item = 0;
  if (!param.starts_with("input[") || std::from_chars(param.data() + 6, param.data() + bracket, item).ec != std::errc() ||
      item >= places.size())
    return param;
  const bool call = places[item].ends_with(']') && places[item].find(".tool_calls[") != std::string::npos;
  if (rest == ".call_id") rest = call ? ".id" : ".tool_call_id";
  if (rest == ".output") rest = ".content";
  if (call && (rest == ".name" || rest == ".arguments")) rest = ".function" + rest;
  return places[item] + rest;
}

// An error about the converted request, in the terms of the client's.
ApiError as_sent(ApiError error, const std::vector<std::string>& places) {
  const std::string param = field_as_sent(error.param, places);
  if (const auto at = error.message.find(error.param); !error.param.empty() && at != std::string::npos)
    error.message.replace(at, error.param.size(), param);
  error.param = param;
  return error;
}

}  // namespace

Parsed<ChatRequestBody> parse_chat(const Json& body, const Offer& offer) {
  if (!body.is_object()) return ApiError::invalid("", "the body must be a JSON object");
  ChatRequestBody request;
  Notes& notes = request.notes;
  Fields fields(body, "", notes);
  Json create = Json::object();
  Messages read(notes);
  const Json* messages = fields.array("messages");
  if (!messages && !fields.error()) return ApiError::invalid("messages", "'messages' is missing", "missing_required_parameter");
  if (messages) {
    auto items = read.items_of(*messages);
    if (!items) return items.error();
    create["input"] = std::move(*items);
  }
  if (const Json* tools = fields.array("tools")) {
    auto list = tools_from(*tools, notes);
    if (!list) return list.error();
    create["tools"] = std::move(*list);
  }
  if (const Json* choice = fields.any("tool_choice")) {
    auto parsed = tool_choice_from(*choice, notes);
    if (!parsed) return parsed.error();
    create["tool_choice"] = std::move(*parsed);
  }
  for (const char* same : same_fields()) {
    if (const Json* value = fields.any(same)) create[same] = *value;
  }
  fields.no_effect("store", {false});  // chat completions are never stored
  fields.no_effect("verbosity", {"medium"});
  for (const char* key : {"prediction", "web_search_options", "reasoning_format"}) fields.no_effect(key);
  request.n = static_cast<int>(fields.integer("n", 1, 16).value_or(1));
  request.stream = fields.boolean("stream").value_or(false);
  const bool logprobs = fields.boolean("logprobs").value_or(false);
  if (const Json* options = fields.any("stream_options")) {
    Fields inner(*options, "stream_options", notes);
    request.include_usage = inner.boolean("include_usage").value_or(false);
    inner.no_effect("include_obfuscation", {false});
    if (auto error = inner.finish()) return *error;
  }
  TextFormat text_format;
  if (const Json* format = fields.any("response_format")) {
    auto parsed = parse_response_format(*format, "response_format", notes);
    if (!parsed) return parsed.error();
    text_format = std::move(*parsed);
  }
  unsupported(fields);
  if (auto error = fields.finish()) return *error;

  Parsed<CreateRequest> parsed = parse_create(create, offer, Channel::http);
  if (!parsed) return as_sent(parsed.error(), read.places());
  notes.add(parsed->notes, [&](const std::string& path) { return field_as_sent(path, read.places()); });
  request.run = std::move(parsed->run);
  if (!text_format.is_plain()) {
    if (!request.run.text_format.is_plain())
      return ApiError::invalid("response_format", "'response_format' cannot be combined with another format of the answer: send only one");
    request.run.text_format = std::move(text_format);
  }
  request.run.ignored = notes.ignored();
  request.run.storage = Storage::temporary;
  request.run.durable = false;                                                             // after a restart no request could read it
  if (!request.run.turn.sampling.seed) request.run.turn.sampling.seed = llm::draw_seed();  // the choices have this seed and those after it
  request.run.turn.logprobs = logprobs;
  return request;
}

}  // namespace baton::agent::protocol
