// Qwen2 and Qwen2.5 (Yang et al. 2024): biases on Q, K and V; rotary pairs are the two halves of a head.
#include <baton/llm/model/decoder.h>

namespace baton::llm {

extern const Architecture qwen2_architecture;
const Architecture qwen2_architecture = {
    "qwen2",
    [](const GgufFile& file, const Hparams& hparams, Backend& backend) {
      return build_decoder(file, hparams, backend, {.rope_pairing = RopePairing::halves});
    },
};

}  // namespace baton::llm
