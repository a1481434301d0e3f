#pragma once
// A self-signed certificate and its key, generated as PEM files, which are removed with the object.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace baton::tests {

class TestCertificate {
 public:
  explicit TestCertificate(const std::string& names = "DNS:localhost,IP:127.0.0.1", bool expired = false) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), expired ? -3600 : 3600);
    X509_set_pubkey(cert, key);
    X509_NAME* name = X509_get_subject_name(cert);
    static std::atomic<int> n{0};  // a name for each, so that in a file of several the right one is found
    const std::string id = std::to_string(::getpid()) + "-" + std::to_string(n++);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(id.c_str()), -1, -1, 0);
    X509_set_issuer_name(cert, name);
    for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, names}, {NID_basic_constraints, std::string("CA:TRUE")}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
      X509_add_ext(cert, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(cert, key, EVP_sha256());
    const std::string stem = (std::filesystem::temp_directory_path() / ("baton-test-" + id)).string();
    certificate_file_ = stem + "-cert.pem";
    key_file_ = stem + "-key.pem";
    write(certificate_file_, [&](FILE* file) { PEM_write_X509(file, cert); });
    write(key_file_, [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  ~TestCertificate() {
    std::error_code ignored;
    std::filesystem::remove(certificate_file_, ignored);
    std::filesystem::remove(key_file_, ignored);
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  const std::string& certificate_file() const { return certificate_file_; }  // also the client's trusted certificate
  const std::string& key_file() const { return key_file_; }

 private:
  template <class Writer>
  static void write(const std::string& path, Writer writer) {
    FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) throw std::runtime_error("cannot write " + path);
    writer(file);
    std::fclose(file);
  }

  std::string certificate_file_, key_file_;
};

}  // namespace baton::tests
