#pragma once
// APIs as tools: files become tools of a set.
#include <baton/tools/http/http_client.h>
#include <baton/tools/registry.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace baton::tools {

struct ApiOptions {
  // The value of an environment variable; null: not set. Whoever owns the environment gives it.
  std::function<std::optional<std::string>(const std::string& variable)> environment{};
  // Private addresses that may be reached, as AddressPolicy::public_and reads them, beside the one that a file's url itself names.
  std::vector<std::string> allow_hosts{};
  // Asked before a tool is added; false: it is left out, and the others of the file are not. Empty: all are added.
  std::function<bool(const ToolSpec& spec)> accepts{};
  HttpOptions http{};  // policy and total_timeout are set for each tool

  // Seams for tests. wait: false when `stop` was requested meanwhile; empty: sleeps. random: from 0 to 1.
  std::function<bool(std::chrono::milliseconds, std::stop_token stop)> wait{};
  std::function<double()> random{};
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

// Adds the tools of one file, whose text this is. errc::invalid_argument: faults of the file, each with its place; a variable that is not
// set; a name that is taken.
Result<void> add_api_tools(ToolSet& tools, std::string_view text, const std::string& file, const ApiOptions& options);

}  // namespace baton::tools
