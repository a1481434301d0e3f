// baton inspect: shows the content of a model file, and how Baton reads a text or renders a conversation. It is for people who debug a
// prompt, and for scripts/check.sh oracle.
#include <baton/agent/model_loader.h>
#include <baton/llm/chat/file_templates.h>
#include <baton/llm/chat/prompt.h>
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/syntax_derivation/ability_probe.h>
#include <baton/llm/syntax_derivation/syntax_derivation.h>
#include <baton/llm/tokenizer/tokenizer.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <ctime>
#include <map>

#include <baton/agent/terminal/print.h>
#include "cli.h"
#include "score.h"

namespace baton::agent::cli {
namespace {

struct InspectArguments {
  std::string model;
  bool json = false;
  std::string tokenize, template_file, render, score, logits;
};

int tokenize(const llm::GgufFile& file, const std::string& list) {
  const auto tokenizer = llm::Tokenizer::from_gguf(file);
  if (!tokenizer) return fail(tokenizer.error().message);
  const Result<std::string> text = read_text_file(list);
  if (!text) return fail(text.error().message);
  const auto strings = llm::Json::parse(*text, nullptr, false);
  if (!strings.is_array()) return fail(list + " must hold a JSON list of strings");
  for (const auto& entry : strings) {
    if (!entry.is_string()) return fail(list + " holds an entry that is not a string: " + entry.dump());
    print_json(tokenizer->encode(entry.get_ref<const std::string&>()));
  }
  return 0;
}

// The texts of the file's own special tokens, which a template may print as control tokens.
llm::Json trusted_variables(const llm::GgufFile& file) {
  llm::Json trusted = llm::Json::object();
  const auto tokenizer = llm::Tokenizer::from_gguf(file);
  if (!tokenizer) return trusted;
  if (tokenizer->bos()) trusted["bos_token"] = tokenizer->text(*tokenizer->bos());
  if (tokenizer->eos()) trusted["eos_token"] = tokenizer->text(*tokenizer->eos());
  return trusted;
}

llm::RenderOptions local_time() {
  llm::RenderOptions options;
  options.now = [] {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return local;
  };
  return options;
}

// The given template, or the file's own one for conversations with tools or without.
llm::Result<llm::ChatTemplate> chat_template(const llm::GgufFile* file, const std::string& path, bool with_tools) {
  if (!path.empty()) {
    Result<std::string> text = read_text_file(path);
    if (!text) return llm::Error{llm::errc::invalid_argument, text.error().message};
    return llm::ChatTemplate::parse(std::move(*text), path);
  }
  if (file == nullptr)
    return llm::Error{llm::errc::invalid_argument, "neither a model nor a template was given: give MODEL or --template FILE"};
  const auto templates = llm::read_templates(*file);
  if (!templates) return llm::Error{templates.error().code, templates.error().message + " (--template FILE)"};
  if (with_tools && !templates->why_no_tools.empty()) print_error("{}: {}\n", file->path(), templates->why_no_tools);
  return templates->for_requests(with_tools);
}

// The syntax that the template uses for calls, as Baton reads it.
llm::Json tool_syntax(const llm::ChatTemplate& source, const llm::Json& trusted) {
  const llm::Render render = [&](const llm::Json& variables) {
    return source.render(llm::TemplateVariables{variables, trusted}, local_time());
  };
  llm::TemplateAbilities abilities = llm::probe_abilities(render);
  return llm::to_json(llm::derive_tool_syntax(render, abilities, source.source()));
}

int render(const std::shared_ptr<const llm::GgufFile>& file, const InspectArguments& arguments) {
  const Result<std::string> text = read_text_file(arguments.render);
  if (!text) return fail(text.error().message);
  llm::TemplateVariables variables;
  variables.data = llm::Json::parse(*text, nullptr, false);
  if (!variables.data.is_object())
    return fail(arguments.render + " must hold a JSON object with messages, tools, add_generation_prompt, ..");
  const auto parsed = chat_template(file.get(), arguments.template_file, !variables.data.value("tools", llm::Json()).empty());
  if (!parsed) return fail(parsed.error().message);
  if (file) variables.trusted = trusted_variables(*file);
  for (const auto& [key, value] : variables.data.items()) variables.trusted.erase(key);
  const auto spans = parsed->render(variables, local_time());
  if (!spans) return fail(spans.error().message);
  const std::string prompt = llm::joined(*spans);
  write_out(prompt);  // byte for byte, as --render promises
  return 0;
}

std::string text_of(const llm::GgufFile& file, std::string_view key) {
  const auto value = file.get_string_or(key, "");
  return value ? std::string(*value) : "";
}

llm::Json summary(const llm::GgufFile& file) {
  llm::Json out;
  out["file"] = file.path();
  out["bytes"] = file.file_size();
  out["gguf_version"] = file.version();
  out["architecture"] = file.architecture();
  out["name"] = text_of(file, "general.name");
  std::uint64_t parameters = 0, weight_bytes = 0;
  std::map<std::string, int> types;
  for (const auto& tensor : file.tensors()) {
    parameters += tensor.n_elements();
    weight_bytes += tensor.bytes.size();
    ++types[tensor.type_name()];
  }
  out["parameters"] = parameters;
  out["weight_bytes"] = weight_bytes;
  if (const auto hparams = llm::read_hparams(file)) {
    out["n_ctx_train"] = hparams->n_ctx_train;
    out["n_embd"] = hparams->n_embd;
    out["n_layer"] = hparams->n_layer;
    out["n_ff"] = hparams->n_ff;
    out["n_head"] = hparams->n_head;
    out["n_head_kv"] = hparams->n_head_kv;
    out["head_dim"] = hparams->head_dim;
    out["n_vocab"] = hparams->n_vocab;
    out["tied_output"] = file.find_tensor("output.weight") == nullptr;
    out["kv_bytes_per_token"] = 2 * 2 * hparams->n_layer * hparams->n_head_kv * hparams->head_dim;  // K and V as f16
    if (const auto rope = llm::read_rope_config(file, *hparams, {})) out["rope"] = rope->describe();
  } else {
    out["cannot_run"] = hparams.error().message;
  }
  out["tensor_types"] = types;
  if (const auto tokenizer = llm::Tokenizer::from_gguf(file)) {
    llm::Json special = llm::Json::array();
    for (std::int32_t id : tokenizer->special_ids()) {
      special.push_back({{"id", id}, {"text", tokenizer->text(id)}, {"type", llm::to_string(tokenizer->type(id))}});
    }
    out["tokenizer"] = {{"model", tokenizer->model()}, {"pre", tokenizer->pre()}, {"n_vocab", tokenizer->n_vocab()}};
    out["tokenizer"]["ends_generation"] = tokenizer->end_of_generation_ids();
    out["special_tokens"] = std::move(special);
  } else {
    out["tokenizer"] = {{"error", tokenizer.error().message}};
  }
  out["chat_template"] = text_of(file, "tokenizer.chat_template");
  if (const auto parsed = chat_template(&file, "", true); parsed) out["tool_syntax"] = tool_syntax(*parsed, trusted_variables(file));
  return out;
}

void print_summary(const llm::GgufFile& file, const llm::Json& info) {
  for (const auto& [key, value] : info.items()) {
    if (key == "chat_template" || key == "special_tokens" || key == "tokenizer" || key == "tensor_types") continue;
    print("{:20} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  print("{:20}", "tensor_types");
  for (const auto& [type, count] : info["tensor_types"].items()) print(" {} {}", type, count.get<int>());
  print("\n{:20} {}\n", "tokenizer", info["tokenizer"].dump());
  if (info.contains("special_tokens")) {
    const auto& special = info["special_tokens"];
    print("{:20} {} in all\n", "special_tokens", special.size());
    for (std::size_t i = 0; i < special.size() && i < 32; ++i) {
      print("  {:>8} {:12} {}\n", special[i]["id"].get<int>(), special[i]["type"].get<std::string>(),
            special[i]["text"].get<std::string>());
    }
    if (special.size() > 32) print("  .. and {} more (--json lists them all)\n", special.size() - 32);
  }
  print("metadata\n");
  for (const auto& entry : file.entries()) {
    if (entry.key != "tokenizer.chat_template") print("  {} = {}\n", entry.key, entry.describe());
  }
  const std::string chat_template_text = info["chat_template"].get<std::string>();
  print("chat_template\n{}\n", Lines{chat_template_text});
}

int inspect(const Globals& globals, const InspectArguments& arguments) {
  std::shared_ptr<const llm::GgufFile> file;
  if (arguments.template_file.empty() || !arguments.model.empty()) {
    auto opened = open_model_file(globals, arguments.model);
    if (!opened) return fail(opened.error().message);
    file = std::move(*opened);
  }
  if (!arguments.render.empty()) return render(file, arguments);
  if (!arguments.template_file.empty()) {
    const auto parsed = chat_template(nullptr, arguments.template_file, true);
    if (!parsed) return fail(parsed.error().message);
    // Templates add these to texts, and would fail without them.
    const llm::Json no_model = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
    print_json(tool_syntax(*parsed, file ? trusted_variables(*file) : no_model), 2);
    return 0;
  }
  if (!arguments.tokenize.empty()) return tokenize(*file, arguments.tokenize);
  if (!arguments.score.empty()) return score(globals, file, arguments.score, arguments.logits);
  const llm::Json info = summary(*file);
  if (arguments.json) {
    print_json(info, 2);
  } else {
    print_summary(*file, info);
  }
  return 0;
}

}  // namespace

void add_inspect(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("inspect", "Show the contents of a model file, the tokens of a text, or the prompt of a conversation");
  auto arguments = std::make_shared<InspectArguments>();
  command->add_option("MODEL", arguments->model, "A model of the catalogue, or the path of a GGUF file");
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->add_option("--tokenize", arguments->tokenize, "FILE with a JSON list of strings: prints one JSON list of token ids per line");
  command->add_option("--render", arguments->render,
                      "FILE with {messages, tools, add_generation_prompt, ..}: prints the prompt, byte for byte");
  command->add_option(
      "--template", arguments->template_file,
      "With --render: this Jinja file instead of the model's own template; alone: shows the template's syntax for tool calls");
  command->add_option("--score", arguments->score,
                      "FILE with text: prints token, log-probability and top 5 of each position, as JSON lines");
  command->add_option("--logits", arguments->logits, "With --score: FILE that receives all logits, rows of n_vocab float32");
  command->callback([&globals, &chosen, arguments] { chosen = [&globals, arguments] { return inspect(globals, *arguments); }; });
}

}  // namespace baton::agent::cli
