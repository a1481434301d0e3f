#include "chat_request.h"

#include <baton/agent/core/items.h>

#include <charconv>
#include <map>

#include "fields.h"
#include "request_limits.h"
#include "text_format.h"

namespace baton::agent::server {
namespace {

// The messages as items of the Responses protocol. places: of each item, in the request.
Parsed<Json> items_from(const Json& messages, std::vector<std::string>& places) {
  Json items = Json::array();
  const auto add = [&](const std::string& place, Json item) {
    places.push_back(place);
    items.push_back(std::move(item));
  };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string at = "messages[" + std::to_string(i) + "]";
    if (places.size() > kMaxItems)
      return ApiError::invalid("messages", "'messages' up to '" + at + "' make " + std::to_string(places.size()) +
                                               " items, a message and each of its tool calls being one; more than " +
                                               std::to_string(kMaxItems));
    Fields message(messages[i], at);
    message.skip_own();
    const std::string role = message.string("role").value_or("");
    const Json* content = message.any("content");
    message.any("name");
    message.any("refusal");
    const Json* calls = message.array("tool_calls");
    if (calls) {
      if (auto error = more_than(kMaxItems, at + ".tool_calls", calls->size(), "calls")) return *error;
    }
    const auto call_id = message.string("tool_call_id", 256);
    message.unsupported("audio", "this model reads text only");
    message.unsupported("function_call", "send tool_calls");
    if (auto error = message.error()) return *error;
    if (role == "tool") {
      if (!call_id) return ApiError::invalid(at + ".tool_call_id", "'" + at + ".tool_call_id' is missing");
      add(at, {{"type", "function_call_output"}, {"call_id", *call_id}, {"output", content ? *content : Json("")}});
      continue;
    }
    if (content && !(content->is_string() && content->get_ref<const std::string&>().empty()))
      add(at, {{"type", "message"}, {"role", role}, {"content", *content}});
    else if (!calls)
      return ApiError::invalid(at + ".content", "'" + at + ".content' is missing or empty");
    for (std::size_t k = 0; calls && k < calls->size(); ++k) {
      const std::string place = at + ".tool_calls[" + std::to_string(k) + "]";
      const Json& call = (*calls)[k];
      Fields outer(call, place);
      outer.skip_own();
      const std::string id = outer.string("id", 256).value_or("");
      const std::string type = outer.string("type").value_or("function");
      outer.any("index");  // of a stream's deltas, put together
      const Json* function = outer.any("function");
      if (!function || type != "function")
        outer.fail(
            ApiError::invalid(place, "'" + place + "' must be {\"id\", \"type\": \"function\", \"function\": {\"name\", \"arguments\"}}"));
      if (auto error = outer.error()) return *error;
      Fields inner(*function, place + ".function");
      const Json* name = inner.any("name");
      const Json* arguments = inner.any("arguments");
      if (auto error = inner.error()) return *error;
      add(place,
          {{"type", "function_call"}, {"call_id", id}, {"name", name ? *name : Json()}, {"arguments", arguments ? *arguments : Json()}});
    }
  }
  return items;
}

// {"type": "function", "function": {..}} as the Responses protocol has it.
Parsed<Json> tools_from(const Json& list) {
  if (auto error = more_than(kMaxTools, "tools", list.size(), "tools")) return *error;
  Json tools = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = "tools[" + std::to_string(i) + "]";
    Fields outer(list[i], at);
    const std::string type = outer.string("type").value_or("");
    const Json* function = outer.any("function");
    if (type != "function" || !function || !function->is_object())
      outer.fail(ApiError::invalid(at, "'" + at + "' must be {\"type\": \"function\", \"function\": {\"name\", ..}}"));
    else if (function->contains("type"))
      outer.fail(ApiError::unknown(at + ".function.type"));
    if (auto error = outer.error()) return *error;
    Json tool = *function;  // not update(), which searches the tool once for each key of the function
    tool["type"] = "function";
    tools.push_back(std::move(tool));
  }
  return tools;
}

