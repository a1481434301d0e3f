// Lets the oracle scripts ask the kernels:
//   kernels_probe dequantize TYPE_ID < rows > f32     whole blocks in, little-endian floats out
//   kernels_probe rope < cases.json > answers.json    a list of {kind, n_rot, base, .., positions} in; {inverse_frequency,
//                                                     attention_factor, cos, sin} of each out
#include <baton/kernels/dequantize.h>
#include <baton/kernels/rope_tables.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "rope_case.h"

namespace {

using namespace baton::kernels;

int dequantize(const std::string& id) {
  const auto type = static_cast<TensorType>(std::stoul(id));
  const BlockShape block = block_shape(type);
  if (block.elements == 0) {
    std::cerr << "no tensor type " << id << "\n";
    return 1;
  }
  const std::string rows{std::istreambuf_iterator<char>(std::cin), {}};
  std::vector<float> out(rows.size() / block.bytes * block.elements);
  cpu::dequantize_row(type, reinterpret_cast<const std::byte*>(rows.data()), out.size(), out.data());
  return std::fwrite(out.data(), sizeof(float), out.size(), stdout) == out.size() ? 0 : 1;
}

int rope() {
  nlohmann::json answers = nlohmann::json::array();
  for (const auto& c : nlohmann::json::parse(std::cin)) {
    const RopeFrequencies f = rope_frequencies(rope_params(c));
    const auto positions = c.at("positions").get<std::vector<std::int32_t>>();
    std::vector<float> cos(positions.size() * f.inverse_frequency.size()), sin(cos.size());
    rope_cos_sin(f, positions.data(), static_cast<int>(positions.size()), cos.data(), sin.data());
    answers.push_back({{"inverse_frequency", f.inverse_frequency}, {"attention_factor", f.attention_factor}, {"cos", cos}, {"sin", sin}});
  }
  std::cout << answers << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "dequantize" && argc == 3) return dequantize(argv[2]);
    if (what == "rope" && argc == 2) return rope();
  } catch (const std::exception& error) {
    std::cerr << "kernels_probe " << what << ": " << error.what() << "\n";
    return 1;
  }
  std::cerr << "usage: kernels_probe dequantize TYPE_ID | rope\n";
  return 2;
}
