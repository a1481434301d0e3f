#pragma once
// APIs as tools: adds the tools of API files to a set.
#include <baton/tools/http/http_client.h>
#include <baton/tools/registry.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace baton::tools {

struct ApiOptions {
  // Returns the value of an environment variable; null: not set. The caller owns the environment.
  std::function<std::optional<std::string>(const std::string& variable)> environment{};
  // Private addresses that may be reached, as AddressPolicy::public_and reads them, in addition to the address in the file's own url.
  std::vector<std::string> allow_hosts{};
  // Called before a tool is added; false: this tool is left out, the others of the file are kept. Empty: all are added.
  std::function<bool(const ToolSpec& spec)> accepts{};
  HttpOptions http{};  // policy and total_timeout are set for each tool

  // Seams for tests. wait: false when `stop` was requested meanwhile; empty: sleeps. random: from 0 to 1.
  std::function<bool(std::chrono::milliseconds, std::stop_token stop)> wait{};
  std::function<double()> random{};
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

// Adds the tools of one file, given its text. errc::invalid_argument: faults of the file, each with its place; a variable that is not set;
// a name that is taken.
Result<void> add_api_tools(ToolSet& tools, std::string_view text, const std::string& file, const ApiOptions& options);

}  // namespace baton::tools
