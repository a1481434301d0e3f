#pragma once
// Threads for work that may wait for the disk or reads a request's body. Clients take turns, and large bodies never take all the threads:
// one client's work delays the next request of another by at most one small job.
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace baton::agent::server {

constexpr std::size_t kLargeBody = 64 * 1024;  // bytes; beyond it reading takes long enough to delay others noticeably

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

  // Returns false if too much waits already, or it was stopped. A client's jobs begin in their order.
  bool add(const std::string& client, Size size, Job job);
  // The continuation of an admitted job: begins before the added ones, and is not refused.
  void post(Job job);

  void stop();  // waiting jobs are dropped; running jobs end by themselves
  void join();
  std::size_t waiting() const;

 private:
  // Jobs by client; each client has one turn in each round.
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
  Job next(bool takes_large);  // with the mutex held; null: no job for this thread

  const std::size_t most_;
  mutable std::mutex mutex_;  // guards all below except the threads
  std::condition_variable changed_;
  std::deque<Job> posted_;
  Turns small_, large_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace baton::agent::server
