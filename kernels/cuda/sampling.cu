// Chooses a token from each row of logits.
//
// Grid: (ceil(n_vocab / chunk), n_rows); a block has a warp for each 256 logits of its chunk, at most 16 warps: 128 blocks for 524,288
// logits. First every block reads its chunk once, adjusts it (bias, penalties), leaves it in scratch, and for each 256 the largest value
// and the sum of weights, of all and of those that the mask allows. The last block of a row to arrive then chooses: these figures alone
// give it the largest value, the log-sum and the parts to search; only parts that reach a threshold are read again, from L2. Reads 4 bytes
// a logit and writes 4, once; then, a time for each step of a search, the parts within reach of the largest logit.
#include <baton/kernels/cuda/device/arithmetic.h>
#include <baton/kernels/cuda/device/candidates.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/philox.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/sampling.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kMaxWarps = 16, kMaxThreads = 32 * kMaxWarps, kMaxChunk = kMaxWarps * kPartValues;
// A search starts with weights above exp(-8): most of the tokens that are ever kept are among them.
constexpr float kNear = 8.0f;

// Summary of 256 values. Sums are of exp(x - maximum), `sum` at sum_coldness(row); [1] is of the values that the mask allows, [0] of all.
struct PartSums {
  float raw_maximum, raw_sum[2];
  float maximum[2], sum[2];
};
constexpr int kPartFloats = sizeof(PartSums) / sizeof(float);

// A row's scratch: the adjusted values, then PartSums of each part.
__host__ __device__ constexpr std::size_t scratch_floats(int n_parts) {
  return static_cast<std::size_t>(n_parts) * (kPartValues + kPartFloats);
}
int parts_of(int n_vocab) { return (n_vocab + kPartValues - 1) / kPartValues; }

// 1 / temperature. Finite, so that the largest value keeps the weight 1.
__device__ __forceinline__ float coldness(const SamplingRow& row) { return fminf(1.0f / row.temperature, 0x1.fffffep127f); }

// The coldness of the weights in PartSums::sum: 1 if top-p takes its share of them, otherwise that of the draw, which uses them if no
// filter is on.
__device__ __forceinline__ float sum_coldness(const SamplingRow& row) {
  return row.top_p < 1.0f || !(row.temperature > 0.0f) ? 1.0f : coldness(row);
}

__device__ __forceinline__ float finite_or_zero(float maximum) { return maximum == kMinusInfinity ? 0.0f : maximum; }

// Bias and penalties on a chunk of logits in shared memory. The roundings are the CPU's: no multiply-add.
__device__ __forceinline__ void adjust(float* chunk, int first, const SamplingRow& row) {
  const int n_threads = static_cast<int>(blockDim.x), n_chunk = n_threads * kLaneValues;
  for (int i = static_cast<int>(threadIdx.x); i < row.n_biases; i += n_threads) {
    const TokenBias bias = row.biases[i];
    if (bias.id < first || bias.id >= first + n_chunk) continue;
    chunk[bias.id - first] = __fadd_rn(chunk[bias.id - first], bias.bias);
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < row.n_penalised; i += n_threads) {
    const TokenCount token = row.penalised[i];
    if (token.id < first || token.id >= first + n_chunk) continue;
    float& x = chunk[token.id - first];
    const float repeated = x > 0.0f ? x / row.repeat_penalty : __fmul_rn(x, row.repeat_penalty);
    const float subtracted = __fadd_rn(row.presence_penalty, __fmul_rn(row.frequency_penalty, static_cast<float>(token.count)));
    x = __fsub_rn(repeated, subtracted);
  }
  __syncthreads();
}

// A warp's part: adjusted values to scratch, and its sums.
__device__ __forceinline__ void prepare_part(const SampleParams& p, const SamplingRow& row, const float* logits, float* chunk, int part,
                                             float* adjusted, PartSums* sums) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  float raw[kLaneValues], value[kLaneValues];
  bool allowed[kLaneValues];
