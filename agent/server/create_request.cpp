#include "create_request.h"

#include <baton/llm/chat/tool_name.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/read_json.h>

#include <algorithm>

#include "fields.h"
#include "request_limits.h"
#include "text_format.h"

namespace baton::agent::server {
namespace {

// A set of the daemon's tools: ["a", "b"] or {"tool_names": [..], "read_only": true}.
Parsed<std::set<std::string>> tool_filter(const Json& filter, const std::string& param, const Offer& offer) {
  std::set<std::string_view> offered;
  for (const tools::ToolSpec* tool : offer.tools) offered.insert(tool->name);
  std::set<std::string> names;
  const Json* list = &filter;
  if (filter.is_object()) {
    Fields fields(filter, param);
    list = fields.array("tool_names");
    const auto read_only = fields.boolean("read_only");
    if (auto error = fields.error()) return *error;
    if (read_only) {
      for (const tools::ToolSpec* tool : offer.tools) {
        if ((tool->traits.effect == tools::Effect::reads) == *read_only) names.insert(tool->name);
      }
    }
    if (!list) return names;
  }
  if (!list->is_array())
    return ApiError::invalid(param, "'" + param + "' must be an array of names or {\"tool_names\": [..], \"read_only\": true}");
  if (auto error = more_than(kMaxToolFilter, param, list->size(), "names")) return *error;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string at = param + "[" + std::to_string(i) + "]";
    const Json& name = (*list)[i];
    if (!name.is_string()) return ApiError::invalid(at, "'" + at + "' must be a tool's name", "invalid_type");
    if (!offered.contains(name.get_ref<const std::string&>()))
      return ApiError::invalid(at, "this daemon has no tool '" + name.get<std::string>() + "'", "tool_not_found");
    names.insert(name.get<std::string>());
  }
  return names;
}

class Parser {
 public:
  Parser(const Json& body, const Offer& offer, Channel channel) : body_(body), offer_(offer), channel_(channel), fields_(body, "") {
    run().all_tools = false;
    run().after_tools = offer.after_tools;
    run().max_output_tokens = offer.max_output_tokens;
    run().durable = true;
  }

  Parsed<CreateRequest> parse() {
    if (!body_.is_object()) return *fields_.error();
    envelope();
    model();
    input();
    sampling();
    tools();
    tool_choice();
    lineage();
    extensions();
    unsupported();
    if (auto error = fields_.error()) return *error;
    return std::move(request_);
  }

 private:
  RunRequest& run() { return request_.run; }

  void envelope() {
    if (channel_ == Channel::websocket) {
      fields_.any("type");
      request_.stream_id = fields_.string("stream_id", 64).value_or("");
      fields_.unsupported("stream", "over a WebSocket everything streams", {true});
      fields_.unsupported("background", "over a WebSocket every response outlives its socket", {false});
      request_.stream = true;
    } else {
      request_.stream = fields_.boolean("stream").value_or(false);
      request_.background = fields_.boolean("background").value_or(false);
    }
    if (const Json* metadata = fields_.any("metadata")) {
      auto parsed = parse_metadata(*metadata, "metadata");
      if (!parsed) return fields_.fail(parsed.error());
      run().metadata = std::move(*parsed);
      if (run().metadata.contains("baton_key")) run().key = run().metadata["baton_key"].get<std::string>();
    }
    run().store = fields_.boolean("store").value_or(true);
    run().instructions = fields_.string("instructions").value_or("");
  }

  void model() {
    const auto name = fields_.string("model", 256);
    if (!name || name->empty() || *name == offer_.model || *name == "baton") return;
    const auto profile = offer_.profiles ? offer_.profiles->find(*name) : Profiles::const_iterator{};
    if (!offer_.profiles || profile == offer_.profiles->end())
      return fields_.fail({404, "invalid_request_error", "model_not_found",
                           "there is no model '" + *name + "' here; there is '" + offer_.model + "', and GET /v1/models lists the profiles",
                           "model"});
    run().model = *name;
    run().tools = profile->second.tools;
    named_ = {run().tools.begin(), run().tools.end()};
    run().budgets.max_turns = profile->second.max_turns;
    run().budgets.max_tool_calls = profile->second.max_tool_calls;
    run().budgets.max_milliseconds = std::int64_t{1000} * profile->second.max_seconds;
    if (run().instructions.empty()) run().instructions = profile->second.instructions;
  }

  void input() {
    const Json* value = fields_.any("input");
    if (!value) return;
    auto items = parse_input(*value, "input");
    if (!items) return fields_.fail(items.error());
    run().input = std::move(*items);
  }

