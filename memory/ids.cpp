#include <atomic>
#include <chrono>
#include <random>

#include "journal.h"

namespace baton::memory {
namespace {

constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford's base 32: no i, l, o, u to misread; in ASCII order

// Microseconds since 1970; never twice the same within this process, so that its ids sort by the time of their making.
std::uint64_t unique_microseconds() {
  static std::atomic<std::uint64_t> last{0};
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto now = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count());
  std::uint64_t before = last.load();
  std::uint64_t mine;
  do {
    mine = now > before ? now : before + 1;
  } while (!last.compare_exchange_weak(before, mine));
  return mine;
}

}  // namespace

std::string new_id(const std::string& prefix) {
  constexpr int kTimeDigits = 11;    // 55 bits of microseconds: until the year 3111
  constexpr int kRandomDigits = 13;  // 65 bits
  std::string id = prefix;
  const std::uint64_t time = unique_microseconds();
  for (int i = kTimeDigits - 1; i >= 0; --i) id += kDigits[time >> (5 * i) & 31];
  thread_local std::random_device random;  // opened once
  std::uint32_t bits = 0;
  for (int i = 0; i < kRandomDigits; ++i) {
    bits = i % 6 == 0 ? random() : bits >> 5;
    id += kDigits[bits & 31];
  }
  return id;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace baton::memory