// {"type": "function", "function": {"name": ..}}
Parsed<Json> named_function(const Json& value, const std::string& at) {
  Fields outer(value, at);
  const std::string type = outer.string("type").value_or("");
  const Json* function = outer.any("function");
  if (type != "function" || !function)
    outer.fail(ApiError::invalid(at, "'" + at + "' must be {\"type\": \"function\", \"function\": {\"name\"}}"));
  if (auto error = outer.error()) return *error;
  Fields inner(*function, at + ".function");
  const auto name = inner.string("name");
  if (!name) inner.fail(ApiError::invalid(at + ".function.name", "'" + at + ".function.name' is missing", "missing_required_parameter"));
  if (auto error = inner.error()) return *error;
  return Json{{"type", "function"}, {"name", *name}};
}

Parsed<Json> tool_choice_from(const Json& choice) {
  if (!choice.is_object()) return choice;
  if (string_of(choice, "type") != "allowed_tools") return named_function(choice, "tool_choice");
  Fields outer(choice, "tool_choice");
  outer.any("type");
  const Json* list = outer.any("allowed_tools");
  if (!list)
    outer.fail(ApiError::invalid("tool_choice.allowed_tools", "'tool_choice.allowed_tools' is missing", "missing_required_parameter"));
  if (auto error = outer.error()) return *error;
  const std::string at = "tool_choice.allowed_tools";
  Fields inner(*list, at);
  Json allowed = {{"type", "allowed_tools"}, {"mode", inner.string("mode").value_or("auto")}, {"tools", Json::array()}};
  const Json* tools = inner.array("tools");
  if (auto error = inner.error()) return *error;
  if (tools) {
    if (auto error = more_than(kMaxTools, at + ".tools", tools->size(), "tools")) return *error;
  }
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    auto tool = named_function((*tools)[i], at + ".tools[" + std::to_string(i) + "]");
    if (!tool) return tool.error();
    allowed["tools"].push_back(std::move(*tool));
  }
  return allowed;
}

// {"1234": -100}
Parsed<std::map<std::int32_t, float>> logit_bias_from(const Json& object) {
  std::map<std::int32_t, float> bias;
  if (!object.is_object())
    return ApiError::invalid("logit_bias", "'logit_bias' must be an object from token ids to numbers", "invalid_type");
  if (auto error = more_than(kMaxLogitBias, "logit_bias", object.size(), "tokens")) return *error;
  for (const auto& [key, value] : object.items()) {
    std::int32_t id = -1;
    const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failed != std::errc() || end != key.data() + key.size() || id < 0)
      return ApiError::invalid("logit_bias." + key, "'" + key + "' is no token id; `baton inspect MODEL --tokenize FILE` tells them");
    if (!value.is_number() || value.get<double>() < -100 || value.get<double>() > 100)
      return ApiError::invalid("logit_bias." + key, "'logit_bias." + key + "' must be a number from -100 to 100");
    bias[id] = value.get<float>();
  }
  return bias;
}

void unsupported(Fields& fields) {
  fields.unsupported("functions", "send tools");
  fields.unsupported("function_call", "send tool_choice");
  fields.unsupported("modalities", "this model reads and writes text only", {Json::array({"text"})});
  fields.unsupported("audio", "this model reads and writes text only");
  fields.unsupported("prediction", "");
  fields.unsupported("reasoning_effort", "");
  fields.unsupported("verbosity", "", {"medium"});
  fields.unsupported("web_search_options", "");
}

// A field of the request that was made of this one, as this one has it.
std::string field_as_sent(const std::string& param, const std::vector<std::string>& places, const std::string& max_tokens) {
  static const std::map<std::string, std::string> kFields = {{"input", "messages"},
                                                             {"tool_choice.name", "tool_choice.function.name"},
                                                             {"tool_choice.mode", "tool_choice.allowed_tools.mode"},
                                                             {"tool_choice.tools", "tool_choice.allowed_tools.tools"}};
  if (param == "max_output_tokens") return max_tokens;
  if (const auto known = kFields.find(param); known != kFields.end()) return known->second;
  const auto bracket = param.find(']');
  if (bracket == std::string::npos) return param;
  std::string rest = param.substr(bracket + 1);
  if (param.starts_with("tools[")) return rest.empty() ? param : param.substr(0, bracket + 1) + ".function" + rest;
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

// An error of that request, in the words of this one.
ApiError as_sent(ApiError error, const std::vector<std::string>& places, const std::string& max_tokens) {
  const std::string param = field_as_sent(error.param, places, max_tokens);
  if (const auto at = error.message.find(error.param); !error.param.empty() && at != std::string::npos)
    error.message.replace(at, error.param.size(), param);
  error.param = param;
  return error;
}

}  // namespace

