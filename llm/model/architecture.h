#pragma once
// One architecture is one file in llm/model/architectures/: it defines `const Architecture NAME` (found by the build through the file's
// name, see llm/CMakeLists.txt) and builds a Network over the Backend seam.
#include <baton/llm/error.h>

#include <memory>
#include <span>
#include <string_view>

#include "backend.h"
#include "hparams.h"

namespace baton::llm {

// The weights of one model, ready for computation. Used by one thread.
class Network {
 public:
  virtual ~Network() = default;
  // Computes the batch, appends its keys and values to its pages, and returns the logits of its logit_rows: (n_rows, n_vocab).
  virtual Tensor forward(Backend& backend, const Batch& batch) = 0;
};

struct Architecture {
  std::string_view name;  // general.architecture of the files it reads
  Result<std::unique_ptr<Network>> (*build)(const GgufFile& file, const Hparams& hparams, Backend& backend);
};

std::span<const Architecture* const> architectures();

}  // namespace baton::llm
