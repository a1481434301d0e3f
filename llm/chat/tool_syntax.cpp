#include "tool_syntax.h"

#include <baton/llm/grammar/json_layout.h>

#include <algorithm>
#include <array>
#include <optional>

#include "call_openers.h"
#include "json_scanner.h"

namespace baton::llm {
namespace {

// Words that no template has of its own.
constexpr std::array<std::string_view, 2> kNames = {"zq7_tool_one", "zq7_tool_two"};
// Nine letters and digits, as some templates insist on.
constexpr std::array<std::string_view, 2> kIds = {"zq7iduno1", "zq7iddos2"};
constexpr std::string_view kFirst = "zq7_alpha", kSecond = "zq7_beta";
constexpr std::string_view kText = "zq7text", kOtherText = "zq7other", kContent = "zq7content", kResult = "zq7result";
constexpr int kNumber = 73519, kOtherNumber = 73520;

using Range = std::pair<std::size_t, std::size_t>;  // begin, end

// ---- Conversations

class Renderer {
 public:
  Renderer(const Render& render, const TemplateAbilities& abilities, bool named_ids)
      : render_(render), abilities_(abilities), named_ids_(named_ids) {}

  // What follows the prompt, when the answer is these calls. Nothing: the template refuses it, or does not continue its own prompt.
  std::optional<std::string> calls(const std::vector<Json>& arguments) const { return answer(messages(arguments)); }
  std::optional<std::string> content() const {
    Json assistant = {{"role", "assistant"}, {"content", kContent}};
    return answer({user(), assistant});
  }
  // What follows a call, when it has this result.
  std::optional<std::string> result() const {
    Json all = messages({Json{{kFirst, kText}}});
    const auto before = text(all, false);
    all.push_back({{"role", "tool"}, {"tool_call_id", id(0)}, {"name", kNames[0]}, {"content", kResult}});
    const auto after = text(all, false);
    if (!before || !after) return std::nullopt;
    return after->substr(common(*before, *after));
  }

 private:
  static std::size_t common(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  }
  static Json user() { return {{"role", "user"}, {"content", "hello"}}; }
  std::string id(std::size_t i) const {
    return named_ids_ ? "functions." + std::string(kNames[i]) + ":" + std::to_string(i) : std::string(kIds[i]);
  }
  Json messages(const std::vector<Json>& arguments) const {
    Json calls = Json::array();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      calls.push_back({{"id", id(i)}, {"type", "function"}, {"function", {{"name", kNames[i]}, {"arguments", arguments[i]}}}});
    }
    return Json::array({user(), {{"role", "assistant"}, {"content", ""}, {"tool_calls", calls}}});
  }
  std::optional<std::string> text(const Json& messages, bool prompt) const {
    Json variables = {{"messages", messages}, {"add_generation_prompt", prompt}};
    if (abilities_.tools) {
      variables["tools"] = Json::array();
      for (const std::string_view name : kNames) {
        const Json parameters = {{"type", "object"}, {"properties", {{kFirst, {{"type", "string"}}}}}};
        variables["tools"].push_back(
            {{"type", "function"}, {"function", {{"name", name}, {"description", "Tells."}, {"parameters", parameters}}}});
      }
    }
    const auto spans = render_(variables);
    if (!spans) return std::nullopt;
    return joined(*spans);
  }
  std::optional<std::string> answer(const Json& messages) const {
    const auto whole = text(messages, false);
    const auto prompt = text(Json::array({user()}), true), question = text(Json::array({user()}), false);
    if (!whole || !prompt || !question) return std::nullopt;
    // A prompt that opens more than a message has (a reasoning block) is compared as far as they agree.
    std::size_t begin = common(*whole, *prompt);
    if (begin < question->size() && begin < prompt->size()) return std::nullopt;
    const auto tag = whole->rfind('<', begin == 0 ? 0 : begin - 1);
    if (begin < prompt->size() && tag != std::string::npos && tag >= question->size() && whole->find('>', tag) >= begin) begin = tag;
    return whole->substr(begin);
  }

