#include "ability_probe.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace baton::llm {
namespace {

// A word that does not occur in any template.
constexpr std::string_view kProbe = "zq7probe";
constexpr std::string_view kProbeTool = "zq7tool";
constexpr std::string_view kProbeArgument = "zq7argument";
constexpr std::string_view kOtherProbe = "zq7other";

constexpr char kToolsName[] = "tools";

Message message_of(Role role, std::string_view content) {
  Message message;
  message.role = role;
  message.content = content;
  return message;
}

// The template's rendering; empty: the template refuses.
std::string rendered(const Render& render, std::vector<Message> messages, const std::vector<ToolSpec>& tools,
                     const TemplateAbilities& abilities) {
  Json variables;
  add_messages(messages, abilities, variables);
  add_tools(tools, abilities, variables);
  variables["add_generation_prompt"] = true;
  const auto spans = render(variables);
  return spans ? joined(*spans) : std::string();
}

bool has_all(const std::string& text, std::initializer_list<std::string_view> words) {
  return !text.empty() &&
         std::all_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

}  // namespace

TemplateAbilities probe_abilities(const Render& render) {
  const Message system = message_of(Role::system, kProbe), user = message_of(Role::user, "hello");
  Message call = message_of(Role::assistant, ""), result = message_of(Role::tool, kProbe);
  call.tool_calls.push_back({"call00001", std::string(kProbeTool), {{"x", kProbeArgument}}});
  result.name = kProbeTool;
  result.tool_call_id = "call00001";
  const Json parameters = {{"type", "object"}, {"properties", {{"x", {{"type", "string"}}}}}};
  const std::vector<ToolSpec> tools = {{std::string(kProbeTool), "Tells.", parameters}};

  TemplateAbilities all;
  const auto shows_text = [&] { return has_all(rendered(render, {message_of(Role::user, kProbe)}, {}, all), {kProbe}); };
  if (!shows_text()) {
    all.plain_text = false;
    all.plain_text = !shows_text();  // not in parts either: then in the usual form
  }
  all.roles.system = has_all(rendered(render, {system, user}, {}, all), {kProbe});
  all.roles.repeated = has_all(rendered(render, {user, user}, {}, all), {});
  const auto shows_tools = [&] { return has_all(rendered(render, {user}, tools, all), {kProbeTool}); };
  for (const char* name : {kToolsName, "xml_tools"}) {
    for (const bool bare : {true, false}) {
      all.tools.name = name;
      all.tools.bare_parameters = bare;
      if ((all.tools.shown = shows_tools())) break;
    }
    if (all.tools.shown) break;
  }
  if (!all.tools.shown) all.tools.name = kToolsName, all.tools.bare_parameters = true;
  const std::vector<ToolSpec> known = all.tools.shown ? tools : std::vector<ToolSpec>();

  // Calls are passed in the first form that the template shows, but not as a Python dict if there is another form.
  const std::string as_python = "{'x': '" + std::string(kProbeArgument) + "'}";
  std::optional<std::pair<bool, bool>> found;
  for (const auto& [object, empty] : {std::pair{true, true}, {true, false}, {false, true}, {false, false}}) {
    all.calls.object_arguments = object;
    all.calls.empty_text = empty;
    const std::string text = rendered(render, {user, call, result}, known, all);
    if (!has_all(text, {kProbe, kProbeArgument})) continue;
    const bool python = text.find(as_python) != std::string::npos;
    if (!found || !python) found = {object, empty};
    if (!python) break;
  }
  all.results = found.has_value();
  std::tie(all.calls.object_arguments, all.calls.empty_text) = found.value_or(std::pair{true, true});
  if (!all.results && all.tools.shown) {
    all.results =
        has_all(rendered(render, {user, message_of(Role::assistant, kProbeArgument), result}, known, all), {kProbe, kProbeArgument});
    all.calls.shown = !all.results;
  }
  if (all.results && all.calls.shown) {
    Message two = call, other = result;
    two.tool_calls.push_back({"call00002", std::string(kProbeTool), {{"x", kOtherProbe}}});
    other.tool_call_id = "call00002";
    all.calls.several = has_all(rendered(render, {user, two, result, other}, known, all), {kProbeArgument, kOtherProbe});
    two = call, other = result;
    two.tool_calls[0].id = other.tool_call_id = "call_0123456789abcdef00000001";
    all.calls.any_id = has_all(rendered(render, {user, two, other}, known, all), {kProbe, kProbeArgument});
  }
  if (all.results) all.roles.user_after_result = has_all(rendered(render, {user, call, result, user}, known, all), {});
  return all;
}

}  // namespace baton::llm
