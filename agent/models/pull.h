#pragma once
// Downloads a model's file, and finds the files that are present.
//
// A file under its final name is complete and checked: it is written as NAME.gguf.part, hashed, compared with the catalogue's sha256,
// synced and then renamed. An interrupted pull leaves the part and the next one continues from it. If two pulls of one model run at the
// same time, the second waits for the first and then finds its file.
#include <baton/agent/error.h>
#include <baton/agent/models/catalogue.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace baton::agent {

struct PullProgress {
  std::uint64_t done = 0;   // bytes that are on disk
  std::uint64_t total = 0;  // 0: not known yet
  // A sentence for people when something changed (which source is tried, why one was left, ...); empty if only the figures changed.
  std::string message;
};

struct PullOptions {
  std::filesystem::path models_dir;                   // created when missing
  std::function<void(const PullProgress&)> progress;  // called on the pulling thread; may be empty
  std::stop_token stop;                               // ends the pull with errc::cancelled; the part stays
  std::string ca_file;                                // further trusted certificates (PEM), beside the system's; empty: none
  std::string python = "python3";                     // runs pip for the wheels sources
  std::vector<std::string> pip_arguments;             // further arguments of `pip download`, e.g. an index of one's own
  std::function<std::uint64_t(const std::filesystem::path&)> free_space;  // bytes free in a folder; empty: asks the file system
};

// Pulls `what`: a catalogue name, hf:OWNER/REPO/FILE.gguf, or an https URL of a .gguf file. Returns the file's path at once if it exists
// already. Blocks; call it on a thread of your own. Errors: invalid_argument (cannot be parsed), not_found (no catalogue entry), no_space
// (with both figures), network (no source delivered it: the message has the error of each), verification (with both sums; the file is
// removed), io, cancelled.
Result<std::filesystem::path> pull(std::string_view what, const PullOptions& options);

// As pull(), for an entry that need not be in the embedded catalogue.
Result<std::filesystem::path> pull_model(const CatalogueModel& model, const PullOptions& options);

// The file of `model`: a path to a file as it is, or a name under models_dir (with or without .gguf). errc::not_found gives the remedy,
// which for a catalogue model is `baton pull NAME`.
Result<std::filesystem::path> resolve_model(std::string_view model, const std::filesystem::path& models_dir);

// The *.gguf files under models_dir, sorted by name. A folder that does not exist has none.
std::vector<std::filesystem::path> local_models(const std::filesystem::path& models_dir);

// $XDG_CACHE_HOME/baton/models, or ~/.cache/baton/models where the first is empty. The arguments are the values of the two variables.
std::filesystem::path default_models_dir(std::string_view xdg_cache_home, std::string_view home);
// The same with the values of this process's environment.
std::filesystem::path default_models_dir();

}  // namespace baton::agent
