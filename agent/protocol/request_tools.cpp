#include "request_tools.h"

#include <baton/agent/core/items.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/llm/tool_syntax/tool_name.h>

#include <algorithm>

#include "request_limits.h"

namespace baton::agent::protocol {
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

class ToolReader {
 public:
  ToolReader(Fields& fields, const Offer& offer, RunRequest& run)
      : fields_(fields), offer_(offer), run_(run), named_(run.tools.begin(), run.tools.end()) {}

  void read() {
    tools();
    tool_choice();
  }

 private:
  void tools() {
    const Json* list = fields_.array("tools");
    run_.turn.parallel_tool_calls = fields_.boolean("parallel_tool_calls").value_or(true);
    if (!list) return;
    if (auto error = more_than(kMaxTools, "tools", list->size(), "tools")) return fields_.fail(*error);
    std::vector<std::size_t> namespaces;
    for (std::size_t i = 0; i < list->size() && !fields_.error(); ++i) {
      const std::string at = "tools[" + std::to_string(i) + "]";
      Fields tool((*list)[i], at, fields_.notes());
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
                  server
                      ? "only 'baton' is, for the daemon's own tools"
                      : "send 'function' (your own), 'namespace' (of functions) or 'mcp' with server_label 'baton' (the daemon's), not '" +
                            type + "'");
        continue;
      }
      if (auto error = tool.finish()) return fields_.fail(*error);
    }
    // Their functions come last: if two have the same name, the one without a namespace keeps it.
    for (const std::size_t i : namespaces) {
      if (!fields_.error()) name_space((*list)[i], "tools[" + std::to_string(i) + "]");
    }
    if (fields_.error()) return;
    // An agent continues without a server's own tools; a request that brings no other tools asks for one that does not exist here.
    if (!passed_over_.empty() && run_.client_tools.empty() && run_.tools.empty() && !run_.all_tools)
      return fields_.fail(passed_over_.front());
    for (const ApiError& one : passed_over_) fields_.notes().ignore(one.param.substr(0, one.param.rfind('.')));
  }

  // Notes a tool that no one can call here.
  void pass_over(const std::string& param, const std::string& why) { passed_over_.push_back(ApiError::unsupported(param, why)); }

  // {"type": "namespace", "name", "description", "tools": [functions]}
  void name_space(const Json& value, const std::string& at) {
    Fields fields(value, at, fields_.notes());
    fields.any("type");
    const auto name = fields.string("name", llm::kMaxToolNameBytes);
    fields.string("description");
    const Json* list = fields.array("tools");
    if (auto error = fields.finish()) return fields_.fail(*error);
    if (!name) return fields_.fail(ApiError::invalid(at + ".name", "'" + at + ".name' is missing", "missing_required_parameter"));
    if (!list) return;
    if (auto error = more_than(kMaxTools, at + ".tools", list->size(), "tools")) return fields_.fail(*error);
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string inside = at + ".tools[" + std::to_string(i) + "]";
      Fields tool((*list)[i], inside, fields_.notes());
      const std::string type = tool.string("type").value_or("");
      if (type != "function" && !tool.error()) {
        pass_over(inside + ".type", "a namespace contains only functions, not '" + type + "'");
        continue;
      }
      function(tool, inside, &*name);
      if (auto error = tool.finish()) return fields_.fail(*error);
    }
    if (auto error = more_than(kMaxTools, "tools", run_.client_tools.size(), "functions")) fields_.fail(*error);
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
      return tool.fail(
          ApiError::invalid(at + ".name", "there are two functions '" + spec.name + "' in the namespace '" + *name_space + "'"));
    names_.insert(spec.name);
    // Checked before the schema: compiling it takes longer than counting its bytes.
    tool_bytes_ += spec.name.size() + spec.description.size() + to_text(spec.parameters).size();
    if (tool_bytes_ > kMaxToolBytes)
      return tool.fail(ApiError::invalid(at, "'tools' up to '" + at + "' have " + std::to_string(tool_bytes_) +
                                                 " bytes of names, descriptions and schemas; at most " + std::to_string(kMaxToolBytes) +
                                                 " are allowed"));
    if (!spec.parameters.is_object())
      return tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters' must be a JSON schema of an object", "invalid_type"));
    auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) {
      tool.fail(ApiError::invalid(at + ".parameters", "'" + at + ".parameters': " + schema.error().message, "invalid_json_schema"));
    } else if (!(schema->root().types & llm::kObjectType)) {
      tool.fail(ApiError::invalid(at + ".parameters",
                                  "'" + at + ".parameters' must describe an object, because a call's arguments are an object",
                                  "invalid_json_schema"));
    } else {
      spec.schema = std::move(*schema);
    }
    run_.client_tools.push_back(std::move(spec));
  }

  // Gives the function the name by which the model calls it: its own if that is free. Returns false if its long name is used as well.
  bool in_namespace(llm::ToolSpec& spec, const std::string& name_space) {
    const auto is_free = [&](const std::string& name) {
      return !names_.contains(name) &&
             std::none_of(offer_.tools.begin(), offer_.tools.end(), [&](const auto* t) { return t->name == name; });
    };
    const NamespacedName shown{name_space, spec.name};
    if (!is_free(spec.name)) spec.name = name_space + "." + spec.name;
    if (!is_free(spec.name) || !llm::wrong_with_tool_name(spec.name).empty()) return false;
    run_.namespaced[spec.name] = shown;
    return true;
  }

  void daemon_tools(Fields& tool, const std::string& at) {
    for (const char* key : {"server_label", "server_description"}) tool.any(key);
    tool.no_effect("server_url", {""});
    const Json* allowed = tool.any("allowed_tools");
    if (allowed) {
      auto names = tool_filter(*allowed, at + ".allowed_tools", offer_, fields_.notes());
      if (!names) return tool.fail(names.error());
      for (const tools::ToolSpec* spec : offer_.tools) {
        if (names->contains(spec->name) && named_.insert(spec->name).second) run_.tools.push_back(spec->name);
      }
    } else {
      run_.all_tools = true;
    }
    const Json* approval = tool.any("require_approval");
    if (!approval || *approval == "never") return;  // the daemon's own rules hold in any case
    std::set<std::string> ask;
    if (*approval == "always") {
      for (const tools::ToolSpec* spec : offer_.tools) ask.insert(spec->name);
    } else if (approval->is_object()) {
      Fields filter(*approval, at + ".require_approval", fields_.notes());
      filter.any("never");
      if (const Json* always = filter.any("always")) {
        auto names = tool_filter(*always, at + ".require_approval.always", offer_, fields_.notes());
        if (!names) return tool.fail(names.error());
        ask = std::move(*names);
      }
      if (auto error = filter.finish()) return tool.fail(*error);
    } else {
      return tool.fail(ApiError::invalid(at + ".require_approval", "'" + at + ".require_approval' must be 'always', 'never' or a filter"));
    }
    for (const std::string& name : ask) run_.permissions[name] = Permission::ask;
  }

  void tool_choice() {
    const Json* choice = fields_.any("tool_choice");
    using Mode = llm::ToolChoice::Mode;
    if (!choice || *choice == "auto") return;
    if (*choice == "none" || *choice == "required") {
      run_.turn.tool_choice.mode = *choice == "none" ? Mode::none : Mode::required;
      return;
    }
    if (!choice->is_object())
      return fields_.fail(ApiError::invalid("tool_choice", "'tool_choice' must be auto, none, required or an object"));
    Fields fields(*choice, "tool_choice", fields_.notes());
    const std::string type = fields.string("type").value_or("");
    if (type == "function" || type == "mcp") {
      if (type == "mcp") fields.any("server_label");
      const auto name = fields.string("name", llm::kMaxToolNameBytes);
      if (!name && type == "function")
        fields.fail(
            ApiError::invalid("tool_choice.name", "'tool_choice.name' is missing: name the function", "missing_required_parameter"));
      if (name) run_.turn.tool_choice = {Mode::named, *name};
      if (!name) run_.turn.tool_choice.mode = Mode::required;
    } else if (type == "allowed_tools") {
      const std::string mode = fields.string("mode").value_or("auto");
      if (mode != "auto" && mode != "required")
        fields.fail(ApiError::invalid("tool_choice.mode", "'tool_choice.mode' must be auto or required"));
      if (mode == "required") run_.turn.tool_choice.mode = Mode::required;
      const Json* list = fields.array("tools");
      if (list) {
        if (auto error = more_than(kMaxTools, "tool_choice.tools", list->size(), "tools")) return fields_.fail(*error);
      }
      for (const Json& tool : list ? *list : Json::array()) {
        if (tool.is_object() && tool.contains("name") && tool["name"].is_string()) {
          run_.allowed_tools.insert(tool["name"].get<std::string>());
        } else if (tool.is_object() && tool.value("type", Json()) == "mcp") {
          for (const tools::ToolSpec* spec : offer_.tools) {
            if (run_.all_tools || named_.contains(spec->name)) run_.allowed_tools.insert(spec->name);
          }
        } else {
          fields.fail(ApiError::invalid("tool_choice.tools", "each of 'tool_choice.tools' must name a function or the mcp server 'baton'"));
        }
      }
      if (run_.allowed_tools.empty())
        fields.fail(ApiError::invalid("tool_choice.tools", "'tool_choice.tools' allows no tool: name at least one"));
    } else if (!fields.error()) {
      fields.fail(ApiError::unsupported("tool_choice.type", "the types are function, mcp and allowed_tools"));
    }
    if (auto error = fields.finish()) fields_.fail(*error);
  }

  Fields& fields_;
  const Offer& offer_;
  RunRequest& run_;
  std::set<std::string> named_;        // run_.tools
  std::set<std::string> names_;        // run_.client_tools
  std::vector<ApiError> passed_over_;  // tools that no one can call here
  std::size_t tool_bytes_ = 0;         // of the functions read so far
};

}  // namespace

void read_tools(Fields& fields, const Offer& offer, RunRequest& run) { ToolReader(fields, offer, run).read(); }

}  // namespace baton::agent::protocol
