#include "syntax_check.h"

#include <baton/llm/call_parser/call_parser.h>

#include "call_rendering.h"

namespace baton::llm {
namespace {

using Probe = CallRendering;

struct Case {
  const char* what;
  std::vector<Json> calls;  // the arguments of each, with keys in alphabetical order, as in some templates
};

// One parameter per type, so that each type is written without quotes once.
constexpr std::string_view kText = Probe::kFirst, kList = Probe::kSecond, kObject = "zq7_gamma", kFlag = "zq7_delta", kNumber = "zq7_eps";

std::vector<ToolSpec> tools() {
  Json properties = Json::object();
  for (const auto& [name, type] :
       {std::pair{kText, "string"}, {kList, "array"}, {kObject, "object"}, {kFlag, "boolean"}, {kNumber, "number"}})
    properties[std::string(name)] = {{"type", type}};
  std::vector<ToolSpec> all;
  for (const std::string_view name : Probe::kNames)
    all.push_back({std::string(name), "", {{"type", "object"}, {"properties", properties}}});
  return all;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"a call without arguments", {Json::object()}},
      {"a string of quotes, brackets and lines", {{{kText, "5 < 6 & \"7\", it's C:\\8 {9}]\nend"}}}},
      {"lists, objects, numbers and booleans", {{{kList, {1, {{"b", true}}}}, {kFlag, false}, {kNumber, -0.25}, {kObject, {{"c", "d"}}}}}},
      {"several calls", {{{kNumber, 1}}, Json::object(), {{kText, "a, b"}}}},
  };
  return kCases;
}

// The parser's result as JSON: [[name, arguments], ..].
Json read(const ToolSyntax& syntax, const std::string& text) {
  CallParser parser({.tools = tools(), .syntax = syntax, .new_call_id = [] { return std::string(); }});
  std::vector<Delta> deltas;
  parser.push(text, 0, deltas);
  parser.finish(false, deltas);
  Json calls = Json::array();
  for (const Delta& delta : deltas) {
    if (const auto* finished = std::get_if<CallFinished>(&delta)) calls.push_back({finished->call.name, finished->call.arguments});
  }
  return calls;
}

}  // namespace

std::string misread(const ToolSyntax& syntax, const WrittenCalls& written) {
  for (const Case& one : cases()) {
    const auto text = written(one.calls);
    if (!text || text->find(Probe::kNames[one.calls.size() - 1]) == std::string::npos) continue;
    Json wanted = Json::array();
    for (std::size_t i = 0; i < one.calls.size(); ++i) wanted.push_back({Probe::kNames[i], one.calls[i]});
    if (read(syntax, *text) != wanted) return std::string(one.what) + " would be read as something else";
  }
  return {};
}

}  // namespace baton::llm
