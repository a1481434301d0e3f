#pragma once
#include <baton/llm/tokenizer/tokenizer.h>

#include <memory>
#include <stdexcept>

#include "tiny_vocabulary.h"

namespace baton::llm {

// A tokenizer with the file that it refers to.
class LoadedTokenizer {
 public:
  explicit LoadedTokenizer(const test::GgufWriter& writer)
      : bytes_(writer.bytes()),
        file_(GgufFile::from_memory(std::as_bytes(std::span(bytes_)), "tiny.gguf").value()),
        tokenizer_(Tokenizer::from_gguf(file_).value()) {}
  explicit LoadedTokenizer(const std::filesystem::path& path)
      : file_(GgufFile::open(path).value()), tokenizer_(Tokenizer::from_gguf(file_).value()) {}
  LoadedTokenizer(const LoadedTokenizer&) = delete;
  LoadedTokenizer& operator=(const LoadedTokenizer&) = delete;

  const Tokenizer* operator->() const { return &tokenizer_; }
  const Tokenizer& operator*() const { return tokenizer_; }

 private:
  std::vector<std::uint8_t> bytes_;
  GgufFile file_;
  Tokenizer tokenizer_;
};

}  // namespace baton::llm
