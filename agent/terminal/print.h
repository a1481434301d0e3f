#pragma once
// The functions with which all commands print. Foreign text cannot control the terminal: every text among the arguments is made visible
// (tools/visible_text.h) unless it is marked as Baton's own. tests/agent/cli/print_test.cpp checks that no command prints in another way.
#include <baton/tools/visible_text.h>
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <streambuf>
#include <string>
#include <string_view>
#include <type_traits>

namespace baton::agent::cli {

// Text of several lines: its newlines and tabs are kept.
struct Lines {
  std::string_view text;
};
// Made by Baton, escapes for colours included: printed as it is.
struct Own {
  std::string_view text;
};

template <class T>
auto shown(const T& value) {
  if constexpr (std::is_same_v<T, Own>) {
    return value.text;
  } else if constexpr (std::is_same_v<T, Lines>) {
    return tools::visible(value.text, tools::LineBreaks::kept);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return tools::visible(value, tools::LineBreaks::escaped);
  } else {
    static_assert(std::is_arithmetic_v<T>);
    return value;
  }
}
template <class T>
struct ShownType {
  using type = decltype(shown(std::declval<const T&>()));
};

// The text that print() would print, to be passed on as Own.
template <class... A>
std::string shown_text(fmt::format_string<typename ShownType<A>::type...> form, const A&... arguments) {
  return fmt::format(form, shown(arguments)...);
}

void write_out(std::string_view text);    // to stdout, byte for byte
void write_error(std::string_view text);  // to stderr

template <class... A>
void print(fmt::format_string<typename ShownType<A>::type...> form, const A&... arguments) {
  write_out(fmt::format(form, shown(arguments)...));
}
template <class... A>
void print_error(fmt::format_string<typename ShownType<A>::type...> form, const A&... arguments) {
  write_error(fmt::format(form, shown(arguments)...));
}

// JSON text and a newline. Strings that are not UTF-8 get U+FFFD.
void print_json(const nlohmann::ordered_json& value, int indent = -1);
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);  // without the newline

// Writes its input, lines of JSON, to stdout.
class JsonLinesToStdout final : public std::streambuf {
 public:
  ~JsonLinesToStdout() override { sync(); }

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize n) override;
  int sync() override;

 private:
  std::string line_;
};

}  // namespace baton::agent::cli
