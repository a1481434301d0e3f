#pragma once
// The types of a conversation, and the deltas of a generator. This is the only header of llm/ that agent/core includes: values only, no
// tokens to interpret, no threads, no sockets.
#include <baton/llm/error.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/llm/sampler/sampling_params.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace baton::llm {

// Key order is part of the prompt, so JSON keeps it from end to end.
using Json = nlohmann::ordered_json;

struct ToolCall {
  std::string id;    // "call_...", unique in its conversation
  std::string name;  // of a tool that the request offered
  Json arguments;    // always an object
};

// The exact tokens that a model wrote for an assistant message. The same model under the same template continues from them, so that nothing
// is prefilled again; any other model renders the canonical form.
struct RawTokens {
  std::vector<std::int32_t> ids;
  std::string model_identity;
  std::string template_sha256;
};

enum class Role { system, user, assistant, tool };

struct Message {
  Role role = Role::user;
  std::string content;               // may be empty for an assistant message that only calls tools
  std::string reasoning;             // assistant: the text of its reasoning block
  std::vector<ToolCall> tool_calls;  // assistant
  std::string tool_call_id;          // tool: the call that this answers
  std::string name;                  // tool: the tool's name
  std::optional<RawTokens> raw;      // assistant
};

struct ToolSpec {
  std::string name;                             // valid according to tool_name.h
  std::string description;                      // for the model
  Json parameters;                              // JSON schema of the arguments object
  std::optional<Schema> schema = std::nullopt;  // `parameters`, parsed by whoever read the request; without it, they are parsed again
};

// The tool's schema. Errors: those of Schema::parse.
inline Result<Schema> schema_of(const ToolSpec& tool) {
  return tool.schema ? Result<Schema>(*tool.schema) : Schema::parse(tool.parameters);
}

struct ToolChoice {
  enum class Mode { automatic, none, required, named } mode = Mode::automatic;
  std::string name;  // for named
};

// The requested format of an answer, as it is written.
struct OutputFormat {
  enum class Kind { json_object, json_schema, regex, grammar } kind = Kind::json_object;
  Json schema = Json();   // json_schema
  std::string text = {};  // regex: the pattern, of the whole answer; grammar: its rules, in GBNF
};

class CompiledFormat;  // llm/constraint/compiled_format.h

// How earlier assistant messages are written into the prompt (measured in docs/history.md).
enum class HistoryForm {
  as_written,  // the raw tokens if they are this model's own: nothing is prefilled twice
  canonical,   // the template's rendering of the parsed message
};

// How one answer of the model is to be made. A client's request, the run that it starts, and each chat request of that run hold the same
// settings, and the defaults are here only.
struct TurnSettings {
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;  // false: an answer makes at most one call
  SamplingParams sampling;          // without a seed one is drawn, and reported with the answer
  int max_output_tokens = kDefaultOutputTokens;
  std::vector<std::string> stop;  // the answer ends before the first of these
  bool logprobs = false;          // TextDelta::logprobs are requested, with sampling.top_logprobs alternatives
  HistoryForm history = HistoryForm::as_written;
  Json template_variables = Json::object();  // further variables of the chat template, e.g. {"enable_thinking": false}
};

struct ChatRequest {
  std::vector<Message> messages;
  std::vector<ToolSpec> tools;  // in registration order
  TurnSettings turn;
  std::shared_ptr<const CompiledFormat> format;  // of the answer; null: the model writes freely
  std::string client;                            // EngineRequest::client
  // If the prompt does not fit into the context, the messages before one of these indices may be left out, as few as possible; system
  // messages stay. In rising order; empty: a prompt that does not fit is an error.
  std::vector<std::size_t> may_begin_at = {};
  // If not empty: the prompt itself, for a text that is not a conversation. Of the members above, only the sampling and the ends are used
  // then, and the answer is plain text, as the model wrote it, without control tokens that are not tags.
  std::vector<std::int32_t> prompt = {};
};

struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt: tokens whose keys and values were still cached
  int output_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

enum class FinishReason {
  stop,        // the model ended its turn, or a stop string was reached
  tool_calls,  // the turn ended with at least one call
  length,      // TurnSettings::max_output_tokens, or the context is full
  cancelled,
  error,
};

// ---- The deltas of a generator, in this order: MessagesLeftOut at most once, PrefillProgress*, then texts and calls as they come, then
// exactly one Finished.

// ChatRequest::may_begin_at was used.
struct MessagesLeftOut {
  int n = 0;
};

struct PrefillProgress {
  int done = 0;  // tokens
  int total = 0;
};
struct TokenLogprob {
  std::string bytes;  // of the token: may be a part of a character
  double logprob = 0;
  std::vector<std::pair<std::string, double>> top;  // the most probable ones, with their log-probabilities, best first
};
struct TextDelta {
  std::string text;                      // valid UTF-8, never a part of a character
  std::vector<TokenLogprob> logprobs{};  // if requested: of the tokens that ended since the previous delta
};
struct ReasoningDelta {
  std::string text;
};
struct CallStarted {
  int index = 0;  // 0, 1, .. within this answer
  std::string id;
  std::string name;
  bool fits = false;        // its arguments will be valid under the tool's schema, unless the answer is cut off
  double confidence = 1.0;  // CallFinished's, if the call is written under its grammar, where it is known from the name on
};
struct CallArguments {
  int index = 0;
  std::string fragment;  // all fragments of a call concatenated are the JSON text of its arguments
};
struct CallFinished {
  int index = 0;
  ToolCall call;
  // For a call written under its grammar: the share of probability of the offered names when the model began to write one, times the
  // probability of beginning the answer with a call, if it did so. Otherwise the geometric mean probability of the call's tokens. 0..1
  double confidence = 1.0;
};
struct Finished {
  FinishReason reason = FinishReason::stop;
  Usage usage;
  RawTokens raw;               // the model's own tokens, for Message::raw
  std::uint64_t seed = 0;      // the seed used: the request's, or one that was drawn
  std::optional<Error> error;  // with reason error
  // Not empty: the answer contains text that was meant as a call but cannot be read as one (it was output as text). The member says what is
  // wrong with it, so that the model can be told.
  std::string malformed_call = {};
};

using Delta = std::variant<MessagesLeftOut, PrefillProgress, TextDelta, ReasoningDelta, CallStarted, CallArguments, CallFinished, Finished>;

}  // namespace baton::llm
