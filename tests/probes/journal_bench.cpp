// The journal's throughput per second, beside that of its disk: the same number of bytes written to a plain file with as many fdatasync.
// Prints one JSON line a round, and one for the cost of a streamed token.
//
//   journal_bench FOLDER ROUNDS SECONDS TOKENS_PER_SECOND
//
// FOLDER: on the disk to be measured. SECONDS: of each measurement. TOKENS_PER_SECOND: how fast a model streams.
#include <baton/memory/journal.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

std::atomic<std::int64_t> n_syncs{0}, n_bytes{0}, sync_ns{0};

int timed_sync(long call, int descriptor) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = static_cast<int>(syscall(call, descriptor));
  ++n_syncs;
  sync_ns += (std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace

// SQLite's own calls come here first: the program's symbols precede those of the C library.
extern "C" int fdatasync(int descriptor) { return timed_sync(SYS_fdatasync, descriptor); }
extern "C" int fsync(int descriptor) { return timed_sync(SYS_fsync, descriptor); }
extern "C" ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  n_bytes += static_cast<std::int64_t>(size);
  return syscall(SYS_pwrite64, descriptor, data, size, offset);
}

namespace {

using namespace baton::memory;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "journal_bench: %s\n", what.c_str());
  std::exit(1);
}

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Rate {
  double per_second = 0;
  double per_sync = 0;        // commits that shared one sync
  double bytes_per_sync = 0;  // written for it
  double sync_share = 0;      // of the time
};

// Runs `work` in so many threads until the time is over; it returns the number of its commits, or throws the journal's error.
template <class Work>
Rate measure(int threads, double seconds, Work work) {
  n_syncs = n_bytes = sync_ns = 0;
  std::atomic<std::int64_t> done{0};
  const auto start = Clock::now();
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      while (since(start) < seconds) done += work(t);
    });
  for (std::thread& thread : running) thread.join();
  const double syncs = static_cast<double>(std::max<std::int64_t>(n_syncs, 1));
  const double took = since(start);
  return {static_cast<double>(done) / took, static_cast<double>(done) / syncs, static_cast<double>(n_bytes) / syncs,
          static_cast<double>(sync_ns) * 1e-9 / took};
}

// Syncs a second of a plain file: `bytes` over the existing ones, then fdatasync.
double floor_syncs(const std::string& folder, double bytes, double seconds) {
  constexpr std::size_t kFile = 8 << 20;
  const std::string path = folder + "/floor";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail(path + " cannot be written");
  const std::size_t size = std::min(kFile, static_cast<std::size_t>(bytes));
  const std::string data(kFile, 'x');
  if (pwrite64(file, data.data(), kFile, 0) != static_cast<ssize_t>(kFile) || fsync(file) != 0) fail(path + " cannot be written");
  std::int64_t syncs = 0;
  std::size_t at = 0;
  const auto start = Clock::now();
  for (; since(start) < seconds; ++syncs) {
    if (at + size > kFile) at = 0;
    if (pwrite64(file, data.data(), size, static_cast<off64_t>(at)) != static_cast<ssize_t>(size) || fdatasync(file) != 0)
      fail(path + " cannot be written");
    at += size;
  }
  const double rate = static_cast<double>(syncs) / since(start);
  close(file);
  return rate;
}

Event event_of(const std::string& response, const char* type) {
  return {response, 0, type, {{"type", type}, {"item_id", "item_00000000000000000000000"}, {"delta", " token"}, {"output_index", 0}}};
}

// An item and its event: a commit of a run that must survive power loss.
Batch item_batch(int thread) {
  const std::string text =
      "The result of the search is that walruses live in the Arctic and eat clams, mostly, and other things in spring.";
  Item item;
  item.id = new_id("item_");
  item.conversation_id = "conv_" + std::to_string(thread);
  item.response_id = "resp_" + std::to_string(thread);
  item.content = {{"id", item.id}, {"type", "message"}, {"content", {{{"type", "output_text"}, {"text", text}}}}};
  item.text = text;
  const std::string response = item.response_id;
  return Batch().add(std::move(item)).add(event_of(response, "response.output_item.done"));
}

int commit_item(Journal& journal, int thread) {
  if (const auto done = journal.commit_and_wait(item_batch(thread), Durability::power); !done) fail(done.error().message);
  return 1;
}

// Events that are not merged, as many as the queue accepts.
int commit_events(Journal& journal, int thread) {
  constexpr int kMany = 64;
  for (int i = 0; i < kMany; ++i)
    journal.commit(Batch().add(event_of("resp_" + std::to_string(thread), "response.bench")), Durability::process, [](const auto& done) {
      if (!done) fail(done.error().message);
    });
  return kMany;
}

void print(const char* what, const Rate& rate, double floor) {
  const Json line = {{"what", what},
                     {"per_second", rate.per_second},
                     {"floor_per_second", floor},
                     {"per_sync", rate.per_sync},
                     {"bytes_per_sync", rate.bytes_per_sync},
                     {"sync_share", rate.sync_share}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

// CPU time of caller and writer for one delta, at the pace of a model.
double cpu_of_a_token(Journal& journal, double tokens_per_second, double seconds) {
  const auto pause = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / tokens_per_second));
  const int n = std::max(50, static_cast<int>(seconds * tokens_per_second));
  const double before = cpu_seconds();
  auto next = Clock::now();
  for (int i = 0; i < n; ++i) {
    std::this_thread::sleep_until(next += pause);
    journal.commit(Batch().add(event_of("resp_0", "response.output_text.delta")), Durability::process, [](const auto& done) {
      if (!done) fail(done.error().message);
    });
  }
  if (!journal.commit_and_wait(Batch(), Durability::process)) fail("the last commit");
  return (cpu_seconds() - before) / n;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail("journal_bench FOLDER ROUNDS SECONDS TOKENS_PER_SECOND");
  const std::string folder = argv[1];
  const int rounds = std::atoi(argv[2]);
  const double seconds = std::atof(argv[3]), tokens_per_second = std::atof(argv[4]);
  auto opened = Journal::open(folder + "/journal.db");
  if (!opened) fail(opened.error().message);
  Journal& journal = **opened;
  constexpr int kThreads = 16;
  for (int t = 0; t < kThreads; ++t) {
    Conversation conversation;
    conversation.id = "conv_" + std::to_string(t);
    Response response;
    response.id = "resp_" + std::to_string(t);
    response.conversation_id = conversation.id;
    response.status = "in_progress";
    if (!journal.commit_and_wait(Batch().put(conversation).put(response), Durability::power)) fail("the first commit");
  }
  for (int round = 0; round < rounds; ++round) {
    const Rate one = measure(1, seconds, [&](int t) { return commit_item(journal, t); });
    print("one", one, floor_syncs(folder, one.bytes_per_sync, seconds) * one.per_sync);
    const Rate group = measure(kThreads, seconds, [&](int t) { return commit_item(journal, t); });
    print("group", group, floor_syncs(folder, group.bytes_per_sync, seconds) * group.per_sync);
    Rate events = measure(1, seconds, [&](int t) { return commit_events(journal, t); });
    if (!journal.commit_and_wait(Batch(), Durability::process)) fail("the last commit");
    print("events", events, floor_syncs(folder, events.bytes_per_sync / events.per_sync, seconds));
    const Json line = {{"what", "token"}, {"cpu_seconds", cpu_of_a_token(journal, tokens_per_second, seconds)}};
    std::printf("%s\n", line.dump().c_str());
  }
  return 0;
}
