#pragma once
// The pre-norm decoder of llama, qwen2 and most similar architectures: RMSNorm, attention with grouped queries (Ainslie et al. 2023) and
// rotary positions (Su et al. 2021), RMSNorm, SwiGLU (Shazeer 2020), each with a residual connection. Tied or untied output; biases if the
// file has them.
#include "architecture.h"

namespace baton::llm {

struct DecoderOptions {
  RopePairing rope_pairing;
};

Result<std::unique_ptr<Network>> build_decoder(const GgufFile& file, const Hparams& hparams, Backend& backend,
                                               const DecoderOptions& options);

}  // namespace baton::llm
