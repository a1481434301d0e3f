#include "config_file.h"

#include <baton/tools/near_names.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace baton::agent::cli {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

// The text of the file, or the reason why it cannot be read. If there is no such file, both are empty.
struct FileText {
  std::optional<std::string> text;
  std::string fault;
};

FileText read_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT || errno == ENOTDIR ? FileText{} : FileText{std::nullopt, std::strerror(errno)};
  FileText read{std::string(), ""};
  char buffer[65536];
  while (read.text && read.text->size() <= kMaxBytes) {
    const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
    if (n == 0) break;
    if (n > 0) read.text->append(buffer, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) read = {std::nullopt, errno == EISDIR ? "it is a folder" : std::strerror(errno)};
  }
  ::close(descriptor);
  if (read.text && read.text->size() > kMaxBytes) return {std::nullopt, "it has more than 1 MB"};
  return read;
}

// The long names of the options that the file may set.
std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_configurable()) names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  return names;
}

CLI::Option* find_option(CLI::App& app, const std::string& name) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_configurable() && option->check_lname(name)) return option;
  }
  return nullptr;
}

CLI::App* find_command(CLI::App& app, const std::string& name) {
  for (CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

std::vector<std::string> all_in_quotes(std::vector<std::string> names) {
  for (std::string& name : names) name = in_quotes(name);
  return names;
}

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

class Reader {
 public:
  Reader(CLI::App& root, std::string file) : root_(root), file_(std::move(file)) {}

  std::vector<std::string> read(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text);
    if (parsed) {
      read_table(root_, "", parsed.table());
    } else {
      syntax(parsed.error());
    }
    std::stable_sort(faults_.begin(), faults_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> said;
    for (auto& [line, fault] : faults_) said.push_back(std::move(fault));
    return said;
  }

 private:
  void fault(const toml::source_region& at, const std::string& what) {
    faults_.emplace_back(at.begin.line, fmt::format("{}:{}: {}", file_, at.begin.line, what));
  }

  void syntax(const toml::parse_error& error) {
    const std::string what(error.description());
    const auto says = [&](const char* words) { return what.find(words) != std::string::npos; };
    if (says("redefine")) return fault(error.source(), what + "; keep one of them");
    const char* remedy = says("utf-8")                ? "save the file as UTF-8"
                         : says("control characters") ? "close the quotes on the line on which they were opened"
                                                      : "write `key = value`, texts in \"quotes\", lists in [brackets] (docs/operating.md)";
    fault(error.source(), fmt::format("this is not TOML: {}; {}", what, remedy));
  }

  // `section`: "" for the top of the file, otherwise the text between the brackets.
  void read_table(CLI::App& app, const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      CLI::App* command = find_command(app, name);
      CLI::Option* option = find_option(app, name);
      if (node.is_table() && command) {
        read_table(*command, section.empty() ? name : section + "." + name, *node.as_table());
      } else if (option) {
        set(*option, section, key, node);
      } else if (node.is_table() || (node.is_array() && node.as_array()->is_homogeneous<toml::table>())) {
        unknown_section(app, section, key, node.is_array());
      } else if (command) {
        fault(key.source(), fmt::format("{} is a command: put its options below a line [{}]", in_quotes(name), name));
      } else {
        unknown_key(app, section, key);
      }
    }
  }

  void unknown_section(CLI::App& app, const std::string& section, const toml::key& key, bool list) {
    const std::string name(key.str());
    if (list && find_command(app, name)) return fault(key.source(), fmt::format("[[{0}]] begins a list of sections; write [{0}]", name));
    std::vector<std::string> commands;
    for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
    const std::string above = section.empty() ? "" : section + ".", whole = above + name;
    std::vector<std::string> near = tools::near_names(name, commands, 2);
    for (std::string& command : near) command = "[" + above + command + "]";
    std::string help = near.empty() ? "sections are named after the commands: `baton --help` lists them"
                                    : "did you mean " + tools::listed(near, "or") + "?";
    if (commands.empty()) help = "the section [" + section + "] has no subsections";
    fault(key.source(), fmt::format("there is no section [{}]; {}", whole, help));
  }

  void unknown_key(CLI::App& app, const std::string& section, const toml::key& key) {
    const std::string name(key.str());
    const std::string place = section.empty() ? "at the top of the file" : "in the section [" + section + "]";
    const std::string unknown = fmt::format("there is no option {} {}; ", in_quotes(name), place);
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_configurable() && option->check_sname(name) && !option->get_lnames().empty())
        return fault(key.source(), unknown + "the file takes only the long name: " + in_quotes(option->get_lnames().front()));
    }
    if (&app != &root_ && find_option(root_, name))
      return fault(key.source(), unknown + "it applies to all commands: put it at the top of the file, above the first section");
    std::vector<std::string> sections;
    find_sections(root_, "", name, sections);
    if (!sections.empty()) return fault(key.source(), unknown + "it belongs in the section " + tools::listed(sections, "or"));
    std::vector<std::string> near = tools::near_names(name, names_of(app), 2);
    if (!near.empty()) return fault(key.source(), unknown + "did you mean " + tools::listed(all_in_quotes(near), "or") + "?");
    all_names(root_, near);
    near = tools::near_names(name, near, 1);
    if (!near.empty()) return fault(key.source(), unknown + "there is " + in_quotes(near[0]) + where(near[0]));
    fault(key.source(), unknown + help_of(section) + " lists them");
  }

  static std::string help_of(std::string section) {
    std::replace(section.begin(), section.end(), '.', ' ');
    return "`baton" + (section.empty() ? "" : " " + section) + " --help`";
  }

  // Finds all sections that have an option of that name: "[run]", "[chat]".
  static void find_sections(CLI::App& app, const std::string& section, const std::string& name, std::vector<std::string>& found) {
    if (!section.empty() && find_option(app, name)) found.push_back("[" + section + "]");
    for (CLI::App* command : app.get_subcommands({}))
      find_sections(*command, (section.empty() ? "" : section + ".") + command->get_name(), name, found);
  }

  static void all_names(const CLI::App& app, std::vector<std::string>& names) {
    for (std::string& name : names_of(app)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
    for (const CLI::App* command : app.get_subcommands({})) all_names(*command, names);
  }

  std::string where(const std::string& name) {
    if (find_option(root_, name)) return " at the top of the file";
    std::vector<std::string> sections;
    find_sections(root_, "", name, sections);
    return " in the section " + tools::listed(sections, "or");
  }

  void set(CLI::Option& option, const std::string& section, const toml::key& key, const toml::node& node) {
    const std::string name(key.str());
    std::vector<std::string> values;
    if (const toml::array* list = node.as_array()) {
      if (option.get_expected_max() <= 1 || option.get_expected_min() == 0)
        return fault(node.source(), fmt::format("{} takes one value, not a list", in_quotes(name)));
      for (const toml::node& one : *list) {
        if (!add_value(option, name, one, values)) return;
      }
      if (values.empty()) return;  // an empty list adds nothing
    } else if (!add_value(option, name, node, values)) {
      return;
    }
    try {
      if (option.get_expected_min() == 0) {
        option.add_result(option.get_flag_value(name, values[0]));
      } else {
        option.add_result(values);
      }
      option.run_callback();
    } catch (const CLI::Error& e) {
      fault(node.source(), fmt::format("{}; {} lists the allowed values", e.what(), help_of(section)));
    }
    option.clear();  // the value is kept; the command line finds an option that was not given
  }

  // Returns false, after reporting it, if the option does not take the value.
  bool add_value(const CLI::Option& option, const std::string& name, const toml::node& node, std::vector<std::string>& values) {
    const std::string type = option.get_type_name();
    const auto wrong = [&](const std::string& wanted) {
      fault(node.source(), fmt::format("{} takes {}, not {}", in_quotes(name), wanted, type_name(node)));
      return false;
    };
    if (option.get_expected_min() == 0) {  // a flag
      if (!node.is_boolean()) return wrong("true or false");
      values.push_back(**node.as_boolean() ? "true" : "false");
    } else if (type.starts_with("INT") || type.starts_with("UINT")) {
      if (!node.is_integer()) return wrong("a whole number");
      values.push_back(std::to_string(**node.as_integer()));
    } else if (type.starts_with("FLOAT")) {
      if (!node.is_number()) return wrong("a number");
      const double value = *node.value<double>();
      if (!std::isfinite(value)) return fault(node.source(), in_quotes(name) + " takes a finite number"), false;
      values.push_back(fmt::format("{}", value));
    } else {
      if (!node.is_string()) return wrong("a text in \"quotes\"");
      const std::string& value = **node.as_string();
      if (value.find('\0') != std::string::npos) return fault(node.source(), in_quotes(name) + " takes a text without a zero byte"), false;
      values.push_back(value);
    }
    return true;
  }

  CLI::App& root_;
  const std::string file_;
  std::vector<std::pair<toml::source_index, std::string>> faults_;
};

}  // namespace

std::vector<std::string> apply_config_file(CLI::App& app, const std::filesystem::path& file, bool must_exist) {
  if (file.empty()) return {};
  const FileText read = read_file(file);
  if (!read.fault.empty()) return {file.string() + " cannot be read: " + read.fault + "; correct this, or name another file with --config"};
  if (!read.text && must_exist) return {file.string() + " does not exist: create it, or leave out --config"};
  if (!read.text) return {};
  return Reader(app, file.string()).read(*read.text);
}

}  // namespace baton::agent::cli
