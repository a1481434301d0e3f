#pragma once
// Threads for what may wait for the disk or reads a request's body. Clients take turns, and large bodies never take all the threads: what
// one client sends holds up the next request of another for the length of one small job.
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace baton::agent::server {

constexpr std::size_t kLargeBody = 64 * 1024;  // bytes; beyond it reading takes long enough for others to notice

// Any thread.
class Work {
 public:
  using Job = std::function<void()>;
  enum class Size { small, large };

  // `threads_for_large` of the threads look for large jobs first; the others never take one. `most`: jobs of either size that wait.
  Work(int threads, int threads_for_large, std::size_t most);
  ~Work();  // stop() and join()
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // False: too much waits already, or it was stopped. A client's jobs begin in their order.
  bool add(const std::string& client, Size size, Job job);
  // The continuation of something that was let in: begins before what was added, and is not refused.
  void post(Job job);

  void stop();  // what waits is dropped; what is under way ends by itself
  void join();
  std::size_t waiting() const;

 private:
  // Jobs by client; each client's turn comes once a round.
  class Turns {
   public:
    void add(const std::string& client, Job job);
    Job next();
    std::size_t size() const { return size_; }

   private:
    std::map<std::string, std::deque<Job>> jobs_;
    std::deque<std::string> order_;
    std::size_t size_ = 0;
  };
  void run(bool takes_large);
  Job next(bool takes_large);  // with the mutex held; null: nothing for this thread

  const std::size_t most_;
  mutable std::mutex mutex_;  // guards all below but the threads
  std::condition_variable changed_;
  std::deque<Job> posted_;
  Turns small_, large_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace baton::agent::server