#pragma unroll
  for (int j = 0; j < kLaneValues; ++j) {
    const int id = part * kPartValues + j * 32 + lane;
    raw[j] = id < p.n_vocab ? logits[id] : kMinusInfinity;
    allowed[j] = id < p.n_vocab && (!row.mask || (row.mask[id / 32] >> (id % 32) & 1));
    value[j] = raw[j];
  }
  if (row.n_biases > 0 || row.n_penalised > 0) {  // the same for the whole block
    float* const own = chunk + warp * kPartValues + lane;
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) own[j * 32] = raw[j];
    __syncthreads();
    adjust(chunk, (part - warp) * kPartValues, row);
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) value[j] = own[j * 32];
  }
  if (part * kPartValues >= p.n_vocab) return;  // the last chunk may have parts beyond the row

  PartSums s = {kMinusInfinity, {0.0f, 0.0f}, {kMinusInfinity, kMinusInfinity}, {0.0f, 0.0f}};
#pragma unroll
  for (int j = 0; j < kLaneValues; ++j) {
    const int id = part * kPartValues + j * 32 + lane;
    if (isnan(value[j]) || id >= p.n_vocab) value[j] = kMinusInfinity;
    adjusted[id] = value[j];
    s.raw_maximum = fmaxf(s.raw_maximum, raw[j]);
    s.maximum[0] = fmaxf(s.maximum[0], value[j]);
    if (allowed[j]) s.maximum[1] = fmaxf(s.maximum[1], value[j]);
  }
  s.raw_maximum = warp_max(s.raw_maximum);
  s.maximum[0] = warp_max(s.maximum[0]);
  s.maximum[1] = warp_max(s.maximum[1]);
  const float cold = sum_coldness(row);
#pragma unroll
  for (int j = 0; j < kLaneValues; ++j) {
    const float raw_weight = expf(raw[j] - finite_or_zero(s.raw_maximum));
    s.raw_sum[0] += raw_weight;
    s.sum[0] += expf((value[j] - finite_or_zero(s.maximum[0])) * cold);
    if (!allowed[j]) continue;
    s.raw_sum[1] += raw_weight;
    s.sum[1] += expf((value[j] - finite_or_zero(s.maximum[1])) * cold);
  }
#pragma unroll
  for (int which = 0; which < 2; ++which) {
    s.raw_sum[which] = warp_sum(s.raw_sum[which]);
    s.sum[which] = warp_sum(s.sum[which]);
  }
  if (lane == 0) sums[part] = s;
}

// The set of kept tokens: keys above `key`, and of those equal to it the ids up to `last_id`.
struct Kept {
  unsigned key = kLowestKey + 1;
  int last_id = 0x7fffffff;
  __device__ __forceinline__ bool operator()(unsigned k, int id) const { return k > key || (k == key && id <= last_id); }
};

// The best tokens with a total of `target`, as count or mass; all that are not -infinity if there are fewer. `mass` becomes theirs, if
// known.
__device__ __forceinline__ Kept keep_best(const Candidates& candidates, unsigned lowest, bool by_mass, Mass target, Mass* mass) {
  const unsigned highest = key_of(candidates.peak), near = max(lowest, key_of(candidates.peak - kNear));
  Threshold end = candidates.search(near, highest, by_mass, target);
  if (!end.reached && near > lowest) end = candidates.search(lowest, highest, by_mass, target);
  Kept kept;
  kept.key = lowest;
  if (!end.reached) return kept;
  kept.key = end.key;
  *mass = end.mass;
  if (end.wanted == end.present) return kept;
  const auto equal = [key = end.key](unsigned k, int) { return k == key ? Mass{1} : Mass{0}; };
  candidates.fill(end.key, equal);
  kept.last_id = candidates.locate(end.wanted - 1, end.key, equal);
  return kept;
}

// floor(random / 2^64 * n)
__device__ __forceinline__ Mass below(Mass n, std::uint64_t random) {
  const Mass high = random >> 32, low = random & 0xffffffffu, n_high = n >> 32, n_low = n & 0xffffffffu;
  const Mass middle = high * n_low + (low * n_low >> 32), other = low * n_high + (middle & 0xffffffffu);
  return high * n_high + (middle >> 32) + (other >> 32);
}

