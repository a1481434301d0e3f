#pragma once
// The choice of a model, and the settings with which it runs.
#include <filesystem>
#include <optional>
#include <string>

namespace baton::agent {

struct ModelSettings {
  std::string model;         // a catalogue name or the path of a GGUF file; empty: the catalogue's default
  std::string cpu;           // kernels' level: scalar, avx2, avx512; empty: the best there is
  int threads = 0;           // 0: one for each physical core
  int n_ctx = 0;             // tokens; 0: the context for which the model was trained
  std::string rope_scaling;  // none, linear, yarn, dynamic; empty: the file's
  double rope_factor = 0;    // 0: the file's
  bool constrain = true;     // calls must fit their tools' schemas
  // Of a call; below it the model answers with text (llm/chat/chat.h). Empty: the catalogue's value for the model, or one half.
  std::optional<double> min_call_confidence;
  int max_parallel = 4;              // answers that are computed at the same time; the others wait
  int max_draft = 16;                // tokens forced by a grammar that are computed together; 0: one after the other
  std::filesystem::path models_dir;  // the folder of pulled models; empty: the one of `baton pull`
};

}  // namespace baton::agent
