#include "part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

namespace baton::agent {
namespace fs = std::filesystem;
namespace {

Error io_error(const char* doing, const fs::path& path) {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT;
  return {full ? errc::no_space : errc::io, fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(reason))};
}

}  // namespace

struct PartFile::Hash {
  Hash() : context(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~Hash() { EVP_MD_CTX_free(context); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  void update(std::string_view bytes) { EVP_DigestUpdate(context, bytes.data(), bytes.size()); }

  EVP_MD_CTX* context;
};

PartFile::PartFile(fs::path target, int fd)
    : target_(std::move(target)), part_(target_.string() + ".part"), fd_(fd), hash_(std::make_unique<Hash>()) {}

PartFile::~PartFile() { ::close(fd_); }  // and releases the lock

Result<std::unique_ptr<PartFile>> PartFile::open(const fs::path& target, const std::stop_token& stop,
                                                 const std::function<void()>& waiting) {
  const fs::path part = target.string() + ".part";
  bool said = false;
  while (true) {
    const int fd = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return io_error("write", part);
    std::unique_ptr<PartFile> file(new PartFile(target, fd));
    while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return io_error("lock", part);
      if (stop.stop_requested()) return Error{errc::cancelled, "cancelled while another process was pulling the same model"};
      if (!said && waiting) waiting();
      said = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::error_code ignored;
    if (fs::exists(target, ignored)) {
      file->remove();
      return std::unique_ptr<PartFile>();
    }
    // The previous holder of the lock may have renamed or removed the file that we opened; then the name is another file's now, or unused.
    struct stat ours {};
    struct stat named {};
    if (::fstat(fd, &ours) != 0 || ::stat(part.c_str(), &named) != 0 || ours.st_ino != named.st_ino || ours.st_dev != named.st_dev)
      continue;
    if (Result<void> hashed = file->hash_existing(stop); !hashed) return hashed.error();
    return file;
  }
}

Result<void> PartFile::hash_existing(const std::stop_token& stop) {
  hash_ = std::make_unique<Hash>();
  size_ = 0;
  std::vector<char> buffer(1 << 20);
  while (true) {
    const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(size_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", part_);
    if (got == 0) return {};
    if (stop.stop_requested()) return Error{errc::cancelled, "cancelled"};
    hash_->update({buffer.data(), static_cast<std::size_t>(got)});
    size_ += static_cast<std::uint64_t>(got);
  }
}

Result<void> PartFile::append(std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + written, bytes.size() - written, static_cast<off_t>(size_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("write", part_);
    written += static_cast<std::size_t>(n);
  }
  hash_->update(bytes);
  size_ += bytes.size();
  return {};
}

Result<void> PartFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return io_error("shorten", part_);
  return hash_existing({});
}

std::string PartFile::sha256() const {
  Hash copy;  // the running hash continues
  EVP_MD_CTX_copy_ex(copy.context, hash_->context);
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(copy.context, digest.data(), nullptr);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

Result<fs::path> PartFile::finish() {
  // A write that failed half-way may have left bytes after the valid ones.
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return io_error("shorten", part_);
  if (::fsync(fd_) != 0) return io_error("sync", part_);
  if (::rename(part_.c_str(), target_.c_str()) != 0) return io_error("rename", part_);
  return target_;
}

void PartFile::remove() { ::unlink(part_.c_str()); }

}  // namespace baton::agent
