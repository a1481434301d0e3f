// baton pull: brings a model onto this machine. Without a name it lists the catalogue.
#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>

#include "cli.h"
#include "interrupt.h"
#include "print.h"
#include "progress_bar.h"

namespace baton::agent::cli {
namespace {

int list(const Globals& globals) {
  for (const CatalogueModel& model : catalogue()) {
    const bool here = resolve_model(model.name, globals.models_dir).has_value();
    print("{:30} {:>7.0f} MB  {:22} {}{}\n", model.name, static_cast<double>(model.bytes) / 1e6, model.licence, here ? "here" : "",
          model.is_default ? (here ? ", default" : "default") : "");
  }
  print("Also: baton pull hf:OWNER/REPO/FILE.gguf, or any local path as --model.\n");
  return 0;
}

int pull_one(const Globals& globals, const std::string& name, const std::string& ca_file) {
  Interrupt interrupt;
  ProgressBar bar(name, "MB");
  PullOptions options;
  options.models_dir = globals.models_dir;
  options.ca_file = ca_file;
  options.stop = interrupt.stop();
  options.progress = [&](const PullProgress& progress) {
    if (!progress.message.empty()) bar.message(progress.message);
    bar.update(progress.done, progress.total);
  };
  const Result<std::filesystem::path> path = pull(name, options);
  if (!path) {
    fail(path.error().message);
    return path.error().code == errc::cancelled ? kInterrupted : kFailed;
  }
  bar.message(path->string());
  return 0;
}

}  // namespace

void add_pull(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("pull", "Download a model (sha256 checked, resumable); without a name: list the catalogue");
  auto name = std::make_shared<std::string>();
  auto ca_file = std::make_shared<std::string>();
  command->add_option("NAME", *name, "A model of the catalogue, hf:OWNER/REPO/FILE.gguf, or an https URL");
  command->add_option("--ca-file", *ca_file, "Additional trusted certificates (PEM)");
  command->callback([&globals, &chosen, name, ca_file] {
    chosen = [&globals, name, ca_file] { return name->empty() ? list(globals) : pull_one(globals, *name, *ca_file); };
  });
}

}  // namespace baton::agent::cli
