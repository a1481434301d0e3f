// Llama (Touvron et al. 2023) and the many models published in its shape: Mistral, SmolLM2, ... Rotary pairs are adjacent: converters to
// GGUF permute the rows of Q and K for this.
#include <baton/llm/model/decoder.h>

namespace baton::llm {

extern const Architecture llama_architecture;
const Architecture llama_architecture = {
    "llama",
    [](const GgufFile& file, const Hparams& hparams, Backend& backend) {
      return build_decoder(file, hparams, backend, {.rope_pairing = RopePairing::adjacent});
    },
};

}  // namespace baton::llm
