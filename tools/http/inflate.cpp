#include "inflate.h"

#include <baton/tools/text.h>
#include <zlib.h>

#include <array>
#include <string>
#include <utility>

namespace baton::tools {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr int kGzip = MAX_WBITS + 16, kZlib = MAX_WBITS, kRaw = -MAX_WBITS;  // inflateInit2's codes for them

// The first two bytes of a zlib stream (RFC 1950): the method is deflate, and together they are a multiple of 31.
bool is_zlib_header(unsigned char first, unsigned char second) { return (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0; }

class ZlibInflater final : public Inflater {
 public:
  explicit ZlibInflater(bool gzip) : gzip_(gzip) {}
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;
  ~ZlibInflater() override {
    if (begun_) inflateEnd(&stream_);
  }

  Result<void> write(std::string_view bytes, const Take& take) override {
    if (begun_) return inflate_all(bytes, take);
    first_ += bytes;
    if (first_.size() < 2) return {};
    // "deflate" means the zlib format, but some servers send the bare stream.
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(first_[i]); };
    const int format = gzip_ ? kGzip : is_zlib_header(byte(0), byte(1)) ? kZlib : kRaw;
    if (inflateInit2(&stream_, format) != Z_OK) return Error{errc::too_large, "there is not enough memory to decompress"};
    begun_ = true;
    const std::string first = std::exchange(first_, {});
    return inflate_all(first, take);
  }

  Result<void> finish() const override {
    if (ended_) return {};
    return Error{errc::invalid_argument, std::string("the ") + name() + " data ends before its end"};
  }

 private:
  const char* name() const { return gzip_ ? "gzip" : "deflate"; }

  Result<void> inflate_all(std::string_view bytes, const Take& take) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      if (ended_ && stream_.avail_in == 0) return {};
      if (ended_) {  // another gzip member follows (RFC 1952, 2.2)
        if (!gzip_) return Error{errc::invalid_argument, "there are bytes after the end of the deflate data"};
        if (inflateReset(&stream_) != Z_OK) return Error{errc::io, "zlib cannot be reset"};
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
      stream_.avail_out = static_cast<uInt>(piece_.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_MEM_ERROR) return Error{errc::too_large, "there is not enough memory to decompress"};
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return Error{errc::invalid_argument,
                     std::string("this is not ") + name() + " data" + (stream_.msg ? std::string(": ") + stream_.msg : std::string())};
      }
      ended_ = status == Z_STREAM_END;
      const std::size_t size = piece_.size() - stream_.avail_out;
      if (size == 0) continue;
      if (Result<void> taken = take({piece_.data(), size}); !taken) return taken;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return {};
  }

  const bool gzip_;
  bool begun_ = false, ended_ = false;
  std::string first_;  // until the format is known
  z_stream stream_{};
  std::array<char, kPiece> piece_;
};

}  // namespace

std::unique_ptr<Inflater> Inflater::of_coding(std::string_view coding) {
  const std::string name = ascii_lower(coding);
  if (name == "gzip" || name == "x-gzip") return std::make_unique<ZlibInflater>(true);
  if (name == "deflate") return std::make_unique<ZlibInflater>(false);
  return nullptr;
}

}  // namespace baton::tools
