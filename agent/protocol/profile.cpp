#include "profile.h"

#include <nlohmann/json.hpp>

namespace baton::agent::protocol {

namespace {

bool read_count(const nlohmann::ordered_json& value, int& out) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > 1'000'000) return false;
  out = value.get<int>();
  return true;
}

}  // namespace

Result<Profiles> parse_profiles(const std::string& text) {
  const auto wrong = [](const std::string& message) { return Error{errc::invalid_argument, "profiles: " + message}; };
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return wrong("expected a JSON object with one member for each profile");
  Profiles profiles;
  for (const auto& [name, fields] : json.items()) {
    if (!fields.is_object()) return wrong("'" + name + "' is not an object");
    Profile profile;
    for (const auto& [key, value] : fields.items()) {
      bool good = false;
      if (key == "instructions" && value.is_string()) {
        profile.instructions = value.get<std::string>();
        good = true;
      } else if (key == "tools" && value.is_array()) {
        good = true;
        for (const auto& tool : value) {
          if (!tool.is_string()) return wrong("'" + name + "': tools must be a list of tool names");
          profile.tools.push_back(tool.get<std::string>());
        }
      } else if (key == "max_turns") {
        good = read_count(value, profile.max_turns);
      } else if (key == "max_tool_calls") {
        good = read_count(value, profile.max_tool_calls);
      } else if (key == "max_seconds") {
        good = read_count(value, profile.max_seconds);
      } else {
        return wrong("'" + name + "': unknown field '" + key +
                     "'; the fields are instructions, tools, max_turns, max_tool_calls and max_seconds");
      }
      if (!good) return wrong("'" + name + "': " + key + " has the wrong type or range");
    }
    profiles.emplace(name, std::move(profile));
  }
  return profiles;
}

}  // namespace baton::agent::protocol
