#include "tool_syntax.h"

#include <algorithm>
#include <utility>

namespace baton::llm {
namespace {

std::string with_shown_holes(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == kHole ? "{id}" : c == kKeyHole ? "{name}" : std::string(1, c);
  return out;
}

}  // namespace

bool ToolSyntax::has_token(std::string_view text) const {
  if (text.empty()) return false;
  std::vector<const std::string*> all = {&calls_prefix, &call_separator, &calls_suffix, &reasoning_open, &reasoning_close};
  if (form == Form::text) {
    all.insert(all.end(), {&call_suffix, &name_suffix});
    if (!has_json_arguments()) {
      all.insert(all.end(), {&parameters.prefix, &parameters.key_suffix, &parameters.text_key_suffix, &parameters.value_suffix,
                             &parameters.separator, &parameters.none, &parameters.quote_prefix, &parameters.quote_suffix});
    }
  }
  for (const std::string& mark : text_marks) all.push_back(&mark);
  return std::any_of(all.begin(), all.end(), [&](const std::string* one) { return one->find(text) != std::string::npos; });
}

Json to_json(const ToolSyntax& syntax) {
  static constexpr const char* kForms[] = {"unknown", "json_object", "json_list", "text"};
  Json out = {{"form", kForms[static_cast<int>(syntax.form)]}};
  if (!syntax.why.empty()) out["why"] = syntax.why;
  out["open"] = with_shown_holes(syntax.calls_prefix);
  if (syntax.form == ToolSyntax::Form::text) {
    if (syntax.has_json_arguments()) {
      out["middle"] = with_shown_holes(syntax.name_suffix);
    } else {
      const auto& p = syntax.parameters;
      out["parameters"] = {{"first", with_shown_holes(p.prefix)},
                           {"assign", p.key_suffix},
                           {"text_assign", p.text_key_suffix},
                           {"value_end", with_shown_holes(p.value_suffix)},
                           {"separator", p.separator},
                           {"none", with_shown_holes(p.none)},
                           {"quote_open", p.quote_prefix},
                           {"quote_close", p.quote_suffix},
                           {"true", p.yes},
                           {"false", p.no},
                           {"null", p.null},
                           {"json_values", p.structures == ToolSyntax::Parameters::Structures::json}};
    }
    out["end"] = with_shown_holes(syntax.call_suffix);
  } else {
    out["name_key"] = syntax.name_key;
    out["arguments_key"] = syntax.arguments_key;
    if (!syntax.id_key.empty()) out["id_key"] = syntax.id_key;
    if (!syntax.other_keys.empty()) out["other_keys"] = syntax.other_keys;
  }
  out["between"] = with_shown_holes(syntax.call_separator);
  out["close"] = with_shown_holes(syntax.calls_suffix);
  out["parallel"] = syntax.parallel();
  out["result"] = {{"open", with_shown_holes(syntax.result_open)}, {"close", with_shown_holes(syntax.result_close)}};
  for (const auto& [key, tag] : {std::pair{"end_of_turn", &syntax.end_of_turn},
                                 {"end_of_call_turn", &syntax.end_of_call_turn},
                                 {"end_of_message", &syntax.end_of_message}}) {
    if (!tag->empty()) out[key] = *tag;
  }
  out["reasoning"] = {{"open", syntax.reasoning_open}, {"close", syntax.reasoning_close}};
  return out;
}

}  // namespace baton::llm