__device__ __forceinline__ int choose(const Candidates& candidates, const SamplingRow& row, const PartSums* sums, int masked) {
  const unsigned highest = key_of(candidates.peak);
  if (highest == kLowestKey) return 0;  // no token is left
  if (!(row.temperature > 0.0f) || isinf(candidates.peak)) {
    const auto best = [highest](unsigned key, int) { return key == highest ? Mass{1} : Mass{0}; };
    candidates.fill(highest, best);
    return candidates.locate(0, highest, best);
  }
  SelectionMemory& memory = candidates.memory;
  __syncthreads();
  const float cold = sum_coldness(row);
  for (int part = static_cast<int>(threadIdx.x); part < candidates.n_parts; part += static_cast<int>(blockDim.x)) {
    const float share = expf((__ldcg(&sums[part].maximum[masked]) - candidates.peak) * cold);
    memory.mass[part] = static_cast<Mass>(__ldcg(&sums[part].sum[masked]) * share * 0x1p44f);
  }
  Mass mass = candidates.sum_groups();  // of all
  Kept kept;
  // No weight is more than 1, so beyond 1 only the best token stays.
  const int top_k = row.min_p > 1.0f ? 1 : row.top_k;
  if (top_k > 0) kept = keep_best(candidates, kept.key, false, static_cast<Mass>(top_k), &mass);
  if (row.top_p < 1.0f) {
    const double target = ceil(static_cast<double>(mass) * static_cast<double>(row.top_p));
    // The result ends at or above top-k's end, because less than its mass is wanted.
    kept = keep_best(candidates, kept.key, true, target >= 1.0 ? static_cast<Mass>(target) : 1, &mass);
  }
  const auto weight = [&](unsigned key, int id) {
    if (!kept(key, id) || expf(value_of(key) - candidates.peak) < fminf(row.min_p, 1.0f)) return Mass{0};
    return candidates.weight(key, coldness(row));
  };
  const bool all = top_k <= 0 && row.top_p >= 1.0f && row.min_p <= 0.0f;
  if (!all) mass = candidates.fill(kept.key, weight);
  const Philox4x32 random = philox4x32_10({{static_cast<std::uint32_t>(row.draw), static_cast<std::uint32_t>(row.draw >> 32), 0, 0}},
                                          static_cast<std::uint32_t>(row.seed), static_cast<std::uint32_t>(row.seed >> 32));
  const Mass target = below(mass, std::uint64_t{random.v[1]} << 32 | random.v[0]);
  return candidates.locate(target, kept.key, weight);
}

// The row.n_top best logits, in order.
__device__ __forceinline__ void list_top(const Candidates& candidates, const SamplingRow& row, double log_sum, TokenLogprob* top) {
  BATON_SHARED(keys, unsigned[kMaxTopLogprobs]);
  BATON_SHARED(ids, int[kMaxTopLogprobs]);
  BATON_SHARED(n_found, int);
  const int n_top = min(row.n_top, candidates.n), thread = static_cast<int>(threadIdx.x);
  Mass unused = 0;
  const Kept kept = keep_best(candidates, kLowestKey, false, static_cast<Mass>(n_top), &unused);
  if (thread == 0) n_found = 0;
  __syncthreads();
  for (int part = candidates.warp(); part < candidates.n_parts; part += candidates.n_warps()) {
    if (candidates.memory.top_key[part] < kept.key) continue;
    unsigned part_keys[kLaneValues];
    candidates.load_keys(part, part_keys);
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) {
      if (!kept(part_keys[j], candidates.id_of(part, j))) continue;
      const int at = atomicAdd(&n_found, 1);  // any order: they are ranked below
      keys[at] = part_keys[j];
      ids[at] = candidates.id_of(part, j);
    }
  }
  __syncthreads();
  if (thread >= n_top) return;
  int rank = 0;
  for (int i = 0; i < n_top; ++i) rank += keys[i] > keys[thread] || (keys[i] == keys[thread] && ids[i] < ids[thread]);
  top[rank] = {ids[thread], static_cast<float>(value_of(keys[thread]) - log_sum)};
}

