// baton tools check: shows which parts of a file's tool definitions are enforced while a model writes a call.
#include "tools_check.h"

#include <baton/agent/model_loader.h>
#include <baton/llm/chat/file_templates.h>
#include <baton/llm/chat/prompt.h>
#include <baton/llm/constraint/call_grammar.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/llm/schema_grammar/mask_report.h>
#include <baton/llm/tool_syntax/tool_name.h>
#include <baton/tools/near_names.h>
#include <baton/tools/read_json.h>
#include <fmt/core.h>

#include <set>

#include <baton/agent/terminal/print.h>

namespace baton::agent::cli {
namespace {

using tools::Json;

// The findings about one definition.
struct Checked {
  std::string place;  // JSON pointer in the file
  std::string name;
  bool identifier = false;  // [A-Za-z0-9_-]{1,64}, which every API takes
  std::vector<std::string> errors;
  std::optional<llm::MaskReport> mask;  // if the schema could be read
  llm::Json parameters;                 // likewise
  std::vector<llm::Unmasked> in_model;  // constraints that the requested model's syntax leaves to the validator in addition
};

// The list of definitions in a file, and the JSON pointer of its parent. Null: there is none.
std::pair<const Json*, std::string> definitions(const Json& root) {
  if (root.is_array()) return {&root, ""};
  if (root.is_object() && root.contains("tools") && root["tools"].is_array()) return {&root["tools"], "/tools"};
  return {nullptr, ""};
}

bool is_identifier(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

Checked check_definition(const Json& given, std::string place) {
  static const Json kNothing = {{"type", "object"}, {"properties", Json::object()}};
  Checked checked{std::move(place), "", false, {}, std::nullopt};
  const auto wrong = [&](std::string what) { checked.errors.push_back(std::move(what)); };
  const Json* tool = &given;
  if (given.is_object() && given.contains("function") && given["function"].is_object()) {
    tool = &given["function"];
    checked.place += "/function";
    for (const auto& [key, value] : given.items()) {
      if (key != "type" && key != "function") wrong("the field \"" + key + "\" beside \"function\" is not known");
    }
  }
  if (!tool->is_object()) {
    wrong("a tool must be an object with name, description and parameters");
    return checked;
  }
  const auto name = tool->find("name");
  if (name == tool->end() || !name->is_string()) {
    wrong("it has no name");
  } else {
    checked.name = name->get<std::string>();
    checked.identifier = is_identifier(checked.name);
    const std::string bad = llm::wrong_with_tool_name(checked.name);
    if (!bad.empty()) wrong("its name " + bad);
    // API files name the daemon's own tools.
    if (bad.empty() && tool->contains("url") && !checked.identifier)
      wrong("a tool of an API file has a name of 1 to 64 letters, digits, _ and -");
  }
  // The daemon would refuse any other field. API files have fields of their own.
  static const std::set<std::string> kFields = {"type", "name", "description", "parameters", "strict"};
  for (const auto& [key, value] : tool->items()) {
    if (!tool->contains("url") && (!kFields.contains(key) || (key == "type" && tool != &given)))
      wrong("the field \"" + key + "\" is not known; a tool's schema is its \"parameters\"");
  }
  if (tool->contains("description") && !(*tool)["description"].is_string() && !(*tool)["description"].is_null())
    wrong("its description is not a string");
  if (tool->contains("strict") && !(*tool)["strict"].is_boolean()) wrong("its \"strict\" is neither true nor false");
  const auto parameters = tool->find("parameters");
  const Json& written = parameters == tool->end() || parameters->is_null() ? kNothing : *parameters;
  const auto schema = llm::Schema::parse(written);
  if (!schema) {
    wrong(schema.error().message);
    return checked;
  }
  checked.mask = llm::report_mask(*schema);
  checked.parameters = written;
  // A schema that is too large for a mask is not an error: the validator enforces it. A schema that no value satisfies can never be called.
  if ((schema->root().types & llm::kObjectType) == 0) {
    wrong("its parameters do not describe an object, as a call's arguments must be");
  } else if (checked.mask->impossible && checked.mask->unmasked.empty()) {  // otherwise the mask may be stricter than the schema
    wrong("no arguments are valid under its parameters: it can never be called");
  }
  return checked;
}

// The keyword of which an unknown one is probably a misspelling; null: none.
Json meant(const std::string& keyword) {
  static const std::vector<std::string> known = llm::schema_keywords();
  const auto near = tools::near_names(keyword, known, 1);
  const bool alike = !near.empty() && near.front().size() + 2 >= keyword.size() && keyword.size() + 2 >= near.front().size();
  return alike ? Json(near.front()) : Json(nullptr);
}

Json to_json(const Checked& checked) {
  Json out = {{"place", checked.place}, {"name", checked.name}, {"identifier", checked.identifier}, {"errors", checked.errors}};
  if (!checked.mask) return out;
  const llm::MaskReport& mask = *checked.mask;
  out["nodes"] = mask.n_nodes;
  out["compile_ms"] = mask.compile_ms;
  out["masked"] = mask.masked;
  out["refused"] = mask.refused.empty() ? Json(nullptr) : Json(mask.refused);
  out["checked_afterwards"] = Json::array();
  for (const llm::Unmasked& one : mask.unmasked) {
    out["checked_afterwards"].push_back({{"pointer", one.pointer}, {"keyword", one.keyword}, {"why", one.why}});
  }
  out["not_checked"] = Json::array();
  for (const llm::Unmasked& one : mask.unchecked)
    out["not_checked"].push_back({{"pointer", one.pointer}, {"keyword", one.keyword}, {"why", one.why}});
  out["in_model"] = Json::array();
  out["annotations"] = Json::array();
  for (const llm::Unmasked& one : mask.annotations)
    out["annotations"].push_back({{"pointer", one.pointer}, {"keyword", one.keyword}, {"meant", meant(one.keyword)}});
  for (const llm::Unmasked& one : checked.in_model)
    out["in_model"].push_back({{"pointer", one.pointer}, {"keyword", one.keyword}, {"why", one.why}});
  return out;
}

std::string place_of(const llm::Unmasked& one) {
  if (!one.keyword.empty()) return one.pointer + "/" + one.keyword;
  return one.pointer.empty() ? "the parameters" : one.pointer;
}

void print_checked(const Checked& checked, bool colour) {
  const auto paint = [&](const char* code, const std::string& text) {
    return colour ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  };
  const std::string name = checked.name.empty() ? checked.place : checked.identifier ? checked.name : Json(checked.name).dump();
  std::string line = shown_text("{:32} ", name) + (checked.errors.empty() ? paint("32", "ok   ") : paint("31", "error"));
  if (checked.mask) line += fmt::format(" {:7} nodes {:8.2f} ms", checked.mask->n_nodes, checked.mask->compile_ms);
  print("{}\n", Own{line});
  for (const std::string& error : checked.errors) print("  {}\n", error);
  if (!checked.name.empty() && !checked.identifier)
    print("  the name is not an identifier: a model writes it as {}\n", Json(checked.name).dump());
  if (!checked.mask) return;
  std::string masked;
  for (const std::string& keyword : checked.mask->masked) masked += (masked.empty() ? "" : ", ") + keyword;
  if (!masked.empty()) print("  enforced while it is written: {}\n", masked);
  if (!checked.mask->refused.empty() && !checked.mask->impossible)
    print("  no mask, any object may be written and is checked afterwards: {}\n", checked.mask->refused);
  for (const llm::Unmasked& one : checked.mask->unmasked) print("  afterwards: {}: {}\n", place_of(one), one.why);
  for (const llm::Unmasked& one : checked.in_model) print("  afterwards, as this model writes calls: {}: {}\n", place_of(one), one.why);
  for (const llm::Unmasked& one : checked.mask->unchecked) print("  never: {}: {}\n", place_of(one), one.why);
  for (const llm::Unmasked& one : checked.mask->annotations) {
    const Json near = meant(one.keyword);
    print("  annotation: {}{}\n", place_of(one), near.is_null() ? "" : ": is " + near.get<std::string>() + " meant?");
  }
}

// A model's syntax for calls, with its vocabulary.
struct ModelSyntax {
  llm::ToolSyntax syntax;
  std::unique_ptr<llm::GrammarVocabulary> vocabulary;
};
Result<ModelSyntax> model_syntax(const Globals& globals, const std::string& model) {
  const auto file = open_model_file(globals, model);
  if (!file) return file.error();
  const auto tokenizer = llm::Tokenizer::from_gguf(**file);
  if (!tokenizer) return Error{errc::invalid_argument, tokenizer.error().message};
  const auto templates = llm::read_templates(**file);
  if (!templates) return Error{errc::invalid_argument, templates.error().message};
  const auto prompts_with = [&](bool tools) {
    return llm::PromptBuilder(*tokenizer, templates->for_requests(tools), model, [] { return std::tm{}; });
  };
  const llm::PromptBuilder prompts = prompts_with(true);
  // As in Chat, where the file's own template for tools takes too much work.
  ModelSyntax out{prompts.fault() ? prompts_with(false).tool_syntax() : prompts.tool_syntax(), nullptr};
  out.vocabulary = std::make_unique<llm::GrammarVocabulary>(*tokenizer, tokenizer->n_vocab(), out.syntax);
  return out;
}

// Finds the constraints that are left to the validator only because of the model's syntax for calls.
void compare_with_model(const ModelSyntax& model, Checked& checked) {
  const auto calls = llm::compile_calls({{checked.name, "", checked.parameters}}, true, model.syntax, *model.vocabulary);
  if (!calls) return;  // already reported
  std::set<std::pair<std::string, std::string>> known;
  for (const llm::Unmasked& one : checked.mask->unmasked) known.insert({one.pointer, one.keyword});
  for (const llm::UnmaskedOfTool& one : (*calls)->unmasked) {
    if (checked.mask->refused.empty() && known.insert({one.what.pointer, one.what.keyword}).second) checked.in_model.push_back(one.what);
  }
}

int check(const Globals& globals, const std::string& path, const std::string& model, bool json) {
  const auto text = read_text_file(path);
  if (!text) return fail(text.error().message);
  const auto read = tools::read_json(*text, tools::kLimitsOfFile);
  if (!read) return fail(path + ": " + read.error().message);
  const Json& root = read->value;
  const auto [list, parent] = definitions(root);
  std::vector<Checked> all;
  if (list == nullptr && root.is_object() && (root.contains("name") || root.contains("function"))) {
    all.push_back(check_definition(root, ""));
  } else if (list == nullptr || list->empty()) {
    return fail(path + " holds no tools: it must be a list of {name, description, parameters}, {\"tools\": [..]}, or one tool");
  } else {
    for (std::size_t i = 0; i < list->size(); ++i) all.push_back(check_definition((*list)[i], fmt::format("{}/{}", parent, i)));
  }
  std::set<std::string> names;
  for (Checked& one : all) {
    if (!one.name.empty() && !names.insert(one.name).second) one.errors.push_back("an earlier tool has the same name");
  }
  if (!model.empty()) {
    const auto syntax = model_syntax(globals, model);
    if (!syntax) return fail(syntax.error().message);
    for (Checked& one : all) {
      if (one.mask) compare_with_model(*syntax, one);
    }
  }
  std::size_t n_errors = 0;
  for (const Checked& one : all) n_errors += one.errors.size();
  n_errors += read->repeated.size();

  if (json) {
    Json out = {{"file", path}, {"tools", Json::array()}, {"repeated_keys", read->repeated}, {"errors", n_errors}};
    for (const Checked& one : all) out["tools"].push_back(to_json(one));
    print_json(out);
  } else {
    for (const Checked& one : all) print_checked(one, globals.colour);
    for (const std::string& pointer : read->repeated)
      print("{}: this key occurs twice in its object, and only one of them counts; remove the other\n", pointer);
    print("{}: {} tool{}, {} error{}\n", path, all.size(), all.size() == 1 ? "" : "s", n_errors, n_errors == 1 ? "" : "s");
  }
  return n_errors == 0 ? 0 : kFailed;
}

}  // namespace

void add_tools_check(CLI::App& tools, const Globals& globals, Chosen& chosen) {
  struct Arguments {
    std::string file, model;
    bool json = false;
  };
  auto* command = tools.add_subcommand("check",
                                       "Show which parts of a file's tool definitions are enforced while a model writes a call, which are "
                                       "checked afterwards, and their errors");
  auto a = std::make_shared<Arguments>();
  command
      ->add_option("FILE", a->file,
                   "JSON: a list of tools as OpenAI's API takes them or as {name, description, parameters}, "
                   "{\"tools\": [..]}, or an API file")
      ->required();
  command->add_option("--model", a->model,
                      "A model of the catalogue, or a GGUF file: also show what its syntax for calls leaves to be checked afterwards");
  command->add_flag("--json", a->json, "Print the report as JSON");
  command->callback([&chosen, &globals, a] { chosen = [&globals, a] { return check(globals, a->file, a->model, a->json); }; });
}

}  // namespace baton::agent::cli
