#include "syntax_deriver.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>
#include <baton/llm/tool_syntax/json_dump.h>

#include <algorithm>
#include <optional>

#include "syntax_check.h"
#include "text_diff.h"

namespace baton::llm {
namespace {

using Probe = CallRendering;  // whose words are searched for

class Deriver {
 public:
  explicit Deriver(const CallRendering& rendering) : rendering_(rendering) {}

  ToolSyntax derive() {
    const auto one = rendering_.calls({Json{{Probe::kFirst, Probe::kText}}});
    if (!one) return unknown("the template refuses an answer that is a call");
    const auto content = rendering_.content();
    end_of_turn_ = tail_of(content, Probe::kContent);
    ToolSyntax syntax;
    text_marks(content, *one, syntax);
    if (one->find(Probe::kNames[0]) == std::string::npos) return unknown("the template does not show the name of a call");
    if (!json_form(*one, syntax) && !text_form(*one, syntax)) return unknown("the template's way of showing calls was not understood");
    // The names are in unexpected places.
    if (dumped(to_json(syntax)).find(Probe::kMark) != std::string::npos)
      return unknown("the template's way of showing calls was not understood: it has names in two places");
    if (syntax.call_separator.ends_with(kHole))
      return unknown("the template's way of showing calls was not understood: numbers come directly before names");
    const std::string wrong = misread(syntax, [this](const std::vector<Json>& arguments) -> std::optional<std::string> {
      const auto text = rendering_.calls(arguments);
      return text ? std::optional(without_end(without_reasoning(*text))) : std::nullopt;
    });
    if (!wrong.empty()) return unknown("the template's way of showing calls was not understood: " + wrong);
    add_results(rendering_, syntax);
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

  // Derives the tags around plain text.
  void text_marks(const std::optional<std::string>& content, const std::string& call, ToolSyntax& syntax) const {
    if (!content) return;
    const std::string behind = end_of_turn_.substr(0, end_of_turn_.size() - common_end(call, end_of_turn_).size());
    const std::string before = opening(content->substr(0, content->find(Probe::kContent)));
    for (const std::string_view mark : {trimmed(before), trimmed(behind)}) {
      if (mark.size() > 2 && (mark.front() == '<' || mark.front() == '[')) syntax.text_marks.emplace_back(mark);
    }
  }

  // The text before a call.
  static std::string opening(std::string_view text) {
    text = without_reasoning(text);
    while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
    return with_holes(std::string(text));
  }

  // Removes the end of the turn. If a template closes a call's turn differently from a text's, `close` contains that.
  std::string without_end(std::string_view text) const {
    const std::string same = common_end(text, end_of_turn_);
    text.remove_suffix(same.size());
    // Some templates also show the beginning of the next turn; a model stops at the end of its own, wherever that is.
    if (const auto end = trimmed(end_of_turn_); !end.empty()) text = text.substr(0, text.find(end));
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    return std::string(text);
  }
  std::string closing(std::string_view text) const { return with_holes(without_end(text)); }

  // ---- {"name": .., "arguments": ..}, alone or in a list

  static const Json* call_of(const Json& value) {
    if (value.is_array()) return value.size() == 1 ? call_of(value[0]) : nullptr;
    if (!value.is_object()) return nullptr;
    for (const auto& [key, field] : value.items()) {
      if (field == Probe::kNames[0]) return &value;
    }
    const auto function = value.find("function");
    return function == value.end() ? nullptr : call_of(*function);
  }

  bool json_form(const std::string& one, ToolSyntax& syntax) {
    const auto found = find_json(one, 0, [](const Json& value) { return call_of(value) != nullptr; });
    if (!found || found->second.first > one.find(Probe::kNames[0])) return false;
    const auto& [value, range] = *found;
    const Json& call = *call_of(value);
    syntax.form = value.is_array() ? ToolSyntax::Form::json_list : ToolSyntax::Form::json_object;
    bool has_arguments = false;
    for (const auto& [key, field] : call.items()) {
      if (field == Probe::kNames[0]) {
        syntax.name_key = key;
      } else if (field.is_object() || (field.is_string() && field.get_ref<const std::string&>().find(Probe::kFirst) != std::string::npos)) {
        syntax.arguments_key = key;
        has_arguments = true;
      }
    }
    if (!has_arguments) return false;
    const Json& outer = value.is_array() ? value[0] : value;
    for (const Json* object : {&call, &outer}) other_keys(*object, syntax);
    syntax.calls_prefix = opening(std::string_view(one).substr(0, range.first));
    syntax.calls_suffix = closing(std::string_view(one).substr(range.second));
    if (!value.is_array()) several_json(syntax);
    return true;
  }

  // The members besides the name and the arguments: the call's id, and keys without meaning for it.
  static void other_keys(const Json& object, ToolSyntax& syntax) {
    auto& others = syntax.other_keys;
    for (const auto& [key, field] : object.items()) {
      if (key == syntax.name_key || key == syntax.arguments_key || key == "type" || field.is_structured()) continue;
      const bool has_id = field.is_string() && with_holes(field).find(kHole) != std::string::npos;
      const bool like_id = field.is_string() && (key == "id" || key.ends_with("_id"));
      if (has_id || (like_id && syntax.id_key.empty())) syntax.id_key = key;
      if (std::find(others.begin(), others.end(), key) == others.end()) others.push_back(key);
    }
    std::erase(others, syntax.id_key);
  }

  // The text between the calls of an answer, and after the last of them.
  void several_json(ToolSyntax& syntax) const {
    const auto text = three();
    std::vector<Range> calls;
    for (std::size_t i = 0; text && i < Probe::kNames.size(); ++i) {
      const auto call = find_json(*text, calls.empty() ? 0 : calls.back().second,
                                  [i](const Json& json) { return dumped(json).find(Probe::kNames[i]) != std::string::npos; });
      if (!call) return;
      calls.push_back(call->second);
    }
    if (!text) return;
    const auto behind = [&](std::size_t i) { return with_holes(text->substr(calls[i].second, calls[i + 1].first - calls[i].second)); };
    syntax.calls = ToolSyntax::Calls::several;
    syntax.call_separator = with_number_holes(behind(0), behind(1)).value_or(behind(0));
    syntax.calls_suffix =
        with_number_holes(syntax.calls_suffix, closing(std::string_view(*text).substr(calls.back().second))).value_or(syntax.calls_suffix);
  }

  // An answer of three calls.
  std::optional<std::string> three() const {
    return rendering_.calls(
        {Json{{Probe::kFirst, Probe::kNumber}}, Json{{Probe::kFirst, Probe::kOtherNumber}}, Json{{Probe::kFirst, Probe::kThirdNumber}}});
  }

  // ---- The name outside of any JSON

  bool text_form(const std::string& one, ToolSyntax& syntax) {
    const std::size_t name = one.find(Probe::kNames[0]), behind = name + Probe::kNames[0].size();
    syntax.form = ToolSyntax::Form::text;
    syntax.calls_prefix = opening(std::string_view(one).substr(0, name));
    if (trimmed(syntax.calls_prefix).empty()) return false;  // nothing would mark the beginning of a call
    const Json wanted = {{Probe::kFirst, Probe::kText}};
    const auto json = find_json(one, behind, [&](const Json& value) { return value == wanted; });
    const auto two = rendering_.calls({Json{{Probe::kFirst, Probe::kNumber}}, Json{{Probe::kFirst, Probe::kOtherNumber}}});
    if (json) {
      syntax.name_suffix = middle_of(one.substr(behind, json->second.first - behind), two);
      ends(rest_of(closing(std::string_view(one).substr(json->second.second)), two, true), between(two, true), syntax);
      return true;
    }
    syntax.arguments = ToolSyntax::Arguments::parameters;
    return parameters(one.substr(behind), two, syntax);
  }

  // The text between a name and its arguments. A part that differs in the second call (its number) becomes a hole.
  static std::string middle_of(const std::string& of_first, const std::optional<std::string>& two) {
    const std::size_t name = two ? two->find(Probe::kNames[1]) : std::string::npos;
    const std::size_t behind = name == std::string::npos ? name : name + Probe::kNames[1].size();
    const std::size_t json = behind == std::string::npos ? behind : two->find('{', behind);
    const std::string first = with_holes(of_first);
    if (json == std::string::npos) return first;
    const std::string second = with_holes(two->substr(behind, json - behind));
    const std::string begin(first.begin(), std::mismatch(first.begin(), first.end(), second.begin(), second.end()).first);
    const auto same_end =
        static_cast<std::size_t>(std::mismatch(first.rbegin(), first.rend(), second.rbegin(), second.rend()).first - first.rbegin());
    if (first.size() != second.size() || begin.size() + same_end >= first.size()) return first;
    return begin + kHole + first.substr(first.size() - same_end);
  }

  // The text from a call's arguments, which contain this number, to the next call's name; null: there is none.
  static std::optional<std::string> between_of(const std::optional<std::string>& text, int number, std::string_view next_name, bool json) {
    const std::size_t name = text ? text->find(next_name) : std::string::npos;
    std::size_t from = text ? text->find(std::to_string(number)) : std::string::npos;
    if (name == std::string::npos || from == std::string::npos || from > name) return std::nullopt;
    from += std::to_string(number).size();
    if (json) from = text->find('}', from) + 1;
    return with_holes(text->substr(from, name - from));
  }
  std::optional<std::string> between(const std::optional<std::string>& two, bool json) const {
    const auto first = between_of(two, Probe::kNumber, Probe::kNames[1], json);
    const auto second = first ? between_of(three(), Probe::kOtherNumber, Probe::kNames[2], json) : std::nullopt;
    return second ? with_number_holes(*first, *second).value_or(*first) : first;
  }

  // The text after the last call's arguments: some templates (DeepSeek's R1) close only several calls.
  std::string rest_of(const std::string& of_one, const std::optional<std::string>& two, bool json) const {
    const std::string number = std::to_string(Probe::kOtherNumber);
    std::size_t from = two ? two->rfind(number) : std::string::npos;
    if (from == std::string::npos) return of_one;
    from = json ? two->find('}', from) : from + number.size() - 1;
    std::string of_two = closing(std::string_view(*two).substr(from + 1));
    if (auto both = with_number_holes(of_one, of_two)) return *both;
    return of_two.starts_with(of_one) ? of_two : of_one;
  }

  // rest: the text after the last call's arguments. between: see above. White space that ends every call is part of the text between them.
  static void ends(const std::string& rest, const std::optional<std::string>& between, ToolSyntax& syntax) {
    syntax.calls = between ? ToolSyntax::Calls::several : ToolSyntax::Calls::one;
    syntax.call_suffix = between ? common_beginning(rest, *between) : rest;
    if (between == syntax.call_suffix) {
      while (!syntax.call_suffix.empty() && is_json_space(syntax.call_suffix.back())) syntax.call_suffix.pop_back();
    }
    syntax.calls_suffix = rest.substr(syntax.call_suffix.size());
    if (between) syntax.call_separator = between->substr(syntax.call_suffix.size());
  }

  // The text after the name in a call with this argument.
  std::optional<std::string> behind_name(const Json& arguments) const {
    const auto text = rendering_.calls({arguments});
    const auto at = text ? text->find(Probe::kNames[0]) : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    return closing(std::string_view(*text).substr(at + Probe::kNames[0].size()));
  }

  // Both begin with the byte at which a name ends, and neither is a prefix of the other.
  static bool told_apart(std::string_view a, std::string_view b) {
    a = trimmed(a), b = trimmed(b);
    return !a.empty() && !b.empty() && a.front() == b.front() && !a.starts_with(b) && !b.starts_with(a);
  }

  bool parameters(const std::string& with_text, const std::optional<std::string>& two, ToolSyntax& syntax) {
    auto& p = syntax.parameters;
    const auto number = behind_name({{Probe::kFirst, Probe::kNumber}}), none = behind_name(Json::object());
    const auto both = behind_name({{Probe::kFirst, Probe::kNumber}, {Probe::kSecond, Probe::kOtherNumber}});
    const std::string one = closing(with_text), digits = std::to_string(Probe::kNumber);
    if (!number || !none || !both) return false;
    const std::size_t key = number->find(Probe::kFirst), value = number->find(digits);
    const std::size_t text_key = one.find(Probe::kFirst), text = one.find(Probe::kText);
    if (key == std::string::npos || value == std::string::npos || text_key != key || text == std::string::npos) return false;
    p.prefix = number->substr(0, key);
    p.key_suffix = number->substr(key + Probe::kFirst.size(), value - key - Probe::kFirst.size());
    const std::string before_text = one.substr(key + Probe::kFirst.size(), text - key - Probe::kFirst.size());
    const std::string rest = number->substr(value + digits.size()), text_rest = one.substr(text + Probe::kText.size());
    if (before_text.compare(0, p.key_suffix.size(), p.key_suffix) == 0) {
      p.quote_prefix = before_text.substr(p.key_suffix.size());
    } else {
      p.text_key_suffix = before_text;
    }
    if (text_rest.size() < rest.size() || text_rest.compare(text_rest.size() - rest.size(), rest.size(), rest) != 0) return false;
    p.quote_suffix = text_rest.substr(0, text_rest.size() - rest.size());
    if (!p.text_key_suffix.empty() && (!p.quote_suffix.empty() || !told_apart(p.text_key_suffix, p.key_suffix))) return false;
    const std::size_t first_value = both->find(digits), second_key = both->find(Probe::kSecond);
    if (first_value == std::string::npos || second_key == std::string::npos || second_key < first_value) return false;
    p.separator = both->substr(first_value + digits.size(), second_key - first_value - digits.size());
    std::string last = rest_of(rest, two, false);
    std::optional<std::string> between = this->between(two, false);
    if (p.separator.find(Probe::kFirst) != std::string::npos) {
      const std::string value_end = p.separator.substr(0, p.separator.find('>', p.separator.rfind(Probe::kFirst)) + 1);
      for (std::string* cut : {&p.separator, &last, between ? &*between : nullptr}) {
        if (cut && cut->starts_with(value_end)) cut->erase(0, value_end.size());
      }
      p.value_suffix = replaced(value_end, Probe::kFirst, kKeyHole);
    }
    ends(last, between, syntax);
    p.none = none->substr(0, none->size() - (none->ends_with(syntax.calls_suffix) ? syntax.calls_suffix.size() : 0));
    const std::string before = p.prefix + std::string(Probe::kFirst) + p.key_suffix;
    const auto word = [&](const Json& argument) -> std::optional<std::string> {
      const auto behind = behind_name({{Probe::kFirst, argument}});
      if (!behind || !behind->starts_with(before) || behind->size() < before.size() + rest.size()) return std::nullopt;
      return behind->substr(before.size(), behind->size() - rest.size() - before.size());
    };
    const auto yes = word(true), no = word(false);
    if (!yes || !no) return false;  // the text before a value differs for every type
    p.yes = *yes;
    p.no = *no;
    p.null = word(nullptr).value_or(p.null);  // some omit it
    const Json list = {"a", true, {{"b", nullptr}}};
    using Structures = ToolSyntax::Parameters::Structures;
    p.structures = Json::parse(word(list).value_or(""), nullptr, false) == list ? Structures::json : Structures::literals;
    return true;
  }

  const CallRendering& rendering_;
  std::string end_of_turn_;
};

}  // namespace

void add_results(const CallRendering& rendering, ToolSyntax& syntax) {
  const auto text = rendering.result();
  const auto at = text ? text->find(Probe::kResult) : std::string::npos;
  if (at == std::string::npos) return;
  syntax.result_open = with_holes(text->substr(0, at));
  syntax.result_close = with_holes(text->substr(at + Probe::kResult.size()));
  syntax.result_open = replaced(std::move(syntax.result_open), Probe::kNames[0], kHole);
}

std::optional<std::pair<std::string, std::string>> reasoning_tags(const CallRendering& rendering, const ToolSyntax& syntax) {
  const auto text = rendering.reasoned();
  const auto at = text ? text->find(Probe::kReason) : std::string::npos;
  const auto content = at == std::string::npos ? at : text->find(Probe::kContent, at);
  if (content == std::string::npos) return std::nullopt;
  const std::string_view open = trimmed(std::string_view(*text).substr(0, at));
  const std::size_t behind = at + Probe::kReason.size();
  std::string_view close = trimmed(std::string_view(*text).substr(behind, content - behind));
  for (const std::string& mark : syntax.text_marks) {  // they belong to the text
    if (close.ends_with(mark)) close = trimmed(close.substr(0, close.size() - mark.size()));
  }
  const auto is_tag = [](std::string_view word) { return word.size() > 2 && (word.front() == '<' || word.front() == '['); };
  if (!is_tag(open) || !is_tag(close)) return std::nullopt;
  return std::pair(std::string(open), std::string(close));
}

ToolSyntax derive_from_renderings(const CallRendering& rendering) { return Deriver(rendering).derive(); }

}  // namespace baton::llm