__global__ void __launch_bounds__(kMaxThreads, 2) sample_kernel(SampleParams p, int n_parts) {
  BATON_SHARED(memory, SelectionMemory);
  // The chunk is adjusted in the memory of the later selection; both together would be too large.
  static_assert(sizeof(SelectionMemory) >= kMaxChunk * sizeof(float));
  auto* const chunk = reinterpret_cast<float*>(&memory);
  BATON_SHARED(max_slots, float[kMaxWarps]);
  BATON_SHARED(sum_slots, double[kMaxWarps]);
  BATON_SHARED(is_last, bool);
  const int thread = static_cast<int>(threadIdx.x), n_threads = static_cast<int>(blockDim.x);
  const SamplingRow& row = p.rows[blockIdx.y];  // read on use: in registers it would cost a block a multiprocessor
  const float* const logits = p.logits + std::size_t{blockIdx.y} * p.n_vocab;
  float* const adjusted = p.scratch + blockIdx.y * scratch_floats(n_parts);
  auto* const sums = reinterpret_cast<PartSums*>(adjusted + static_cast<std::size_t>(n_parts) * kPartValues);
  prepare_part(p, row, logits, chunk, static_cast<int>(blockIdx.x) * (n_threads / 32) + thread / 32, adjusted, sums);

  __threadfence();
  __syncthreads();
  if (thread == 0) is_last = atomicInc(&p.arrived[blockIdx.y], gridDim.x - 1) == gridDim.x - 1;  // starts again at 0 for the next call
  __syncthreads();
  if (!is_last) return;
  __threadfence();

  float raw_peak = kMinusInfinity;
  for (int i = thread; i < n_parts; i += n_threads) raw_peak = fmaxf(raw_peak, __ldcg(&sums[i].raw_maximum));
  raw_peak = block_max(raw_peak, max_slots);
  double total = 0, allowed = 0;
  for (int i = thread; i < n_parts; i += n_threads) {
    const double share = exp(static_cast<double>(__ldcg(&sums[i].raw_maximum)) - raw_peak);
    total += share * __ldcg(&sums[i].raw_sum[0]);
    allowed += share * __ldcg(&sums[i].raw_sum[1]);
  }
  total = block_sum(total, sum_slots);
  allowed = block_sum(allowed, sum_slots);
  const double log_sum = raw_peak + log(total);
  const float allowed_share = row.mask ? static_cast<float>(allowed / total) : 1.0f;
  const bool masked = row.mask && !(row.min_share >= 0.0f && allowed_share < row.min_share);

  float peak = kMinusInfinity;
  for (int i = thread; i < n_parts; i += n_threads) {
    const float maximum = __ldcg(&sums[i].maximum[masked]);
    memory.top_key[i] = key_of(maximum);
    peak = fmaxf(peak, maximum);
  }
  peak = block_max(peak, max_slots);
  const int token = choose({memory, adjusted, masked ? row.mask : nullptr, p.n_vocab, n_parts, peak}, row, sums, masked);
  if (thread == 0) {
    p.tokens[blockIdx.y] = token;
    p.reports[blockIdx.y] = {static_cast<float>(logits[token] - log_sum), allowed_share};
  }
  if (row.n_top <= 0) return;
  __syncthreads();
  for (int i = thread; i < n_parts; i += n_threads) memory.top_key[i] = key_of(__ldcg(&sums[i].raw_maximum));
  list_top({memory, logits, nullptr, p.n_vocab, n_parts, raw_peak}, row, log_sum, p.top + std::size_t{blockIdx.y} * kMaxTopLogprobs);
}

}  // namespace

std::size_t sample_scratch(int n_rows, int n_vocab) { return n_rows * scratch_floats(parts_of(n_vocab)); }

void sample(const SampleParams& p, Stream stream) {
  if (p.n_rows == 0) return;
  const int n_parts = parts_of(p.n_vocab), n_warps = n_parts < kMaxWarps ? n_parts : kMaxWarps;
  const dim3 grid(static_cast<unsigned>((n_parts + n_warps - 1) / n_warps), static_cast<unsigned>(p.n_rows));
  launch(sample_kernel, grid, dim3(static_cast<unsigned>(32 * n_warps)), 0, stream, p, n_parts);
}

}  // namespace baton::kernels::cuda
