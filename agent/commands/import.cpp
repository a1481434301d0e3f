// baton tools import openapi: an OpenAPI document becomes API files.
#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/http/http_client.h>
#include <baton/tools/openapi/openapi.h>
#include <fmt/core.h>

#include <fstream>

#include <baton/agent/terminal/print.h>

#include "import.h"

namespace baton::agent::cli {
namespace {

namespace fs = std::filesystem;
using tools::Json;

constexpr std::uint64_t kMaxDocumentBytes = 64 << 20;

struct ImportArguments {
  std::string source, output;
  tools::OpenApiOptions options;
  bool json = false;
};

Result<std::string> read_source(const std::string& source) {
  if (source.rfind("http://", 0) != 0 && source.rfind("https://", 0) != 0) return read_text_file(source);
  tools::HttpOptions options;
  options.total_timeout = std::chrono::minutes(5);
  tools::HttpRequest request{.url = source, .headers = {{"Accept", "application/json"}}};
  request.max_body_bytes = kMaxDocumentBytes;
  const auto response = tools::make_http_client(options)->send(request);
  if (!response) return Error{errc::network, response.error().message};
  if (response->head.status != 200) return Error{errc::network, fmt::format("{}: HTTP status {}", source, response->head.status)};
  return response->body;
}

// Refuses to overwrite a file, which somebody may have edited.
Result<void> write_new(const fs::path& path, const Json& value) {
  if (fs::exists(path)) return Error{errc::io, path.string() + " already exists: remove it, or name another file with -o"};
  std::ofstream out(path);
  out << value.dump(2) << '\n';
  if (!out.flush()) return Error{errc::io, "cannot write " + path.string()};
  return {};
}

Result<void> write_folder(const fs::path& folder, const Json& file) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error{errc::io, "cannot create " + folder.string() + ": " + failed.message()};
  for (Json tool : file["tools"]) {
    if (file.contains("defaults")) tool.update(file["defaults"]);
    if (Result<void> ok = write_new(folder / (tool["name"].get<std::string>() + ".json"), tool); !ok) return ok;
  }
  return {};
}

void print_report(const tools::OpenApiImport& import, const std::string& output) {
  std::string text = fmt::format("{}: {} tool{}", import.title, import.file["tools"].size(), import.file["tools"].size() == 1 ? "" : "s");
  if (!output.empty()) text += " in " + output;
  for (const tools::OpenApiVariable& v : import.variables) text += fmt::format("\nset {} to {}", v.name, v.meaning);
  for (const tools::OpenApiNote& note : import.left_out) text += fmt::format("\nleft out: {}: {}", note.operation, note.text);
  for (const tools::OpenApiNote& note : import.notes) text += fmt::format("\nnote: {}: {}", note.operation, note.text);
  print_error("{}\n", Lines{text});
}

int import_file(const ImportArguments& a) {
  const auto text = read_source(a.source);
  if (!text) return fail(text.error().message);
  tools::OpenApiOptions options = a.options;
  options.source = a.source;
  options.check_schema = [](const Json& schema) -> tools::Result<void> {
    if (const auto parsed = llm::Schema::parse(schema); !parsed) return tools::Error{tools::errc::invalid_argument, parsed.error().message};
    return {};
  };
  const auto import = tools::import_openapi(*text, options);
  if (!import) return fail(a.source + ": " + import.error().message);
  Result<void> written;
  if (a.output.empty()) {
    if (!a.json) print_json(import->file, 2);
  } else {
    const bool folder = a.output.back() == '/' || fs::is_directory(a.output);
    written = folder ? write_folder(a.output, import->file) : write_new(a.output, import->file);
  }
  if (!written) return fail(written.error().message);
  if (a.json) {
    Json report = tools::report_of(*import);
    if (a.output.empty()) report["file"] = import->file;
    print_json(report);
  } else {
    print_report(*import, a.output);
  }
  return 0;
}

}  // namespace

void add_import(CLI::App& tools, Chosen& chosen) {
  auto* import = tools.add_subcommand("import", "Create tools from the description of an API")->require_subcommand(1);
  auto* command = import->add_subcommand("openapi", "Create an API file from an OpenAPI 3.0 or 3.1 document (JSON)");
  auto a = std::make_shared<ImportArguments>();
  command->add_option("SOURCE", a->source, "A file or URL")->required();
  command->add_option("-o,--output", a->output,
                      "The file to write, or a folder, which gets one file for each tool; default: standard output");
  command->add_option("--tag", a->options.tags, "Import only operations with this tag (may be repeated)")->allow_extra_args(false);
  command->add_option("--operation", a->options.operations, "Import only the operation with this id (may be repeated)")
      ->allow_extra_args(false);
  command->add_option("--server", a->options.server, "URL of the API's server, instead of the document's");
  command->add_flag("--json", a->json, "Print the report as JSON");
  command->callback([&chosen, a] { chosen = [a] { return import_file(*a); }; });
}

}  // namespace baton::agent::cli