  void sampling() {
    if (const auto value = fields_.number("temperature", 0, 2)) run().sampling.temperature = static_cast<float>(*value);
    if (const auto value = fields_.number("top_p", 0, 1)) run().sampling.top_p = static_cast<float>(*value);
    if (const auto value = fields_.integer("max_output_tokens", 1, 1 << 24))
      run().max_output_tokens = run().budgets.max_output_tokens = static_cast<int>(*value);
    if (const auto value = fields_.integer("max_tool_calls", 0, 10'000)) run().budgets.max_tool_calls = static_cast<int>(*value);
    if (const auto value = fields_.integer("top_logprobs", 0, 20)) {
      run().sampling.top_logprobs = static_cast<int>(*value);
      run().logprobs = *value > 0;
    }
    if (const Json* include = fields_.array("include")) {
      if (auto error = more_than(kMaxInclude, "include", include->size(), "entries")) return fields_.fail(*error);
      for (std::size_t i = 0; i < include->size(); ++i) {
        if ((*include)[i] == "message.output_text.logprobs") {
          run().logprobs = true;
        } else if ((*include)[i] != "reasoning.encrypted_content") {  // reasoning is kept in plain text
          fields_.fail(ApiError::unsupported("include[" + std::to_string(i) + "]", "'message.output_text.logprobs' is"));
        }
      }
    }
    const Json* text = fields_.any("text");
    if (!text) return;
    Fields inner(*text, "text");
    inner.unsupported("verbosity", "", {"medium"});
    if (const Json* format = inner.any("format")) {
      auto parsed = parse_text_format(*format, "text.format");
      if (!parsed) return fields_.fail(parsed.error());
      run().text_format = std::move(*parsed);
    }
    if (auto error = inner.error()) fields_.fail(*error);
  }

  void tools() {
    const Json* list = fields_.array("tools");
    run().parallel_tool_calls = fields_.boolean("parallel_tool_calls").value_or(true);
    if (!list) return;
    if (auto error = more_than(kMaxTools, "tools", list->size(), "tools")) return fields_.fail(*error);
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string at = "tools[" + std::to_string(i) + "]";
      Fields tool((*list)[i], at);
      const std::string type = tool.string("type").value_or("");
      if (type == "function") {
        function(tool, at);
      } else if (type == "mcp") {
        daemon_tools(tool, at);
      } else {
        tool.fail(ApiError::unsupported(
            at + ".type", "tools are 'function' (yours) and 'mcp' with server_label 'baton' (the daemon's); not '" + type + "'"));
      }
      if (auto error = tool.error()) return fields_.fail(*error);
    }
  }

  void function(Fields& tool, const std::string& at) {
    llm::ToolSpec spec;
    spec.name = tool.string("name").value_or("");
    spec.description = tool.string("description").value_or("");
    tool.boolean("strict");  // calls are checked against the schema either way
    const Json* parameters = tool.any("parameters");
    spec.parameters = parameters ? *parameters : Json{{"type", "object"}, {"properties", Json::object()}};
    if (const std::string wrong = llm::wrong_with_tool_name(spec.name); !wrong.empty())
      tool.fail(ApiError::invalid(at + ".name", "'" + at + ".name' " + wrong));
    // Checked before the schema is: compiling it takes longer than counting it.
    tool_bytes_ += spec.name.size() + spec.description.size() + to_text(spec.parameters).size();
    if (tool_bytes_ > kMaxToolBytes)
      return tool.fail(ApiError::invalid(at, "'tools' up to '" + at + "' have " + std::to_string(tool_bytes_) +
                                                 " bytes of names, descriptions and schemas, more than " + std::to_string(kMaxToolBytes)));
    if (!spec.parameters.is_object())
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters' must be a JSON schema of an object", "invalid_type"));
    const auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) {
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters': " + schema.error().message, "invalid_json_schema"));
    } else if (!(schema->root().types & llm::kObjectType)) {
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters' are of no object, as a call's arguments are",
                                  "invalid_json_schema"));
    }
    run().client_tools.push_back(std::move(spec));
  }

  void daemon_tools(Fields& tool, const std::string& at) {
    if (tool.string("server_label").value_or("") != "baton")
      return tool.fail(ApiError::unsupported(at + ".server_label", "only 'baton', the daemon's own tools"));
    tool.unsupported("server_url", "the daemon's own tools have none", {""});
    tool.any("server_description");
    const Json* allowed = tool.any("allowed_tools");
    if (allowed) {
      auto names = tool_filter(*allowed, at + ".allowed_tools", offer_);
      if (!names) return tool.fail(names.error());
      for (const tools::ToolSpec* spec : offer_.tools) {
        if (names->contains(spec->name) && named_.insert(spec->name).second) run().tools.push_back(spec->name);
      }
    } else {
      run().all_tools = true;
    }
    const Json* approval = tool.any("require_approval");
    if (!approval || *approval == "never") return;  // the daemon's own rules hold in any case
    std::set<std::string> ask;
    if (*approval == "always") {
      for (const tools::ToolSpec* spec : offer_.tools) ask.insert(spec->name);
    } else if (approval->is_object()) {
      Fields filter(*approval, at + ".require_approval");
      filter.any("never");
      if (const Json* always = filter.any("always")) {
        auto names = tool_filter(*always, at + ".require_approval.always", offer_);
        if (!names) return tool.fail(names.error());
        ask = std::move(*names);
      }
      if (auto error = filter.error()) return tool.fail(*error);
    } else {
      return tool.fail(ApiError::invalid(at + ".require_approval", "'" + at + ".require_approval' must be 'always', 'never' or a filter"));
    }
    for (const std::string& name : ask) run().permissions[name] = Permission::ask;
  }

  void tool_choice() {
    const Json* choice = fields_.any("tool_choice");
    using Mode = llm::ToolChoice::Mode;
    if (!choice || *choice == "auto") return;
    if (*choice == "none" || *choice == "required") {
      run().tool_choice.mode = *choice == "none" ? Mode::none : Mode::required;
      return;
    }
    if (!choice->is_object())
      return fields_.fail(ApiError::invalid("tool_choice", "'tool_choice' must be auto, none, required or an object"));
    Fields fields(*choice, "tool_choice");
    const std::string type = fields.string("type").value_or("");
    if (type == "function" || type == "mcp") {
      if (type == "mcp") fields.any("server_label");
      const auto name = fields.string("name", llm::kMaxToolNameBytes);
      if (!name && type == "function")
        fields.fail(
            ApiError::invalid("tool_choice.name", "'tool_choice.name' is missing: name the function", "missing_required_parameter"));
      if (name) run().tool_choice = {Mode::named, *name};
      if (!name) run().tool_choice.mode = Mode::required;
    } else if (type == "allowed_tools") {
      const std::string mode = fields.string("mode").value_or("auto");
      if (mode != "auto" && mode != "required")
        fields.fail(ApiError::invalid("tool_choice.mode", "'tool_choice.mode' must be auto or required"));
      if (mode == "required") run().tool_choice.mode = Mode::required;
      const Json* list = fields.array("tools");
      if (list) {
        if (auto error = more_than(kMaxTools, "tool_choice.tools", list->size(), "tools")) return fields_.fail(*error);
      }
      for (const Json& tool : list ? *list : Json::array()) {
        if (tool.is_object() && tool.contains("name") && tool["name"].is_string()) {
          run().allowed_tools.insert(tool["name"].get<std::string>());
        } else if (tool.is_object() && tool.value("type", Json()) == "mcp") {
          for (const tools::ToolSpec* spec : offer_.tools) {
            if (run().all_tools || named_.contains(spec->name)) run().allowed_tools.insert(spec->name);
          }
        } else {
          fields.fail(ApiError::invalid("tool_choice.tools", "each of 'tool_choice.tools' must name a function or the mcp server 'baton'"));
        }
      }
      if (run().allowed_tools.empty()) fields.fail(ApiError::invalid("tool_choice.tools", "'tool_choice.tools' allows nothing"));
    } else if (!fields.error()) {
      fields.fail(ApiError::unsupported("tool_choice.type", "types are function, mcp and allowed_tools"));
    }
    if (auto error = fields.error()) fields_.fail(*error);
  }

  void lineage() {
    run().previous_response_id = fields_.string("previous_response_id", 128).value_or("");
    const Json* conversation = fields_.any("conversation");
    if (conversation && conversation->is_string()) {
      run().conversation_id = conversation->get<std::string>();
    } else if (conversation) {
      Fields fields(*conversation, "conversation");
      run().conversation_id = fields.string("id", 128).value_or("");
      if (auto error = fields.error()) return fields_.fail(*error);
    }
    if (conversation && run().conversation_id.rfind("conv_", 0) != 0)
      return fields_.fail(ApiError::invalid("conversation", "'conversation' must be the id of a conversation, conv_.."));
    if (!run().conversation_id.empty() && !run().previous_response_id.empty())
      fields_.fail(ApiError::invalid("previous_response_id", "'previous_response_id' and 'conversation' exclude each other"));
    if (!run().conversation_id.empty() && !run().store)
      fields_.fail(ApiError::invalid("store", "'store': false does not go with a conversation, which keeps its items"));
    if (run().input.empty() && run().previous_response_id.empty() && run().conversation_id.empty())
      fields_.fail(ApiError::invalid("input", "'input' is missing", "missing_required_parameter"));
    else if (run().input.empty())
      fields_.fail(ApiError::invalid("input", "'input' is empty: say what the agent shall do", "missing_required_parameter"));
  }

  void extensions() {
    if (const auto value = fields_.integer("baton.max_turns", 1, 1000)) run().budgets.max_turns = static_cast<int>(*value);
    if (const auto value = fields_.integer("baton.max_seconds", 1, 1 << 20)) run().budgets.max_milliseconds = 1000 * *value;
    if (const auto value = fields_.integer("baton.seed", 0, std::numeric_limits<std::int64_t>::max()))
      run().sampling.seed = static_cast<std::uint64_t>(*value);
    if (const auto value = fields_.string("baton.after_tools")) run().after_tools = *value;
    if (const auto value = fields_.string("baton.key", 256)) run().key = *value;
    if (const Json* stop = fields_.array("baton.stop")) {
      auto stops = parse_stops(*stop, "baton.stop");
      if (!stops) return fields_.fail(stops.error());
      run().stop = std::move(*stops);
    }
  }

  // Fields of the protocol that mean something which is not done here; values that ask for nothing are fine.
  void unsupported() {
    fields_.unsupported("truncation", "prompts are never cut; 'disabled' is the only mode", {"disabled"});
    fields_.unsupported("service_tier", "", {"auto", "default"});
    fields_.unsupported("reasoning", "", {Json::object()});
    fields_.unsupported("prompt", "send instructions and input");
    fields_.unsupported("context_management", "", {Json::array()});
    fields_.unsupported("generate", "", {true});
    fields_.unsupported("background_options", "");
    fields_.unsupported("moderation", "");
    fields_.unsupported("image", "this model reads text only");
    fields_.unsupported("access_programs", "");
    fields_.unsupported("prompt_cache_options", "prefixes are always shared");
    fields_.unsupported("prompt_cache_retention", "prefixes are always shared", {"in_memory", "24h"});
    fields_.unsupported("stream_options", "", {Json::object(), {{"include_obfuscation", false}}});
    // Labels for somebody else's bookkeeping: they ask nothing of us.
    for (const char* label : {"user", "safety_identifier", "prompt_cache_key"}) fields_.string(label, 1024);
  }

  const Json& body_;
  const Offer& offer_;
  const Channel channel_;
  Fields fields_;
  CreateRequest request_;
  std::set<std::string> named_;  // run().tools
  std::size_t tool_bytes_ = 0;   // of the functions read so far
};

}  // namespace

