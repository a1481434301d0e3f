#include "template_fields.h"

#include <baton/agent/core/items.h>

#include <algorithm>

#include "request_limits.h"

namespace baton::agent::protocol {
namespace {

constexpr const char* kNames[] = {"reasoning_effort", "reasoning", "enable_thinking", "think", "chat_template_kwargs"};

// The names of the switch in templates.
constexpr const char* kSwitches[] = {"enable_thinking", "thinking"};

class Reader {
 public:
  Reader(Fields& fields, const Offer& offer, RunRequest& run) : fields_(fields), offer_(offer), run_(run) {}

  void read() {
    if (const Json* reasoning = fields_.any("reasoning")) {
      if (reasoning->is_boolean()) {
        if (!think(*reasoning == true)) fields_.notes().ignore("reasoning");
      } else {
        Fields inner(*reasoning, "reasoning", fields_.notes());
        effort(inner, "effort");
        for (const char* key : {"summary", "generate_summary"}) inner.no_effect(key);
        if (auto error = inner.finish()) return fields_.fail(*error);
      }
    }
    effort(fields_, "reasoning_effort");
    for (const char* key : {"think", "enable_thinking"}) {
      const auto on = fields_.boolean(key);
      if (on && !think(*on)) fields_.notes().ignore(fields_.path(key));
    }
    if (const Json* variables = fields_.any("chat_template_kwargs")) kwargs(*variables);
  }

 private:
  bool uses(const std::string& variable) const { return offer_.template_uses && offer_.template_uses(variable); }

  // Returns false if the template has no switch.
  bool think(bool on) {
    bool there = false;
    for (const char* name : kSwitches) {
      if (!uses(name)) continue;
      run_.turn.template_variables[name] = on;
      there = true;
    }
    return there;
  }

  void effort(Fields& fields, const char* key) {
    const auto effort = fields.string(key, 64);
    if (!effort) return;
    const bool switched = think(*effort != "none");
    const bool graded = *effort != "none" && uses("reasoning_effort");
    if (graded) run_.turn.template_variables["reasoning_effort"] = *effort;
    if (!graded && !(switched && *effort == "none")) fields.notes().ignore(fields.path(key));
  }

  void kwargs(const Json& variables) {
    const std::string at = "chat_template_kwargs";
    if (!variables.is_object()) return fields_.fail(ApiError::invalid(at, "'" + at + "' must be an object", "invalid_type"));
    if (auto error = more_than(kMaxTemplateVariables, at, variables.size(), "variables")) return fields_.fail(*error);
    if (const std::size_t bytes = to_text(variables).size(); bytes > kMaxTemplateBytes)
      return fields_.fail(ApiError::invalid(
          at, "'" + at + "' has " + std::to_string(bytes) + " bytes; at most " + std::to_string(kMaxTemplateBytes) + " are allowed"));
    for (const auto& [name, value] : variables.items()) {
      for (const char* own : {"messages", "tools", "add_generation_prompt"}) {
        if (name == own) return fields_.fail(ApiError::unsupported(at + "." + name, "it is derived from the request's messages and tools"));
      }
      if (!uses(name)) fields_.notes().ignore(at + "." + name);
      run_.turn.template_variables[name] = value;
    }
  }

  Fields& fields_;
  const Offer& offer_;
  RunRequest& run_;
};

}  // namespace

std::span<const char* const> template_field_names() { return kNames; }

void read_template_fields(Fields& fields, const Offer& offer, RunRequest& run) { Reader(fields, offer, run).read(); }

}  // namespace baton::agent::protocol
