#pragma once
// The ggml tensor types as files number them: name and block geometry (ggml-common.h). Knowing a type's geometry does not mean having
// kernels for it: the model's backend decides which types can be computed.
#include <cstdint>
#include <span>
#include <string_view>

namespace baton::llm {

struct TensorType {
  std::uint32_t id;
  std::string_view name;
  std::uint32_t block_elements;  // a row is a whole number of blocks
  std::uint32_t block_bytes;
};

// Null for an id that this build does not know, and for the ids that ggml has withdrawn.
const TensorType* find_tensor_type(std::uint32_t id);

std::span<const TensorType> all_tensor_types();

}  // namespace baton::llm