Parsed<Json> parse_json(const std::string& text) {
  auto read = tools::read_json(text);
  if (!read)
    return ApiError::invalid("", read.error().message, read.error().code == tools::errc::too_large ? "json_too_large" : "invalid_json");
  if (!read->repeated.empty())
    return ApiError::invalid("", "the key at " + read->repeated.front() + " stands twice in its object, and only one of them would count",
                             "invalid_json");
  return std::move(read->value);
}

Parsed<CreateRequest> parse_create(const Json& body, const Offer& offer, Channel channel) { return Parser(body, offer, channel).parse(); }

Parsed<std::vector<std::string>> parse_stops(const Json& list, const std::string& param) {
  if (auto error = more_than(kMaxStops, param, list.size(), "strings")) return *error;
  std::vector<std::string> stops;
  for (const Json& one : list) {
    if (!one.is_string()) return ApiError::invalid(param, "'" + param + "' must be a string or an array of strings", "invalid_type");
    stops.push_back(one.get<std::string>());
    if (stops.back().size() > kMaxStopBytes)
      return ApiError::invalid(param, "a string of '" + param + "' has " + std::to_string(stops.back().size()) + " bytes, more than " +
                                          std::to_string(kMaxStopBytes));
  }
  return stops;
}

Parsed<Json> parse_metadata(const Json& value, const std::string& param) {
  if (!value.is_object()) return ApiError::invalid(param, "'" + param + "' must be an object", "invalid_type");
  if (value.size() > 16) return ApiError::invalid(param, "'" + param + "' has " + std::to_string(value.size()) + " pairs, more than 16");
  for (const auto& [key, text] : value.items()) {
    const std::string at = param + "." + key;
    if (key.size() > 64) return ApiError::invalid(at, "a key of '" + param + "' is longer than 64 bytes");
    if (!text.is_string()) return ApiError::invalid(at, "'" + at + "' must be a string", "invalid_type");
    if (text.get_ref<const std::string&>().size() > 512) return ApiError::invalid(at, "'" + at + "' is longer than 512 bytes");
  }
  return value;
}

}  // namespace baton::agent::server
