#pragma once
// An agent that the user has configured, chosen by a client as `model`: its instructions, tools and budgets.
#include <baton/agent/error.h>

#include <map>
#include <string>
#include <vector>

namespace baton::agent::protocol {

struct Profile {
  std::string instructions;
  std::vector<std::string> tools;  // of the daemon, by name
  int max_turns = 8;
  int max_tool_calls = 32;
  int max_seconds = 600;
};
using Profiles = std::map<std::string, Profile>;

// {"NAME": {"instructions": "..", "tools": ["calculate"], "max_turns": 8, "max_tool_calls": 32, "max_seconds": 600}, ..}
// Errors name the profile and the field.
Result<Profiles> parse_profiles(const std::string& text);

}  // namespace baton::agent::protocol
