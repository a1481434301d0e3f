#include "request_log.h"

#include <spdlog/spdlog.h>

namespace baton::agent::api {

std::string visible(std::string_view text, std::size_t most, bool spaces) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= (spaces ? 0x20 : 0x21) && byte < 0x7f && c != '\\') {
      out += c;
    } else {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  if (text.size() > most) out += "...";
  return out;
}

void log_answered(const AnsweredRequest& r) {
  const double milliseconds = static_cast<double>(r.time.count()) / 1000;
  spdlog::info("request {} {} status={} ms={:.1f} bytes={} client={} id={}{}", visible(r.method, 20, false), visible(r.path, 200, false),
               r.status, milliseconds, r.bytes, r.client, r.id, r.left ? " left" : "");
  if (r.status >= 500 && r.status != 503)
    spdlog::error("request {} {} failed with {}, id={}: {}", visible(r.method, 20, false), visible(r.path, 200, false), r.status, r.id,
                  r.failure.empty() ? "see its answer" : visible(r.failure, 1000));
}

bool RefusalLog::allow(std::chrono::steady_clock::time_point now, std::int64_t& left_out) {
  const std::scoped_lock lock(mutex_);
  left_out = 0;
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    written_ = 0;
    left_out = std::exchange(left_out_, 0);
  }
  if (written_ >= most_) {
    ++left_out_;
    return false;
  }
  ++written_;
  return true;
}

void RefusalLog::refused(Refusal why, const std::string& client, const std::string& id, const std::string& detail) {
  std::int64_t left_out = 0;
  if (!allow(std::chrono::steady_clock::now(), left_out)) return;
  if (left_out > 0) spdlog::warn("{} more refusals were not logged", left_out);
  spdlog::warn("refused reason={} client={} id={}: {}", name_of(why), client, id.empty() ? "-" : id, visible(detail));
}

std::vector<std::string> IgnoredLog::untold(const std::string& client, const std::vector<std::string>& paths) {
  const std::scoped_lock lock(mutex_);
  if (told_.size() >= kMostClients && !told_.contains(client)) told_.clear();
  std::set<std::string>& told = told_[client];
  std::vector<std::string> fresh;
  for (const std::string& path : paths) {
    if (told.size() < kMostFields && told.insert(path).second) fresh.push_back(path);
  }
  return fresh;
}

void IgnoredLog::tell(const std::string& client, const protocol::Notes& notes) {
  if (notes.ignored().empty()) return;
  const auto joined = [](const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
    return visible(all, 1000);
  };
  const std::vector<std::string> fresh = untold(client, notes.kinds());
  if (fresh.empty()) return;
  const std::vector<std::string> hints = notes.hints();
  spdlog::info("without effect client={}: {}{}", client, joined(fresh), hints.empty() ? "" : " (" + joined(hints) + ")");
}

}  // namespace baton::agent::api
