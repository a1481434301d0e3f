// baton pull: brings a model onto this machine. Without a name it lists the catalogue.
#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>

#include <baton/agent/terminal/print.h>
#include <baton/agent/terminal/progress_bar.h>
#include "cli.h"
#include "interrupt.h"

namespace baton::agent::cli {
namespace {

struct PullArguments {
  std::string name, ca_file;
  bool json = false;
};

int list(const Globals& globals, bool json) {
  for (const CatalogueModel& model : catalogue()) {
    if (model.for_tests) continue;
    const Result<std::filesystem::path> path = resolve_model(model.name, globals.models_dir);
    const bool here = path.has_value();
    if (json) {
      nlohmann::ordered_json line = {{"name", model.name},   {"description", model.description}, {"licence", model.licence},
                                     {"bytes", model.bytes}, {"default", model.is_default},      {"path", nullptr}};
      if (here) line["path"] = path->string();
      print_json(line);
      continue;
    }
    print("{:30} {:>7.0f} MB  {:22} {}{}\n", model.name, static_cast<double>(model.bytes) / 1e6, model.licence, here ? "here" : "",
          model.is_default ? (here ? ", default" : "default") : "");
  }
  if (!json) print("Also: baton pull hf:OWNER/REPO/FILE.gguf, or any local path as --model.\n");
  return 0;
}

int pull_one(const Globals& globals, const PullArguments& a) {
  Interrupt interrupt;
  ProgressBar bar(a.name, "MB");
  PullOptions options;
  options.models_dir = globals.models_dir;
  options.ca_file = a.ca_file;
  options.stop = interrupt.stop();
  options.progress = [&](const PullProgress& progress) {
    if (!progress.message.empty()) bar.message(progress.message);
    bar.update(progress.done, progress.total);
  };
  const Result<std::filesystem::path> path = pull(a.name, options);
  if (!path) {
    fail(path.error().message);
    return path.error().code == errc::cancelled ? kInterrupted : kFailed;
  }
  if (a.json) {
    const nlohmann::ordered_json line = {{"name", path->stem().string()}, {"path", path->string()}};
    print_json(line);
  } else {
    bar.message(path->string());
  }
  return 0;
}

}  // namespace

void add_pull(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("pull", "Download a model (sha256 checked, resumable); without a name: list the catalogue");
  auto a = std::make_shared<PullArguments>();
  command->add_option("NAME", a->name, "A model of the catalogue, hf:OWNER/REPO/FILE.gguf, or an https URL");
  command->add_option("--ca-file", a->ca_file, "Additional trusted certificates (PEM)");
  command->add_flag("--json", a->json, "Print the catalogue as one JSON object per line, or a model's path as one object");
  command->callback(
      [&globals, &chosen, a] { chosen = [&globals, a] { return a->name.empty() ? list(globals, a->json) : pull_one(globals, *a); }; });
}

}  // namespace baton::agent::cli
