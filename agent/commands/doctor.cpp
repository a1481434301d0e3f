// baton doctor: shows the machine's features, those that Baton will use, and whether they suffice. Exit code 0 if there are at most
// warnings, 1 if something will not work, 2 if the config file is wrong.
#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>
#include <baton/kernels/cpu.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include <baton/agent/terminal/print.h>
#include "cli.h"
#include "doctor_checks.h"

namespace baton::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

Json gpu() {
  // The driver makes these files, also where no CUDA toolkit is installed.
  const bool driver = std::filesystem::exists("/dev/nvidiactl");
  return {{"nvidia_driver", driver},
          {"used", false},
          {"note", driver ? "an NVIDIA GPU is here; this build of Baton computes on the CPU" : "no NVIDIA GPU: Baton computes on the CPU"}};
}

Json report(const Globals& globals, const std::vector<Check>& checks) {
  const std::uint64_t page = sysconf(_SC_PAGESIZE);
  Json out;
  out["version"] = BATON_VERSION;
  out["cpu"] = {{"features", kernels::cpu_features()},
                {"physical_cores", kernels::physical_cores()},
                {"level", globals.cpu.empty() ? std::string(to_string(kernels::best_cpu_level())) : globals.cpu},
                {"threads", globals.threads > 0 ? globals.threads : kernels::physical_cores()}};
  out["gpu"] = gpu();
  out["memory"] = {{"total_bytes", page * sysconf(_SC_PHYS_PAGES)}, {"available_bytes", page * sysconf(_SC_AVPHYS_PAGES)}};
  out["models_dir"] = globals.models_dir.string();
  out["models"] = Json::array();
  for (const auto& path : local_models(globals.models_dir)) out["models"].push_back(path.stem().string());
  const std::string model = globals.model.empty() ? default_model().name : globals.model;
  const auto found = resolve_model(model, globals.models_dir);
  out["model"] = {{"name", model}, {"found", found.has_value()}};
  if (found)
    out["model"]["path"] = found->string();
  else
    out["model"]["note"] = found.error().message;
  out["journal"] = {{"path", globals.journal.string()}, {"exists", std::filesystem::exists(globals.journal)}};
  out["config"] = {{"path", globals.config_file.string()}, {"exists", std::filesystem::exists(globals.config_file)}};
  out["checks"] = Json::array();
  for (const Check& check : checks)
    out["checks"].push_back({{"what", check.what}, {"status", to_string(check.status)}, {"text", check.text}, {"remedy", check.remedy}});
  return out;
}

void print_report(const Json& r) {
  const auto gigabytes = [](const Json& bytes) { return bytes.get<double>() / 1e9; };
  print("baton {}\n", r["version"].get<std::string>());
  print("cpu      {} cores; {}\n", r["cpu"]["physical_cores"].get<int>(), r["cpu"]["features"].get<std::string>());
  print("         uses level {} on {} threads\n", r["cpu"]["level"].get<std::string>(), r["cpu"]["threads"].get<int>());
  print("gpu      {}\n", r["gpu"]["note"].get<std::string>());
  print("memory   {:.1f} GB, {:.1f} GB free\n", gigabytes(r["memory"]["total_bytes"]), gigabytes(r["memory"]["available_bytes"]));
  print("models   {}\n", r["models_dir"].get<std::string>());
  for (const Json& model : r["models"]) print("         {}\n", model.get<std::string>());
  if (r["models"].empty()) print("         none\n");
  const Json& model = r["model"];
  print("default  {}{}\n", model["name"].get<std::string>(), model["found"].get<bool>() ? "" : ": " + model["note"].get<std::string>());
  print("journal  {}{}\n", r["journal"]["path"].get<std::string>(), r["journal"]["exists"].get<bool>() ? "" : " (does not exist yet)");
  print("config   {}{}\n", r["config"]["path"].get<std::string>(), r["config"]["exists"].get<bool>() ? "" : " (does not exist)");
  print("checks\n");
  for (const Json& check : r["checks"]) {
    const std::string remedy = check["remedy"];
    print("  {:8} {:8} {}{}\n", check["status"].get<std::string>(), check["what"].get<std::string>(), check["text"].get<std::string>(),
          remedy.empty() ? "" : "; " + remedy);
  }
}

}  // namespace

void add_doctor(CLI::App& app, const Globals& globals, Chosen& chosen, const WhereServed& where) {
  auto* command = app.add_subcommand("doctor", "Show this machine's hardware, how Baton will use it, and whether anything is missing");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([&globals, &chosen, &where, json] {
    chosen = [&globals, &where, json] {
      const std::vector<Check> checks = run_checks(globals, where());
      const Json out = report(globals, checks);
      if (*json)
        print_json(out, 2);
      else
        print_report(out);
      if (!globals.config_faults.empty()) return kUsage;
      const bool problem = std::any_of(checks.begin(), checks.end(), [](const Check& c) { return c.status == Check::Status::problem; });
      return problem ? kFailed : 0;
    };
  });
}

}  // namespace baton::agent::cli
