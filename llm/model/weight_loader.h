#pragma once
// Takes named tensors from a file, checks their shapes, and keeps the first error, so that an architecture can list its weights without a
// test after each line.
#include <optional>
#include <string>

#include "backend.h"

namespace baton::llm {

class WeightLoader {
 public:
  WeightLoader(const GgufFile& file, Backend& backend) : file_(file), backend_(backend) {}

  Weight required(const std::string& name, int n_out, int n_in);
  Weight optional(const std::string& name, int n_out, int n_in);  // absent: a Weight with id -1
  // "PREFIX.weight", and "PREFIX.bias" if it exists.
  Linear linear(const std::string& prefix, int n_out, int n_in);

  const std::optional<Error>& error() const { return error_; }

 private:
  const GgufFile& file_;
  Backend& backend_;
  std::optional<Error> error_;
};

}  // namespace baton::llm
