#include <baton/tools/http/http_client.h>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <limits>
#include <mutex>
#include <optional>
#include <string_view>

#include "sources.h"

namespace baton::agent {
namespace fs = std::filesystem;
namespace {

// A connection that breaks off is resumed as long as each one delivers something, but not without end.
constexpr int kMaxConnections = 20;
constexpr std::chrono::seconds kPauseBeforeRetry{1};
// Without a network the next source should be tried soon; every server of model files answers within this time.
constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::uint64_t kReportEvery = 1 << 20;

// "bytes FIRST-LAST/TOTAL" of a 206, or "bytes */TOTAL" of a 416.
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ContentRange> parse_content_range(const std::string* header) {
  if (!header || header->rfind("bytes ", 0) != 0) return std::nullopt;
  const std::string_view text = std::string_view(*header).substr(6);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange range;
  range.total = parse_number(text.substr(slash + 1));
  if (text.substr(0, slash) == "*") return range;
  const std::optional<std::uint64_t> first = parse_number(text.substr(0, text.find('-')));
  if (!first) return std::nullopt;
  range.first = *first;
  return range;
}

// If no sha256 is known, only the server can confirm that the rest belongs to the part we have: by its ETag, kept beside the part.
class StoredTag {
 public:
  explicit StoredTag(const PartFile& part) : file_(part.path().string() + kTagEnding) {}
  std::string read() const {
    std::string tag;
    std::getline(std::ifstream(file_), tag);
    return tag;
  }
  void write(const std::string* tag) const {
    const bool strong = tag && tag->rfind("W/", 0) != 0;
    std::ofstream(file_) << (strong ? *tag : "");
  }

 private:
  fs::path file_;
};

class UrlFetch {
 public:
  UrlFetch(const std::string& url, const PullJob& job) : url_(url), job_(job), tag_(job.part) {
    tools::HttpOptions options;
    options.ca_file = job.options.ca_file;
    options.connect_timeout = kConnectTimeout;
    http_ = tools::make_http_client(options);
  }

  Result<void> run() {
    if (Result<void> ready = prepare_part(); !ready) return ready;
    for (int connection = 1;; ++connection) {
      const std::uint64_t before = job_.part.size();
      if (is_complete()) break;
      Result<void> done = one_connection();
      if (done) break;
      const bool broke_off = done.error().code == errc::network && job_.part.size() > before;
      if (!broke_off || connection == kMaxConnections) return done;
      job_.say(fmt::format("{}; connecting again", done.error().message));
      if (!pause()) return Error{errc::cancelled, "cancelled"};
    }
    return {};
  }

 private:
  bool catalogued() const { return job_.model.bytes != 0; }
  bool is_complete() const { return catalogued() && job_.part.size() == job_.model.bytes; }

  Result<void> prepare_part() {
    const bool too_long = catalogued() && job_.part.size() > job_.model.bytes;
    const bool unknown = !catalogued() && job_.part.size() > 0 && tag_.read().empty();
    return too_long || unknown ? job_.part.truncate(0) : Result<void>();
  }

  Result<void> one_connection() {
    tools::HttpRequest request;
    request.url = url_;
    request.stop = job_.options.stop;
    request.max_body_bytes = std::numeric_limits<std::uint64_t>::max();
    if (job_.part.size() > 0) {
      request.headers.emplace_back("Range", fmt::format("bytes={}-", job_.part.size()));
      if (!catalogued()) request.headers.emplace_back("If-Range", tag_.read());
    }
    ours_.reset();
    request.on_head = [this](const tools::HttpHead& head) { return pass(on_head(head)); };
    request.on_body = [this](std::string_view bytes) { return pass(on_body(bytes)); };
    const tools::Result<tools::HttpResponse> response = http_->send(request);
    job_.report();
    if (ours_) return *ours_;
    if (response) return {};
    const bool cancelled = response.error().code == tools::errc::cancelled;
    return Error{cancelled ? errc::cancelled : errc::network, response.error().message};
  }

  // The client does not know our error codes: they are kept here while the errors pass through it.
  tools::Result<void> pass(const Result<void>& result) {
    if (result) return {};
    ours_ = result.error();
    return tools::Error{tools::errc::io, ours_->message};
  }

  Result<void> on_head(const tools::HttpHead& head) {
    std::optional<std::uint64_t> total;
    if (head.status == 206) {
      const std::optional<ContentRange> range = parse_content_range(tools::find_header(head.headers, "Content-Range"));
      if (!range || range->first != job_.part.size()) return restart("the server sent a range other than the one requested");
      total = range->total;
    } else if (head.status == 200) {
      if (job_.part.size() > 0) job_.say("the server cannot resume the download: starting over");
      if (Result<void> emptied = job_.part.truncate(0); !emptied) return emptied;
      total = head.content_length;
    } else if (head.status == 416) {
      return restart("the server has no such range of the file");
    } else {
      return Error{errc::network, fmt::format("HTTP status {}", head.status)};
    }
    if (catalogued() && total && *total != job_.model.bytes) {
      return Error{errc::verification, fmt::format("the server's file has {} bytes, the catalogue says {}", *total, job_.model.bytes)};
    }
    if (catalogued()) return {};
    tag_.write(tools::find_header(head.headers, "ETag"));
    total_ = total.value_or(0);
    return job_.require_space(total_ - std::min(total_, job_.part.size()));
  }

  Result<void> on_body(std::string_view bytes) {
    if (catalogued() && job_.part.size() + bytes.size() > job_.model.bytes) {
      return Error{errc::verification, fmt::format("the server sends more than the catalogue's {} bytes", job_.model.bytes)};
    }
    if (Result<void> appended = job_.part.append(bytes); !appended) return appended;
    if (job_.part.size() - reported_ >= kReportEvery || job_.part.size() < reported_) {
      reported_ = job_.part.size();
      job_.report(total_);
    }
    return {};
  }

  // Fails this source because of its bytes in the part; the part itself is emptied, so that the next try requests the whole file.
  Result<void> restart(const std::string& reason) {
    if (Result<void> emptied = job_.part.truncate(0); !emptied) return emptied;
    return Error{errc::verification, reason};
  }

  // Returns false if the pull was stopped meanwhile.
  bool pause() const {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    return !stopped.wait_for(lock, job_.options.stop, kPauseBeforeRetry, [&] { return job_.options.stop.stop_requested(); });
  }

  const std::string& url_;
  const PullJob& job_;
  StoredTag tag_;
  std::unique_ptr<tools::HttpClient> http_;
  std::optional<Error> ours_;
  std::uint64_t reported_ = 0;
  std::uint64_t total_ = 0;  // if the catalogue does not have it
};

}  // namespace

Result<void> fetch_url(const ModelSource& source, const PullJob& job) { return UrlFetch(source.url, job).run(); }

}  // namespace baton::agent