Parsed<ChatRequestBody> parse_chat(const Json& body, const Offer& offer) {
  if (!body.is_object()) return ApiError::invalid("", "the body must be a JSON object");
  Fields fields(body, "");
  Json create = Json::object();
  std::vector<std::string> places;
  const Json* messages = fields.array("messages");
  if (!messages && !fields.error()) return ApiError::invalid("messages", "'messages' is missing", "missing_required_parameter");
  if (messages) {
    auto items = items_from(*messages, places);
    if (!items) return items.error();
    create["input"] = std::move(*items);
  }
  if (const Json* tools = fields.array("tools")) {
    auto list = tools_from(*tools);
    if (!list) return list.error();
    create["tools"] = std::move(*list);
  }
  if (const Json* choice = fields.any("tool_choice")) {
    auto parsed = tool_choice_from(*choice);
    if (!parsed) return parsed.error();
    create["tool_choice"] = std::move(*parsed);
  }
  for (const char* same : {"model", "temperature", "top_p", "parallel_tool_calls", "metadata", "service_tier", "user", "safety_identifier",
                           "prompt_cache_key"}) {
    if (const Json* value = fields.any(same)) create[same] = *value;
  }
  const auto max_tokens = fields.any("max_completion_tokens");
  const auto old_max_tokens = fields.any("max_tokens");
  if (max_tokens || old_max_tokens) create["max_output_tokens"] = max_tokens ? *max_tokens : *old_max_tokens;
  fields.boolean("store");  // chat completions are never stored
  ChatRequestBody request;
  request.n = static_cast<int>(fields.integer("n", 1, 16).value_or(1));
  request.stream = fields.boolean("stream").value_or(false);
  const auto seed = fields.integer("seed", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  const bool logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, 20);
  const auto presence = fields.number("presence_penalty", -2, 2), frequency = fields.number("frequency_penalty", -2, 2);
  std::vector<std::string> stop;
  if (const Json* value = fields.any("stop")) {
    auto parsed = parse_stops(value->is_array() ? *value : Json::array({*value}), "stop");
    if (!parsed) return parsed.error();
    stop = std::move(*parsed);
  }
  std::map<std::int32_t, float> bias;
  if (const Json* value = fields.any("logit_bias")) {
    auto parsed = logit_bias_from(*value);
    if (!parsed) return parsed.error();
    bias = std::move(*parsed);
  }
  if (const Json* options = fields.any("stream_options")) {
    Fields inner(*options, "stream_options");
    request.include_usage = inner.boolean("include_usage").value_or(false);
    inner.boolean("include_obfuscation");
    if (auto error = inner.error()) return *error;
  }
  Json text_format = plain_text_format();
  if (const Json* format = fields.any("response_format")) {
    auto parsed = parse_response_format(*format, "response_format");
    if (!parsed) return parsed.error();
    text_format = std::move(*parsed);
  }
  unsupported(fields);
  if (auto error = fields.error()) return *error;

  Parsed<CreateRequest> parsed = parse_create(create, offer, Channel::http);
  if (!parsed) {
    return as_sent(parsed.error(), places, max_tokens ? "max_completion_tokens" : "max_tokens");
  }
  request.run = std::move(parsed->run);
  request.run.store = false;
  request.run.durable = false;  // nobody could come back to it
  // The choices' seeds are this one and those after it. -1 is how local servers' clients ask for any.
  request.run.sampling.seed = seed.value_or(-1) == -1 ? llm::draw_seed() : static_cast<std::uint64_t>(*seed);
  if (presence) request.run.sampling.presence_penalty = static_cast<float>(*presence);
  if (frequency) request.run.sampling.frequency_penalty = static_cast<float>(*frequency);
  request.run.sampling.logit_bias = std::move(bias);
  request.run.sampling.top_logprobs = static_cast<int>(top.value_or(0));
  request.run.logprobs = logprobs;
  request.run.stop = std::move(stop);
  request.run.text_format = std::move(text_format);
  return request;
}

}  // namespace baton::agent::server
