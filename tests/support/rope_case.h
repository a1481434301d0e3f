#pragma once
// The parameters of a RoPE case of tests/golden/rope.json.
#include <baton/kernels/rope_tables.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace baton::kernels {

inline RopeScalingParams rope_params(const nlohmann::json& c) {
  using Kind = RopeScalingParams::Kind;
  RopeScalingParams p;
  const std::string kind = c.at("kind");
  if (kind == "none")
    p.kind = Kind::none;
  else if (kind == "linear")
    p.kind = Kind::linear;
  else if (kind == "dynamic")
    p.kind = Kind::dynamic_ntk;
  else if (kind == "yarn")
    p.kind = Kind::yarn;
  else if (kind == "llama3")
    p.kind = Kind::llama3;
  else if (kind == "longrope")
    p.kind = Kind::longrope;
  else
    throw std::runtime_error("no RoPE scheme " + kind);
  p.n_rot = c.at("n_rot");
  p.base = c.at("base");
  p.factor = c.value("factor", 1.0);
  p.n_ctx_original = c.value("n_ctx_original", 0.0);
  p.n_ctx = c.value("n_ctx", 0.0);
  p.beta_fast = c.value("beta_fast", p.beta_fast);
  p.beta_slow = c.value("beta_slow", p.beta_slow);
  p.low_freq_factor = c.value("low_freq_factor", p.low_freq_factor);
  p.high_freq_factor = c.value("high_freq_factor", p.high_freq_factor);
  p.divisors = c.value("divisors", std::vector<float>{});
  p.attention_factor = c.value("attention_factor_given", 0.0);
  return p;
}

}  // namespace baton::kernels
