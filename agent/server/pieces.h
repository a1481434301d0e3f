#pragma once
// The queue of a body that comes in pieces. Any thread puts, the I/O thread writes.
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace baton::agent::server {

struct Piece {
  std::shared_ptr<const std::string> text;
  bool last = false;
};

class Pieces {
 public:
  enum class Put { taken, closed, too_much };
  // Closes itself if more than `most` bytes wait.
  Put put(Piece piece, std::size_t most) {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Put::closed;
    bytes_ += piece.text->size();
    pieces_.push_back(std::move(piece));
    closed_ = bytes_ > most;
    return closed_ ? Put::too_much : Put::taken;
  }
  // The next piece, which is being written until written(); nothing if one is being written already, or none waits.
  std::optional<Piece> next() {
    const std::scoped_lock lock(mutex_);
    if (writing_ || pieces_.empty()) return std::nullopt;
    writing_ = true;
    return pieces_.front();
  }
  void written() {
    const std::scoped_lock lock(mutex_);
    writing_ = false;
    bytes_ -= pieces_.front().text->size();
    pieces_.pop_front();
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }

 private:
  std::mutex mutex_;  // guards all below
  std::deque<Piece> pieces_;
  std::size_t bytes_ = 0;
  bool writing_ = false, closed_ = false;
};

}  // namespace baton::agent::server
