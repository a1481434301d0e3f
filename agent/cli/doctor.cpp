// baton doctor: what this machine has, and what Baton will use of it.
#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>
#include <baton/kernels/cpu.h>
#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli.h"

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

Json report(const Globals& globals) {
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
  return out;
}

void print(const Json& r) {
  const auto gigabytes = [](const Json& bytes) { return bytes.get<double>() / 1e9; };
  fmt::print("baton {}\n", r["version"].get<std::string>());
  fmt::print("cpu      {} cores; {}\n", r["cpu"]["physical_cores"].get<int>(), r["cpu"]["features"].get<std::string>());
  fmt::print("         uses level {} on {} threads\n", r["cpu"]["level"].get<std::string>(), r["cpu"]["threads"].get<int>());
  fmt::print("gpu      {}\n", r["gpu"]["note"].get<std::string>());
  fmt::print("memory   {:.1f} GB, {:.1f} GB free\n", gigabytes(r["memory"]["total_bytes"]), gigabytes(r["memory"]["available_bytes"]));
  fmt::print("models   {}\n", r["models_dir"].get<std::string>());
  for (const Json& model : r["models"]) fmt::print("         {}\n", model.get<std::string>());
  if (r["models"].empty()) fmt::print("         none\n");
  const Json& model = r["model"];
  fmt::print("default  {}{}\n", model["name"].get<std::string>(),
             model["found"].get<bool>() ? "" : ": " + model["note"].get<std::string>());
  fmt::print("journal  {}{}\n", r["journal"]["path"].get<std::string>(), r["journal"]["exists"].get<bool>() ? "" : " (not there yet)");
  fmt::print("config   {}{}\n", r["config"]["path"].get<std::string>(), r["config"]["exists"].get<bool>() ? "" : " (not there)");
}

}  // namespace

void add_doctor(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("doctor", "What this machine has, and what Baton will use of it");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As one JSON object");
  command->callback([&globals, &chosen, json] {
    chosen = [&globals, json] {
      const Json out = report(globals);
      if (*json)
        fmt::print("{}\n", out.dump(2));
      else
        print(out);
      return 0;
    };
  });
}

}  // namespace baton::agent::cli
