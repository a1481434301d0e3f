#include "work.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace baton::agent::server {

void Work::Turns::add(const std::string& client, Job job) {
  std::deque<Job>& own = jobs_[client];
  if (own.empty()) order_.push_back(client);
  own.push_back(std::move(job));
  ++size_;
}

Work::Job Work::Turns::next() {
  if (order_.empty()) return nullptr;
  std::string client = std::move(order_.front());
  order_.pop_front();
  const auto at = jobs_.find(client);
  Job job = std::move(at->second.front());
  at->second.pop_front();
  --size_;
  if (at->second.empty()) {
    jobs_.erase(at);
  } else {
    order_.push_back(std::move(client));
  }
  return job;
}

Work::Work(int threads, int threads_for_large, std::size_t most) : most_(most) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, large = i < threads_for_large] { run(large); });
}

Work::~Work() {
  stop();
  join();
}

bool Work::add(const std::string& client, Size size, Job job) {
  {
    const std::scoped_lock lock(mutex_);
    Turns& turns = size == Size::large ? large_ : small_;
    if (stopped_ || turns.size() >= most_) return false;
    turns.add(client, std::move(job));
  }
  changed_.notify_all();  // the thread that wakes first may be one that cannot take it
  return true;
}

void Work::post(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    posted_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Work::stop() {
  std::deque<Job> posted;
  Turns small, large;  // dropped without the lock: a job owns other objects
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    posted.swap(posted_);
    std::swap(small, small_);
    std::swap(large, large_);
  }
  changed_.notify_all();
}

void Work::join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t Work::waiting() const {
  const std::scoped_lock lock(mutex_);
  return posted_.size() + small_.size() + large_.size();
}

Work::Job Work::next(bool takes_large) {
  if (!posted_.empty()) {
    Job job = std::move(posted_.front());
    posted_.pop_front();
    return job;
  }
  if (Job job = takes_large ? large_.next() : nullptr) return job;
  return small_.next();
}

void Work::run(bool takes_large) {
  std::unique_lock lock(mutex_);
  while (true) {
    Job job = next(takes_large);
    if (!job) {
      if (stopped_) return;
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    try {
      job();
    } catch (const std::exception& e) {  // a bug of ours: it must not end the daemon
      spdlog::error("a job of the server failed: {}", e.what());
    }
    job = nullptr;
    lock.lock();
  }
}

}  // namespace baton::agent::server