  const Render& render_;
  const TemplateAbilities& abilities_;
  const bool named_ids_;
};

// ---- Texts

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  if (what.empty()) return;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

// As far as both begin alike, but not into the middle of a tag.
std::string common_beginning(std::string_view a, std::string_view b) {
  std::string_view both = a.substr(0, static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin()));
  for (const auto& [opening, closing] : {std::pair{'<', '>'}, std::pair{'[', ']'}}) {
    const auto at = both.rfind(opening);
    if (at != std::string_view::npos && both.find(closing, at) == std::string_view::npos) both = both.substr(0, at);
  }
  return std::string(both);
}

// As far as both end alike, but not from the middle of a tag.
std::string common_end(std::string_view a, std::string_view b) {
  const auto n = static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
  std::string_view both = a.substr(a.size() - n);
  const auto tag = both.find_first_of("<[");
  if (n < std::min(a.size(), b.size()) && tag != 0) both = tag == std::string_view::npos ? std::string_view() : both.substr(tag);
  return std::string(both);
}

// The JSON that begins at `at`; nothing: none does.
std::optional<std::pair<Json, std::size_t>> json_at(std::string_view text, std::size_t at) {
  JsonScanner scanner;
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto state = scanner.step(text[i]);
    if (state == JsonScanner::State::error) return std::nullopt;
    if (state == JsonScanner::State::more) continue;
    Json value = Json::parse(text.substr(at, i + 1 - at), nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return std::pair{std::move(value), i + 1};
  }
  return std::nullopt;
}

// The first JSON at or after `from` that is `wanted`.
template <class Wanted>
std::optional<std::pair<Json, Range>> find_json(std::string_view text, std::size_t from, Wanted&& wanted) {
  for (std::size_t at = text.find_first_of("{[", from); at != std::string_view::npos; at = text.find_first_of("{[", at + 1)) {
    auto found = json_at(text, at);
    if (found && wanted(found->first)) return std::pair{std::move(found->first), Range{at, found->second}};
  }
  return std::nullopt;
}

// ---- What renderings tell

class Deriver {
 public:
  Deriver(const Render& render, const TemplateAbilities& abilities, bool named_ids) : renderer_(render, abilities, named_ids) {}

  ToolSyntax derive() {
    const auto one = renderer_.calls({Json{{kFirst, kText}}});
    if (!one) return unknown("the template refuses an answer that is a call");
    const auto content = renderer_.content();
    end_of_turn_ = tail_of(content, kContent);
    ToolSyntax syntax;
    text_marks(content, *one, syntax);
    if (one->find(kNames[0]) == std::string::npos) return unknown("the template does not show the name of a call");
    if (!json_form(*one, syntax) && !text_form(*one, syntax)) return unknown("the template's way of showing calls was not understood");
    results(syntax);
    return syntax;
  }

 private:
  static ToolSyntax unknown(std::string why) {
    ToolSyntax syntax;
    syntax.why = std::move(why);
    return syntax;
  }

  static std::string tail_of(const std::optional<std::string>& text, std::string_view word) {
    const auto at = text ? text->rfind(word) : std::string::npos;
    return at == std::string::npos ? std::string() : text->substr(at + word.size());
  }

  // Tags around plain text.
  void text_marks(const std::optional<std::string>& content, const std::string& call, ToolSyntax& syntax) const {
    if (!content) return;
    const std::string behind = end_of_turn_.substr(0, end_of_turn_.size() - common_end(call, end_of_turn_).size());
    const std::string before = opening(content->substr(0, content->find(kContent)));
    for (const std::string_view mark : {trimmed(before), trimmed(behind)}) {
      if (mark.size() > 2 && (mark.front() == '<' || mark.front() == '[')) syntax.text_marks.emplace_back(mark);
    }
  }

  // What stands before a call, but for the reasoning that some templates show as empty.
  static std::string opening(std::string_view text) {
    for (const std::string_view end : {"</think>", "[/THINK]", "<|END_THINKING|>", "</seed:think>"}) {
      const auto at = text.rfind(end);
      if (at != std::string_view::npos) text.remove_prefix(at + end.size());
    }
    while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
    return with_holes(std::string(text));
  }

  static std::string with_holes(std::string text) {
    for (const std::string_view id : kIds) replace_all(text, id, std::string(1, kHole));
    return text;
  }

