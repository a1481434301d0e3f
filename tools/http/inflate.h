#pragma once
// Decodes the content codings gzip and deflate (RFC 9110, 8.4.1) piece by piece.
#include <baton/tools/error.h>

#include <functional>
#include <memory>
#include <string_view>

namespace baton::tools {

// Not thread-safe.
class Inflater {
 public:
  using Take = std::function<Result<void>(std::string_view bytes)>;

  // `coding`: the value of a Content-Encoding, in any case. Null: neither gzip, x-gzip nor deflate.
  static std::unique_ptr<Inflater> of_coding(std::string_view coding);
  virtual ~Inflater() = default;

  // Passes the decoded `bytes` to `take`, in pieces of at most 64 KiB, so that the caller can bound the total: 1 byte may decode to 1,000.
  // An error from `take` is returned. errc::invalid_argument: the bytes are not in this coding; nothing may be written after that.
  virtual Result<void> write(std::string_view bytes, const Take& take) = 0;
  // Called at the end of the input: errc::invalid_argument if the coded data is incomplete.
  virtual Result<void> finish() const = 0;
};

}  // namespace baton::tools
