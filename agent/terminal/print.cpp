#include "print.h"

#include <cstdio>

namespace baton::agent::cli {

void write_out(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  return tools::visible_json(value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_json(const nlohmann::ordered_json& value, int indent) { write_out(json_text(value, indent) + "\n"); }

JsonLinesToStdout::int_type JsonLinesToStdout::overflow(int_type c) {
  if (c == traits_type::eof()) return traits_type::not_eof(c);
  const char one = traits_type::to_char_type(c);
  return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize JsonLinesToStdout::xsputn(const char* text, std::streamsize n) {
  line_.append(text, static_cast<std::size_t>(n));
  const std::size_t end = line_.rfind('\n');
  if (end == std::string::npos) return n;
  write_out(tools::visible_json(std::string_view(line_).substr(0, end + 1)));
  line_.erase(0, end + 1);
  return std::ferror(stdout) ? 0 : n;
}

int JsonLinesToStdout::sync() {
  write_out(tools::visible_json(line_));
  line_.clear();
  return std::fflush(stdout) == 0 ? 0 : -1;
}

}  // namespace baton::agent::cli
