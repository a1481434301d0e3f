#include "create_request.h"

#include <baton/agent/core/items.h>
#include <baton/llm/chat/tool_name.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/read_json.h>

#include <algorithm>

#include "fields.h"
#include "request_limits.h"
#include "sampling_fields.h"
#include "template_fields.h"
#include "text_format.h"

namespace baton::agent::server {
namespace {

// A set of the daemon's tools: ["a", "b"] or {"tool_names": [..], "read_only": true}.
Parsed<std::set<std::string>> tool_filter(const Json& filter, const std::string& param, const Offer& offer, Notes& notes) {
  std::set<std::string_view> offered;
  for (const tools::ToolSpec* tool : offer.tools) offered.insert(tool->name);
  std::set<std::string> names;
  const Json* list = &filter;
  if (filter.is_object()) {
    Fields fields(filter, param, notes);
    list = fields.array("tool_names");
    const auto read_only = fields.boolean("read_only");
    if (auto error = fields.finish()) return *error;
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
  Parser(const Json& body, const Offer& offer, Channel channel)
      : body_(body), offer_(offer), channel_(channel), fields_(body, "", request_.notes) {
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
    text();
    tools();
    tool_choice();
    lineage();
    extensions();
    without_effect();
    if (auto error = fields_.finish()) return *error;
    run().ignored = notes().ignored();
    return std::move(request_);
  }

 private:
  RunRequest& run() { return request_.run; }
  Notes& notes() { return request_.notes; }

  void envelope() {
    if (channel_ == Channel::websocket) {
      fields_.any("type");
      request_.stream_id = fields_.string("stream_id", 64).value_or("");
      fields_.no_effect("stream", {true});       // over a WebSocket everything streams
      fields_.no_effect("background", {false});  // and every response outlives its socket
      request_.stream = true;
    } else {
      request_.stream = fields_.boolean("stream").value_or(false);
      request_.background = fields_.boolean("background").value_or(false);
    }
    if (const Json* metadata = fields_.any("metadata")) {
      auto parsed = parse_metadata(*metadata, "metadata");
      if (!parsed) return fields_.fail(parsed.error());
      run().metadata = std::move(*parsed);
      run().key = string_of(run().metadata, "baton_key");
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
    auto items = parse_input(*value, "input", notes());
    if (!items) return fields_.fail(items.error());
    run().input = std::move(*items);
  }

  void sampling() {
    read_sampling(fields_, run());
    read_template_fields(fields_, offer_, run());
    if (const auto value = fields_.integer("max_tool_calls", 0, 10'000)) run().budgets.max_tool_calls = static_cast<int>(*value);
    if (const Json* include = fields_.array("include")) {
      if (auto error = more_than(kMaxInclude, "include", include->size(), "entries")) return fields_.fail(*error);
      for (std::size_t i = 0; i < include->size(); ++i) {
        if ((*include)[i] == "message.output_text.logprobs") {
          run().logprobs = true;
        } else if ((*include)[i] != "reasoning.encrypted_content") {  // reasoning is kept in plain text
          notes().ignore("include[" + std::to_string(i) + "]");
        }
      }
    }
  }

  void text() {
    if (const Json* text = fields_.any("text")) {
      Fields inner(*text, "text", notes());
      inner.no_effect("verbosity", {"medium"});
      if (const Json* format = inner.any("format")) {
        auto parsed = parse_text_format(*format, "text.format", notes());
        if (!parsed) return fields_.fail(parsed.error());
        run().text_format = std::move(*parsed);
      }
      if (auto error = inner.finish()) return fields_.fail(*error);
    }
    read_local_format(fields_, run().text_format);
    fields_.unsupported("response_format", "send text.format");
  }

  void tools() {
    const Json* list = fields_.array("tools");
    run().parallel_tool_calls = fields_.boolean("parallel_tool_calls").value_or(true);
    if (!list) return;
    if (auto error = more_than(kMaxTools, "tools", list->size(), "tools")) return fields_.fail(*error);
    std::vector<std::size_t> namespaces;
    for (std::size_t i = 0; i < list->size() && !fields_.error(); ++i) {
      const std::string at = "tools[" + std::to_string(i) + "]";
      Fields tool((*list)[i], at, notes());
      const std::string type = tool.string("type").value_or("");
      if (type == "function") {
        function(tool, at, nullptr);
      } else if (type == "mcp" && string_of((*list)[i], "server_label") == "baton") {
        daemon_tools(tool, at);
      } else if (type == "namespace") {
        namespaces.push_back(i);
        continue;
      } else if (!tool.error()) {
        const bool server = type == "mcp";
        pass_over(server ? at + ".server_label" : at + ".type",
                  server ? "only 'baton', the daemon's own tools"
                         : "tools are 'function' (yours), 'namespace' (of functions) and 'mcp' with server_label 'baton' (the daemon's); not '" +
                               type + "'");
        continue;
      }
      if (auto error = tool.finish()) return fields_.fail(*error);
    }
    // Their functions come last: where two have one name, the one without a namespace is called by it.
    for (const std::size_t i : namespaces) {
      if (!fields_.error()) name_space((*list)[i], "tools[" + std::to_string(i) + "]");
    }
    if (fields_.error()) return;
    // An agent goes on without the tools of a server's own; a question that brings nothing else asks for what is not here.
    if (!passed_over_.empty() && run().client_tools.empty() && run().tools.empty() && !run().all_tools)
      return fields_.fail(passed_over_.front());
    for (const ApiError& one : passed_over_) notes().ignore(one.param.substr(0, one.param.rfind('.')));
  }

  // Of a tool that nobody here can call.
  void pass_over(const std::string& param, const std::string& why) { passed_over_.push_back(ApiError::unsupported(param, why)); }

  // {"type": "namespace", "name", "description", "tools": [functions]}
  void name_space(const Json& value, const std::string& at) {
    Fields fields(value, at, notes());
    fields.any("type");
    const auto name = fields.string("name", llm::kMaxToolNameBytes);
    fields.string("description");
    const Json* list = fields.array("tools");
    if (auto error = fields.finish()) return fields_.fail(*error);
    if (!name)
      return fields_.fail(ApiError::invalid(at + ".name", "'" + at + ".name' is missing", "missing_required_parameter"));
    if (!list) return;
    if (auto error = more_than(kMaxTools, at + ".tools", list->size(), "tools")) return fields_.fail(*error);
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string inside = at + ".tools[" + std::to_string(i) + "]";
      Fields tool((*list)[i], inside, notes());
      const std::string type = tool.string("type").value_or("");
      if (type != "function" && !tool.error()) {
        pass_over(inside + ".type", "a namespace holds functions; not '" + type + "'");
        continue;
      }
      function(tool, inside, &*name);
      if (auto error = tool.finish()) return fields_.fail(*error);
    }
    if (auto error = more_than(kMaxTools, "tools", run().client_tools.size(), "functions")) fields_.fail(*error);
  }

  void function(Fields& tool, const std::string& at, const std::string* name_space) {
    llm::ToolSpec spec;
    spec.name = tool.string("name").value_or("");
    spec.description = tool.string("description").value_or("");
    tool.boolean("strict");  // calls are checked against the schema either way
    const Json* parameters = tool.any("parameters");
    spec.parameters = parameters ? *parameters : Json{{"type", "object"}, {"properties", Json::object()}};
    if (const std::string wrong = llm::wrong_with_tool_name(spec.name); !wrong.empty())
      return tool.fail(ApiError::invalid(at + ".name", "'" + at + ".name' " + wrong));
    if (name_space && !in_namespace(spec, *name_space))
      return tool.fail(ApiError::invalid(at + ".name", "there are two functions '" + spec.name + "' in the namespace '" + *name_space + "'"));
    names_.insert(spec.name);
    // Checked before the schema is: compiling it takes longer than counting it.
    tool_bytes_ += spec.name.size() + spec.description.size() + to_text(spec.parameters).size();
    if (tool_bytes_ > kMaxToolBytes)
      return tool.fail(ApiError::invalid(at, "'tools' up to '" + at + "' have " + std::to_string(tool_bytes_) +
                                                 " bytes of names, descriptions and schemas, more than " + std::to_string(kMaxToolBytes)));
    if (!spec.parameters.is_object())
      return tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters' must be a JSON schema of an object", "invalid_type"));
    const auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) {
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters': " + schema.error().message, "invalid_json_schema"));
    } else if (!(schema->root().types & llm::kObjectType)) {
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters' are of no object, as a call's arguments are",
                                  "invalid_json_schema"));
    }
    run().client_tools.push_back(std::move(spec));
  }

  // Gives the function the name by which the model calls it: its own where that is free. False: its long one is taken as well.
  bool in_namespace(llm::ToolSpec& spec, const std::string& name_space) {
    const auto is_free = [&](const std::string& name) {
      return !names_.contains(name) && std::none_of(offer_.tools.begin(), offer_.tools.end(), [&](const auto* t) { return t->name == name; });
    };
    const NamespacedName shown{name_space, spec.name};
    if (!is_free(spec.name)) spec.name = name_space + "." + spec.name;
    if (!is_free(spec.name) || !llm::wrong_with_tool_name(spec.name).empty()) return false;
    run().namespaced[spec.name] = shown;
    return true;
  }

  void daemon_tools(Fields& tool, const std::string& at) {
    for (const char* key : {"server_label", "server_description"}) tool.any(key);
    tool.no_effect("server_url", {""});
    const Json* allowed = tool.any("allowed_tools");
    if (allowed) {
      auto names = tool_filter(*allowed, at + ".allowed_tools", offer_, notes());
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
      Fields filter(*approval, at + ".require_approval", notes());
      filter.any("never");
      if (const Json* always = filter.any("always")) {
        auto names = tool_filter(*always, at + ".require_approval.always", offer_, notes());
        if (!names) return tool.fail(names.error());
        ask = std::move(*names);
      }
      if (auto error = filter.finish()) return tool.fail(*error);
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
    Fields fields(*choice, "tool_choice", notes());
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
    if (auto error = fields.finish()) fields_.fail(*error);
  }

  void lineage() {
    run().previous_response_id = fields_.string("previous_response_id", 128).value_or("");
    const Json* conversation = fields_.any("conversation");
    if (conversation && conversation->is_string()) {
      run().conversation_id = conversation->get<std::string>();
    } else if (conversation) {
      Fields fields(*conversation, "conversation", notes());
      run().conversation_id = fields.string("id", 128).value_or("");
      if (auto error = fields.finish()) return fields_.fail(*error);
    }
    if (conversation && run().conversation_id.rfind("conv_", 0) != 0)
      return fields_.fail(ApiError::invalid("conversation", "'conversation' must be the id of a conversation, conv_.."));
    if (!run().conversation_id.empty() && !run().previous_response_id.empty())
      fields_.fail(ApiError::invalid("previous_response_id", "'previous_response_id' and 'conversation' exclude each other"));
    if (!run().conversation_id.empty() && !run().store)
      fields_.fail(ApiError::invalid("store", "'store': false does not go with a conversation, which keeps its items"));
    run().generate = fields_.boolean("generate").value_or(true);
    if (!run().generate) return;  // the instructions and tools of later responses, perhaps
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

  // Fields of the protocols that mean something which is not done here. What the answer would be wrong without is refused.
  void without_effect() {
    if (const auto truncation = fields_.string("truncation", 64)) {
      run().truncate = *truncation == "auto";
      if (*truncation != "auto" && *truncation != "disabled")
        fields_.fail(ApiError::invalid("truncation", "'truncation' must be auto or disabled"));
    }
    fields_.unsupported("prompt", "send instructions and input");
    fields_.unsupported("image", "this model reads text only");
    fields_.no_effect("service_tier", {"auto", "default"});
    fields_.no_effect("context_management", {Json::array()});
    for (const char* key : {"background_options", "moderation", "access_programs", "prompt_cache_options", "prompt_cache_retention"})
      fields_.no_effect(key);  // prefixes are always shared
    if (const Json* options = fields_.any("stream_options")) {
      Fields inner(*options, "stream_options", notes());
      for (const char* key : {"include_obfuscation", "include_usage"}) inner.no_effect(key, {false});
      if (auto error = inner.finish()) fields_.fail(*error);
    }
    // Labels for somebody else's bookkeeping.
    for (const char* label : {"user", "safety_identifier", "prompt_cache_key", "client_metadata"}) fields_.no_effect(label);
  }

  const Json& body_;
  const Offer& offer_;
  const Channel channel_;
  CreateRequest request_;
  Fields fields_;
  std::set<std::string> named_;        // run().tools
  std::set<std::string> names_;        // run().client_tools
  std::vector<ApiError> passed_over_;  // tools that nobody here can call
  std::size_t tool_bytes_ = 0;         // of the functions read so far
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
  Json kept = Json::object();
  for (const auto& [key, scalar] : value.items()) {
    const std::string at = param + "." + key;
    if (key.size() > 64) return ApiError::invalid(at, "a key of '" + param + "' is longer than 64 bytes");
    if (scalar.is_null()) continue;
    if (scalar.is_structured()) return ApiError::invalid(at, "'" + at + "' must be a string, a number, true or false", "invalid_type");
    if (scalar.is_string() && scalar.get_ref<const std::string&>().size() > 512)
      return ApiError::invalid(at, "'" + at + "' is longer than 512 bytes");
    kept[key] = scalar;
  }
  return kept;
}

}  // namespace baton::agent::server
