#include "hparams.h"

#include <string>

namespace baton::llm {
namespace {

// Far above any published model, and far below a value whose product of two could overflow an int.
constexpr std::uint32_t kMaxDimension = 1u << 24;
constexpr std::uint32_t kMaxLayers = 1024;

class Reader {
 public:
  explicit Reader(const GgufFile& file) : file_(file), prefix_(std::string(file.architecture()) + ".") {}

  int positive(const char* key, std::uint32_t largest) { return check(key, file_.get_u32(prefix_ + key), largest); }
  int positive_or(const char* key, int otherwise, std::uint32_t largest) {
    return check(key, file_.get_u32_or(prefix_ + key, static_cast<std::uint32_t>(otherwise)), largest);
  }
  float f32(const char* key) {
    const Result<float> value = file_.get_f32(prefix_ + key);
    if (value) return *value;
    fail(value.error());
    return 0;
  }
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  void fail(const std::string& message) { fail(Error{errc::invalid_file, file_.path() + ": " + message}); }
  const std::optional<Error>& error() const { return error_; }

 private:
  int check(const char* key, const Result<std::uint32_t>& value, std::uint32_t largest) {
    if (!value) {
      fail(value.error());
    } else if (*value == 0 || *value > largest) {
      fail(prefix_ + key + " is " + std::to_string(*value) + ", must be 1 to " + std::to_string(largest));
    } else {
      return static_cast<int>(*value);
    }
    return 1;  // keeps later divisions harmless; the error is returned at the end
  }

  const GgufFile& file_;
  std::string prefix_;
  std::optional<Error> error_;
};

}  // namespace

Result<Hparams> read_hparams(const GgufFile& file) {
  Hparams h;
  h.architecture = file.architecture();
  if (const auto name = file.get_string_or("general.name", "")) h.name = *name;
  Reader read(file);
  h.n_ctx_train = read.positive("context_length", 1u << 27);
  h.n_embd = read.positive("embedding_length", kMaxDimension);
  h.n_layer = read.positive("block_count", kMaxLayers);
  h.n_ff = read.positive("feed_forward_length", kMaxDimension);
  h.n_head = read.positive("attention.head_count", 4096);
  h.n_head_kv = read.positive_or("attention.head_count_kv", h.n_head, 4096);
  h.head_dim = read.positive_or("attention.key_length", std::max(1, h.n_embd / h.n_head), 4096);
  h.n_rot = read.positive_or("rope.dimension_count", h.head_dim, 4096);
  h.rms_epsilon = read.f32("attention.layer_norm_rms_epsilon");

  const GgufTensor* embedding = file.find_tensor("token_embd.weight");
  if (!embedding) {
    read.fail("tensor token_embd.weight is missing: a vocabulary-only or incomplete file cannot be run");
  } else {
    h.n_vocab = static_cast<int>(std::min<std::uint64_t>(embedding->ne[1], kMaxDimension));
  }
  if (h.n_head % h.n_head_kv != 0) {
    read.fail("attention.head_count " + std::to_string(h.n_head) + " is not a multiple of attention.head_count_kv " +
              std::to_string(h.n_head_kv));
  }
  if (h.n_rot % 2 != 0 || h.n_rot > h.head_dim) {
    read.fail("rope.dimension_count is " + std::to_string(h.n_rot) + ", must be even and at most the head's " + std::to_string(h.head_dim));
  }
  if (!(h.rms_epsilon >= 0 && h.rms_epsilon < 1)) read.fail("attention.layer_norm_rms_epsilon must be in [0, 1)");
  if (read.error()) return *read.error();
  return h;
}

}  // namespace baton::llm
