#pragma once
// The content codings gzip and deflate (RFC 9110, 8.4.1), undone piece by piece.
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

  // Gives what `bytes` hold to `take`, in pieces of at most 64 KiB, so that the caller can bound the whole: 1 byte may hold 1,000. An
  // error of take's is returned. errc::invalid_argument: not what the coding says; nothing may be written after that.
  virtual Result<void> write(std::string_view bytes, const Take& take) = 0;
  // The end has come: errc::invalid_argument when it is missing.
  virtual Result<void> finish() const = 0;
};

}  // namespace baton::tools
