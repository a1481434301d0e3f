// baton bench engine: measures how fast this model runs on this machine. scripts/bench.sh engine compares it with a peer.
#include <baton/agent/model_loader.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include <baton/agent/terminal/print.h>
#include "cli.h"

#include <baton/llm/chat/types.h>
#include <baton/llm/tokenizer/tokenizer.h>

namespace baton::agent::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchArguments {
  int prefill = 512, decode = 128, repetitions = 3;
  bool json = false;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// One greedy run from an empty cache; returns (prefill, decode) in tokens a second.
std::pair<double, double> run_once(llm::Model& model, int n_prefill, int n_decode) {
  llm::Batch batch;
  auto& pages = batch.sequences.emplace_back().pages;
  for (int i = 0; i <= (n_prefill + n_decode) / model.page_tokens(); ++i) pages.push_back(i);
  // Any tokens will do: the time does not depend on them.
  const int n_vocab = model.hparams().n_vocab;
  auto start = Clock::now();
  for (int done = 0; done < n_prefill;) {
    const int n = std::min(model.max_batch(), n_prefill - done);
    batch.tokens.clear(), batch.positions.clear(), batch.logit_rows.clear();
    batch.sequence.assign(n, 0);
    for (int i = 0; i < n; ++i, ++done) {
      batch.tokens.push_back((done * 977 + 13) % n_vocab);
      batch.positions.push_back(done);
    }
    if (done == n_prefill) batch.logit_rows.push_back(n - 1);
    model.forward(batch);
  }
  llm::Sampler sampler({});
  const llm::SampleRow row{0, &sampler, nullptr};
  std::int32_t token = model.sample({&row, 1})[0].id;
  const double prefill_seconds = seconds_since(start);
  start = Clock::now();
  for (int i = 0; i < n_decode; ++i) {
    batch.tokens = {token}, batch.positions = {n_prefill + i}, batch.sequence = {0}, batch.logit_rows = {0};
    model.forward(batch);
    token = model.sample({&row, 1})[0].id;
  }
  return {n_prefill / prefill_seconds, n_decode / seconds_since(start)};
}

int bench(const Globals& globals, const BenchArguments& arguments) {
  const auto start = Clock::now();
  auto file = open_model_file(globals);
  if (!file) return fail(file.error().message);
  const auto tokenizer = llm::Tokenizer::from_gguf(**file);
  if (!tokenizer) return fail(tokenizer.error().message);
  auto loaded = load_model(globals, *file);
  if (!loaded) return fail(loaded.error().message);
  llm::Model& model = **loaded;
  const double ready = seconds_since(start);
  if (arguments.prefill + arguments.decode > model.n_ctx()) {
    return fail(fmt::format("{} + {} tokens do not fit the context of {}: choose fewer, or a larger --ctx", arguments.prefill,
                            arguments.decode, model.n_ctx()));
  }
  run_once(model, 32, 4);  // loads the weights into memory
  std::vector<double> prefill, decode;
  for (int i = 0; i < arguments.repetitions; ++i) {
    const auto [p, d] = run_once(model, arguments.prefill, arguments.decode);
    prefill.push_back(p);
    decode.push_back(d);
  }
  const std::size_t resident = resident_bytes();
  if (arguments.json) {
    const llm::Json out = {{"model", (*file)->path()},
                           {"backend", model.backend().description()},
                           {"prefill_tokens", arguments.prefill},
                           {"decode_tokens", arguments.decode},
                           {"prefill_tokens_per_s", median(prefill)},
                           {"decode_tokens_per_s", median(decode)},
                           {"ready_s", ready},
                           {"resident_bytes", resident},
                           {"file_bytes", (*file)->file_size()},
                           {"kv_bytes_per_token", model.backend().kv_bytes_per_token()}};
    print_json(out);
  } else {
    print("{}\n{}\n", (*file)->path(), model.backend().description());
    print("prefill {:5}   {:8.1f} tokens/s (median of {})\n", arguments.prefill, median(prefill), arguments.repetitions);
    print("decode  {:5}   {:8.1f} tokens/s\n", arguments.decode, median(decode));
    print("ready           {:8.2f} s\nresident        {:8.0f} MB\n", ready, static_cast<double>(resident) / 1e6);
  }
  return 0;
}

}  // namespace

void add_bench(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("bench", "Measure the speed of the engine");
  command->require_subcommand(1);
  auto* engine = command->add_subcommand("engine", "Measure prefill and decode speed, loading time and resident memory of --model");
  auto a = std::make_shared<BenchArguments>();
  engine->add_option("--prefill", a->prefill, "Prompt tokens")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  engine->add_option("--decode", a->decode, "Tokens to generate after them")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  engine->add_option("--repetitions", a->repetitions, "Number of runs, of which the median is reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  engine->add_flag("--json", a->json, "Print one JSON object");
  engine->callback([&globals, &chosen, a] { chosen = [&globals, a] { return bench(globals, *a); }; });
}

}  // namespace baton::agent::cli
