#include "create_request.h"

#include <baton/agent/core/items.h>
#include <baton/tools/read_json.h>

#include <algorithm>

#include "fields.h"
#include "format_fields.h"
#include "request_limits.h"
#include "request_tools.h"
#include "sampling_fields.h"
#include "template_fields.h"

namespace baton::agent::protocol {
namespace {

class Parser {
 public:
  Parser(const Json& body, const Offer& offer, Channel channel, Purpose purpose)
      : body_(body), offer_(offer), channel_(channel), purpose_(purpose), fields_(body, "", request_.notes) {
    run().all_tools = false;
    run().after_tools = offer.after_tools;
    run().turn.max_output_tokens = offer.max_output_tokens;
    run().durable = true;
  }

  Parsed<CreateRequest> parse() {
    if (!body_.is_object()) return *fields_.error();
    envelope();
    model();
    input();
    sampling();
    text();
    read_tools(fields_, offer_, run());
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
      fields_.no_effect("stream", {true});       // over a WebSocket every response streams
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
    run().storage = fields_.boolean("store").value_or(true) ? Storage::stored : Storage::continuable;
    run().instructions = fields_.string("instructions").value_or("");
  }

  void model() {
    const auto name = fields_.string("model", 256);
    if (!name || name->empty() || *name == offer_.model || *name == "baton") return;
    const auto profile = offer_.profiles ? offer_.profiles->find(*name) : Profiles::const_iterator{};
    if (!offer_.profiles || profile == offer_.profiles->end())
      return fields_.fail(
          {404, "invalid_request_error", "model_not_found",
           "there is no model '" + *name + "' here; the model is '" + offer_.model + "', and GET /v1/models lists the profiles", "model"});
    run().model = *name;
    run().tools = profile->second.tools;
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
          run().turn.logprobs = true;
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
    fields_.unsupported("response_format", "send text.format", {{{"type", "text"}}});
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
      fields_.fail(
          ApiError::invalid("previous_response_id", "'previous_response_id' and 'conversation' exclude each other: send only one"));
    if (!run().conversation_id.empty() && run().storage != Storage::stored)
      fields_.fail(ApiError::invalid("store", "'store': false cannot be combined with a conversation, which keeps its items"));
    run().generate = fields_.boolean("generate").value_or(true);
    if (!run().generate || !run().input.empty()) return;  // a warm-up may contain only the instructions and tools of later responses
    const bool continues = !run().previous_response_id.empty() || !run().conversation_id.empty();
    if (!continues)
      fields_.fail(ApiError::invalid("input", "'input' is missing", "missing_required_parameter"));
    else if (purpose_ == Purpose::answer)
      fields_.fail(ApiError::invalid("input", "'input' is empty: say what the agent should do", "missing_required_parameter"));
  }

  void extensions() {
    if (const auto value = fields_.integer("baton.max_turns", 1, 1000)) run().budgets.max_turns = static_cast<int>(*value);
    if (const auto value = fields_.integer("baton.max_seconds", 1, 1 << 20)) run().budgets.max_milliseconds = 1000 * *value;
    if (const auto value = fields_.integer("baton.seed", 0, std::numeric_limits<std::int64_t>::max()))
      run().turn.sampling.seed = static_cast<std::uint64_t>(*value);
    if (const auto value = fields_.string("baton.after_tools")) run().after_tools = *value;
    if (const auto value = fields_.string("baton.key", 256)) run().key = *value;
    if (const Json* stop = fields_.array("baton.stop")) {
      auto stops = parse_stops(*stop, "baton.stop");
      if (!stops) return fields_.fail(stops.error());
      run().turn.stop = std::move(*stops);
    }
  }

  // Fields of the protocols that are not implemented here. Those whose absence would make the answer wrong are refused.
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
    // Labels for other services' bookkeeping.
    for (const char* label : {"user", "safety_identifier", "prompt_cache_key", "client_metadata"}) fields_.no_effect(label);
  }

  const Json& body_;
  const Offer& offer_;
  const Channel channel_;
  const Purpose purpose_;
  CreateRequest request_;
  Fields fields_;
};

}  // namespace

Parsed<Json> parse_json(const std::string& text) {
  auto read = tools::read_json(text);
  if (!read)
    return ApiError::invalid("", read.error().message, read.error().code == tools::errc::too_large ? "json_too_large" : "invalid_json");
  if (!read->repeated.empty())
    return ApiError::invalid("", "the key at " + read->repeated.front() + " occurs twice in its object: send it once", "invalid_json");
  return std::move(read->value);
}

Parsed<CreateRequest> parse_create(const Json& body, const Offer& offer, Channel channel, Purpose purpose) {
  return Parser(body, offer, channel, purpose).parse();
}

Parsed<std::vector<std::string>> parse_stops(const Json& list, const std::string& param) {
  if (auto error = more_than(kMaxStops, param, list.size(), "strings")) return *error;
  std::vector<std::string> stops;
  for (const Json& one : list) {
    if (!one.is_string()) return ApiError::invalid(param, "'" + param + "' must be a string or an array of strings", "invalid_type");
    stops.push_back(one.get<std::string>());
    if (stops.back().size() > kMaxStopBytes)
      return ApiError::invalid(param, "a string of '" + param + "' has " + std::to_string(stops.back().size()) + " bytes; at most " +
                                          std::to_string(kMaxStopBytes) + " are allowed");
  }
  return stops;
}

Parsed<Json> parse_metadata(const Json& value, const std::string& param) {
  if (!value.is_object()) return ApiError::invalid(param, "'" + param + "' must be an object", "invalid_type");
  if (value.size() > 16)
    return ApiError::invalid(param, "'" + param + "' has " + std::to_string(value.size()) + " pairs; at most 16 are allowed");
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

}  // namespace baton::agent::protocol
