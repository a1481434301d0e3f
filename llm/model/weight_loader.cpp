#include "weight_loader.h"

namespace baton::llm {

Weight WeightLoader::optional(const std::string& name, int n_out, int n_in) {
  return file_.find_tensor(name) ? required(name, n_out, n_in) : Weight{};
}

Weight WeightLoader::required(const std::string& name, int n_out, int n_in) {
  if (error_) return {};
  const Result<const GgufTensor*> tensor = file_.tensor(name);
  if (!tensor) {
    error_ = tensor.error();
    return {};
  }
  const auto& ne = (*tensor)->ne;
  if (ne[0] != static_cast<std::uint64_t>(n_in) || ne[1] != static_cast<std::uint64_t>(n_out) || ne[2] != 1 || ne[3] != 1) {
    error_ = Error{errc::invalid_file, file_.path() + ": tensor " + name + " is " + (*tensor)->shape_text() + ", the metadata calls for " +
                                           std::to_string(n_in) + " x " + std::to_string(n_out)};
    return {};
  }
  Result<Weight> weight = backend_.load(file_, **tensor);
  if (!weight) {
    error_ = weight.error();
    return {};
  }
  return *weight;
}

Linear WeightLoader::linear(const std::string& prefix, int n_out, int n_in) {
  Linear linear;
  linear.weight = required(prefix + ".weight", n_out, n_in);
  linear.bias = optional(prefix + ".bias", 1, n_out);
  return linear;
}

}  // namespace baton::llm
