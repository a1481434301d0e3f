#pragma once
// Which model, and how it is run.
#include <filesystem>
#include <optional>
#include <string>

namespace baton::agent {

struct ModelSettings {
  std::string model;         // a catalogue name or the path of a GGUF file; empty: the catalogue's default
  std::string cpu;           // kernels' level: scalar, avx2, avx512; empty: the best there is
  int threads = 0;           // 0: one for each physical core
  int n_ctx = 0;             // tokens; 0: what the model was trained for
  std::string rope_scaling;  // none, linear, yarn, dynamic; empty: as the file says
  double rope_factor = 0;    // 0: as the file says
  bool constrain = true;     // calls are written under their tools' schemas
  // Of a call; below it the model answers in words (llm/chat/chat.h). Empty: what the catalogue has for the model, or one half.
  std::optional<double> min_call_confidence;
  int max_parallel = 4;              // answers that are computed at once; the others wait
  int max_draft = 16;                // tokens that a grammar forces, computed at once; 0: one after the other
  std::filesystem::path models_dir;  // where pulled models lie
};

}  // namespace baton::agent
