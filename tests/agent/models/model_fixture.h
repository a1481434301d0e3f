#pragma once
// A small stand-in for a model: bytes with their true sha256, and the messages of a pull of it.
#include <baton/agent/models/pull.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace baton::agent {

inline std::string sha256_of(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

inline std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    options_.models_dir = folder_.path() / "models";
    options_.progress = [this](const PullProgress& progress) {
      done_.push_back(progress.done);
      if (!progress.message.empty()) messages_.push_back(progress.message);
    };
  }

  CatalogueModel model_of(const std::string& bytes, ModelSource source) const {
    CatalogueModel model;
    model.name = "m";
    model.bytes = bytes.size();
    model.sha256 = sha256_of(bytes);
    model.sources.push_back(std::move(source));
    return model;
  }

  // The names of the files in the models folder.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.models_dir)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryFolder folder_;
  PullOptions options_;
  std::vector<std::string> messages_;
  std::vector<std::uint64_t> done_;
};

}  // namespace baton::agent