  // Without the end of the turn. A template that closes a call's turn in another way than a text's has that in `close`.
  std::string closing(std::string_view text) const {
    const std::string same = common_end(text, end_of_turn_);
    text.remove_suffix(same.size());
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    return with_holes(std::string(text));
  }

  // ---- {"name": .., "arguments": ..}, alone or in a list

  static const Json* call_of(const Json& value) {
    if (value.is_array()) return value.size() == 1 ? call_of(value[0]) : nullptr;
    if (!value.is_object()) return nullptr;
    for (const auto& [key, field] : value.items()) {
      if (field == kNames[0]) return &value;
    }
    const auto function = value.find("function");
    return function == value.end() ? nullptr : call_of(*function);
  }

  bool json_form(const std::string& one, ToolSyntax& syntax) {
    const auto found = find_json(one, 0, [](const Json& value) { return call_of(value) != nullptr; });
    if (!found || found->second.first > one.find(kNames[0])) return false;
    const auto& [value, range] = *found;
    const Json& call = *call_of(value);
    syntax.form = value.is_array() ? ToolSyntax::Form::json_list : ToolSyntax::Form::json_object;
    bool has_arguments = false;
    for (const auto& [key, field] : call.items()) {
      if (field == kNames[0]) {
        syntax.name_key = key;
      } else if (field.is_object() || (field.is_string() && field.get_ref<const std::string&>().find(kFirst) != std::string::npos)) {
        syntax.arguments_key = key;
        has_arguments = true;
      } else if (key != "type") {
        syntax.id_key = key;
      }
    }
    if (!has_arguments) return false;
    syntax.open = opening(std::string_view(one).substr(0, range.first));
    syntax.close = closing(std::string_view(one).substr(range.second));
    const auto two = renderer_.calls({Json{{kFirst, kText}}, Json{{kFirst, kOtherText}}});
    if (value.is_array() || !two) return true;
    const auto first = find_json(*two, 0, [](const Json& json) { return call_of(json) != nullptr; });
    if (!first) return true;
    const auto second = find_json(*two, first->second.second, [](const Json& json) { return json.is_object() || json.is_array(); });
    if (second && two->find(kNames[1]) != std::string::npos)
      syntax.between = with_holes(two->substr(first->second.second, second->second.first - first->second.second));
    return true;
  }

  // ---- The name outside of any JSON

  bool text_form(const std::string& one, ToolSyntax& syntax) {
    const std::size_t name = one.find(kNames[0]), behind = name + kNames[0].size();
    syntax.form = ToolSyntax::Form::text;
    syntax.open = opening(std::string_view(one).substr(0, name));
    if (trimmed(syntax.open).empty()) return false;  // nothing would say that a call begins
    const Json wanted = {{kFirst, kText}};
    const auto json = find_json(one, behind, [&](const Json& value) { return value == wanted; });
    const auto two = renderer_.calls({Json{{kFirst, kNumber}}, Json{{kFirst, kOtherNumber}}});
    if (json) {
      syntax.middle = with_holes(one.substr(behind, json->second.first - behind));
      const std::string rest = closing(std::string_view(one).substr(json->second.second));
      ends(rest, between_of(two, true), syntax);
      return !trimmed(syntax.middle).empty();
    }
    syntax.json_arguments = false;
    return parameters(one.substr(behind), two, syntax);
  }

  // From a call's arguments to the next call's name; empty: there is none.
  std::string between_of(const std::optional<std::string>& two, bool json) const {
    if (!two) return {};
    const std::size_t name = two->find(kNames[1]);
    std::size_t from = two->find(std::to_string(kNumber));
    if (name == std::string::npos || from == std::string::npos || from > name) return {};
    from += std::to_string(kNumber).size();
    if (json) from = two->find('}', from) + 1;
    return with_holes(two->substr(from, name - from));
  }

  // rest: behind the last call's arguments. between: see above.
  static void ends(const std::string& rest, const std::string& between, ToolSyntax& syntax) {
    syntax.end = between.empty() ? rest : common_beginning(rest, between);
    syntax.close = rest.substr(syntax.end.size());
    if (!between.empty()) syntax.between = between.substr(syntax.end.size());
  }

