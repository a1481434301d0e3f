#pragma once
// The two kinds of sources of a model's bytes: both append to a part file, continuing after its bytes.
#include <baton/agent/models/pull.h>

#include "part_file.h"

namespace baton::agent {

// One pull in progress: the state that its parts share.
struct PullJob {
  const CatalogueModel& model;
  const PullOptions& options;
  PartFile& part;

  void say(const std::string& message) const;  // with the current figures
  void report(std::uint64_t total = 0) const;  // the figures only; `total` if the catalogue has none
  // errc::no_space, with both figures, if the disk cannot take `bytes` more.
  Result<void> require_space(std::uint64_t bytes) const;
};

// Notes of a source beside the part, under its path and these endings; pull() removes both when the model is complete.
inline constexpr const char* kTagEnding = ".etag";
inline constexpr const char* kLedgerEnding = ".wheels";

// errc::network: the source did not deliver the file. Other codes (no_space, io, cancelled) are not the source's fault.
Result<void> fetch_url(const ModelSource& source, const PullJob& job);
Result<void> fetch_wheels(const ModelSource& source, const PullJob& job);

}  // namespace baton::agent
