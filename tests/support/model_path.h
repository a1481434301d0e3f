#pragma once
// The places of the catalogue's models on this machine, for tests that skip without them.
#include <cstdlib>
#include <filesystem>
#include <string>

namespace baton::test {

inline std::filesystem::path model_path(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path base = cache && *cache ? std::filesystem::path(cache) : std::filesystem::path(home ? home : "") / ".cache";
  return base / "baton" / "models" / (name + ".gguf");
}

}  // namespace baton::test

#define BATON_SKIP_WITHOUT_MODEL(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << (path).string() << " is not there: baton pull " << (path).stem().string()