  // What a call with this argument has behind its name.
  std::optional<std::string> behind_name(const Json& arguments) const {
    const auto text = renderer_.calls({arguments});
    const auto at = text ? text->find(kNames[0]) : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    return closing(std::string_view(*text).substr(at + kNames[0].size()));
  }

  bool parameters(const std::string& with_text, const std::optional<std::string>& two, ToolSyntax& syntax) {
    auto& p = syntax.parameters;
    const auto number = behind_name({{kFirst, kNumber}}), none = behind_name(Json::object());
    const auto both = behind_name({{kFirst, kNumber}, {kSecond, kOtherNumber}});
    const std::string one = closing(with_text), digits = std::to_string(kNumber);
    if (!number || !none || !both) return false;
    const std::size_t key = number->find(kFirst), value = number->find(digits);
    const std::size_t text_key = one.find(kFirst), text = one.find(kText);
    if (key == std::string::npos || value == std::string::npos || text_key != key || text == std::string::npos) return false;
    p.first = number->substr(0, key);
    p.assign = number->substr(key + kFirst.size(), value - key - kFirst.size());
    const std::string before_text = one.substr(key + kFirst.size(), text - key - kFirst.size());
    const std::string rest = number->substr(value + digits.size()), text_rest = one.substr(text + kText.size());
    if (before_text.compare(0, p.assign.size(), p.assign) != 0) return false;
    p.quote_open = before_text.substr(p.assign.size());
    if (text_rest.size() < rest.size() || text_rest.compare(text_rest.size() - rest.size(), rest.size(), rest) != 0) return false;
    p.quote_close = text_rest.substr(0, text_rest.size() - rest.size());
    const std::size_t first_value = both->find(digits), second_key = both->find(kSecond);
    if (first_value == std::string::npos || second_key == std::string::npos || second_key < first_value) return false;
    p.separator = both->substr(first_value + digits.size(), second_key - first_value - digits.size());
    ends(rest, between_of(two, false), syntax);
    if (none->size() < syntax.close.size()) return false;
    p.none = none->substr(0, none->size() - syntax.close.size());
    const auto word = [&](const Json& argument, std::string& out) {
      const auto behind = behind_name({{kFirst, argument}});
      const std::size_t from = p.first.size() + kFirst.size() + p.assign.size();
      if (behind && behind->size() >= from + rest.size()) out = behind->substr(from, behind->size() - rest.size() - from);
      return out;
    };
    word(true, p.yes);
    word(false, p.no);
    word(nullptr, p.null);
    std::string nested;
    const Json list = {"a", true, {{"b", nullptr}}};
    p.json_values = Json::parse(word(list, nested), nullptr, false) == list;
    return true;
  }

  void results(ToolSyntax& syntax) const {
    const auto text = renderer_.result();
    const auto at = text ? text->find(kResult) : std::string::npos;
    if (at == std::string::npos) return;
    syntax.result_open = with_holes(text->substr(0, at));
    syntax.result_close = with_holes(text->substr(at + kResult.size()));
  }

  Renderer renderer_;
  std::string end_of_turn_;
};

// ---- What no rendering tells

// Tags of reasoning, by the opening one that a template has in it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kReasoningTags = {{
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<seed:think>", "</seed:think>"},
    {"<thinking>", "</thinking>"},
}};

void add_reasoning(const std::string& source, ToolSyntax& syntax) {
  for (const auto& [open, close] : kReasoningTags) {
    if (source.find(open) == std::string::npos && source.find(close) == std::string::npos) continue;
    syntax.reasoning_open = open;
    syntax.reasoning_close = close;
    return;
  }
}

// OpenAI's harmony: channels instead of tags. What a template shows of a call is not what the model writes, which begins with its channel.
bool is_harmony(const std::string& source) {
  return source.find("<|channel|>") != std::string::npos && source.find("<|message|>") != std::string::npos;
}

