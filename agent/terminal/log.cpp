#include "log.h"

#include <baton/tools/visible_text.h>
#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "print.h"
#include "unblocking_sink.h"

namespace baton::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string time_text(spdlog::log_clock::time_point time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

std::string_view level_text(spdlog::level::level_enum level) {
  return level == spdlog::level::warn ? "warn" : level == spdlog::level::err ? "error" : spdlog::level::to_string_view(level).data();
}

bool is_key(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

// A number or boolean as JSON; anything else is text.
Json value_of(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() || value.is_string() ? value : Json(text);
}

// The key=value pairs of a message: values without spaces, or JSON strings. The first pair of a name counts, so that a value cannot add one
// that was written before it.
void add_fields(std::string_view message, Json& line) {
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t space = std::min(message.find(' ', at), message.size());
    const std::size_t equals = message.find('=', at);
    if (equals == std::string_view::npos) return;
    if (equals >= space || !is_key(message.substr(at, equals - at))) {
      at = space + 1;
      continue;
    }
    std::size_t end = equals + 1;
    const bool in_quotes = end < message.size() && message[end] == '"';
    if (in_quotes) {
      for (++end; end < message.size() && message[end] != '"'; ++end) end += message[end] == '\\';
      end = std::min(end + 1, message.size());
    } else {
      end = space;
    }
    const std::string key(message.substr(at, equals - at));
    if (!line.contains(key)) line[key] = value_of(std::string(message.substr(equals + 1, end - equals - 1)));
    at = end + 1;
  }
}

class LogFormatter final : public spdlog::formatter {
 public:
  explicit LogFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string_view said(message.payload.data(), message.payload.size());
    const std::string time = time_text(message.time);
    std::string line;
    if (json_) {
      Json object = {{"time", time}, {"level", level_text(message.level)}, {"message", said}};
      add_fields(said, object);
      line = json_text(object);
    } else {
      line = time + " ";
      message.color_range_start = line.size();
      line += level_text(message.level);
      message.color_range_end = line.size();
      line += " " + tools::visible(said, tools::LineBreaks::escaped);
    }
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LogFormatter>(json_); }

 private:
  const bool json_;
};

}  // namespace

const std::vector<std::string>& log_levels() {
  static const std::vector<std::string> kLevels = {"trace", "debug", "info", "warn", "error", "off"};
  return kLevels;
}

void set_up_log(const std::string& level, bool json) {
  // A terminal is read by a person, and has colours.
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (isatty(STDERR_FILENO)) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  } else {
    sink = std::make_shared<UnblockingSink>(STDERR_FILENO);
  }
  auto logger = std::make_shared<spdlog::logger>("baton", std::move(sink));
  logger->set_formatter(std::make_unique<LogFormatter>(json));
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace baton::agent::cli