ToolSyntax harmony(ToolSyntax syntax) {
  syntax.form = ToolSyntax::Form::text;
  syntax.why.clear();
  syntax.open = "<|channel|>commentary to=functions.";
  syntax.middle = std::string(1, kHole) + "<|message|>";
  syntax.end = "<|call|>";
  syntax.json_arguments = true;
  syntax.between = "<|start|>assistant<|channel|>commentary to=functions.";
  syntax.close.clear();
  syntax.reasoning_open = "<|channel|>analysis<|message|>";
  syntax.reasoning_close = "<|end|>";
  syntax.text_marks = {"<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|end|>", "<|return|>"};
  return syntax;
}

std::string shown(std::string text) {
  replace_all(text, std::string(1, kHole), "{id}");
  return text;
}

}  // namespace

ToolSyntax derive_tool_syntax(const Render& render, TemplateAbilities& abilities, const std::string& source) {
  ToolSyntax syntax;
  if (abilities.results) {
    syntax = Deriver(render, abilities, false).derive();
    // Kimi's ids are "functions.NAME:INDEX", and the template shows nothing else of the name.
    if (syntax.form == ToolSyntax::Form::unknown) {
      ToolSyntax with_ids = Deriver(render, abilities, true).derive();
      if (with_ids.form == ToolSyntax::Form::text) {
        for (std::string* text : {&with_ids.middle, &with_ids.parameters.first, &with_ids.parameters.none}) {
          if (text->compare(0, 2, ":0") == 0) text->replace(1, 1, 1, kHole);
        }
        syntax = std::move(with_ids);
      }
    }
  }
  if (is_harmony(source)) {
    add_reasoning(source, syntax);
    return harmony(std::move(syntax));
  }
  if (syntax.form == ToolSyntax::Form::unknown) {
    const bool not_understood = abilities.results;
    const std::string why = not_understood ? syntax.why : "the template knows no tools";
    abilities.tools = abilities.results = false;
    syntax = {};
    syntax.form = ToolSyntax::Form::json_object;  // what the prompt of conversation.h asks for
    syntax.between = "\n";
    syntax.not_understood = not_understood;
    syntax.why = why + ": Baton describes them";
  }
  add_reasoning(source, syntax);
  return syntax;
}

bool ToolSyntax::has_token(std::string_view text) const {
  if (text.empty()) return false;
  std::vector<const std::string*> all = {&open, &between, &close, &reasoning_open, &reasoning_close};
  if (form == Form::text) {
    all.insert(all.end(), {&end, &middle});
    if (!json_arguments) {
      all.insert(all.end(), {&parameters.first, &parameters.assign, &parameters.separator, &parameters.none, &parameters.quote_open,
                             &parameters.quote_close});
    }
  }
  for (const std::string& mark : text_marks) all.push_back(&mark);
  return std::any_of(all.begin(), all.end(), [&](const std::string* one) { return one->find(text) != std::string::npos; });
}

Json to_json(const ToolSyntax& syntax) {
  static constexpr const char* kForms[] = {"unknown", "json_object", "json_list", "text"};
  Json out = {{"form", kForms[static_cast<int>(syntax.form)]}};
  if (!syntax.why.empty()) out["why"] = syntax.why;
  out["open"] = shown(syntax.open);
  if (syntax.form == ToolSyntax::Form::text) {
    if (syntax.json_arguments) {
      out["middle"] = shown(syntax.middle);
    } else {
      const auto& p = syntax.parameters;
      out["parameters"] = {{"first", shown(p.first)},
                           {"assign", p.assign},
                           {"separator", p.separator},
                           {"none", shown(p.none)},
                           {"quote_open", p.quote_open},
                           {"quote_close", p.quote_close},
                           {"true", p.yes},
                           {"false", p.no},
                           {"null", p.null},
                           {"json_values", p.json_values}};
    }
    out["end"] = shown(syntax.end);
  } else {
    out["name_key"] = syntax.name_key;
    out["arguments_key"] = syntax.arguments_key;
    if (!syntax.id_key.empty()) out["id_key"] = syntax.id_key;
  }
  out["between"] = shown(syntax.between);
  out["close"] = shown(syntax.close);
  out["parallel"] = syntax.parallel();
  out["result"] = {{"open", shown(syntax.result_open)}, {"close", shown(syntax.result_close)}};
  out["reasoning"] = {{"open", syntax.reasoning_open}, {"close", syntax.reasoning_close}};
  return out;
}

}  // namespace baton::llm
