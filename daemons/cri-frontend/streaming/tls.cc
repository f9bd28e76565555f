#include "daemons/cri-frontend/streaming/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/log.h"
#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Pem = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeX509>;

[[noreturn]] void bad(const std::string& path, const char* why) {
  ERR_clear_error();
  throw std::runtime_error(path + ": " + why);
}

// At most limits::tlsFile bytes of a regular file.
std::string contentsOf(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) throwErrno(path);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) throwErrno(path);
  if (!S_ISREG(about.st_mode)) bad(path, "not a file");
  std::string bytes(limits::tlsFile + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    ssize_t n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0) throwErrno(path);
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  if (size > limits::tlsFile) bad(path, "too large");
  bytes.resize(size);
  return bytes;
}

Pem pemOf(const std::string& bytes) {
  Pem pem(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (!pem) throw std::bad_alloc();
  return pem;
}

// Nobody is there to type it.
int noPassphrase(char*, int, int, void*) {
  return 0;
}

Certificate nextOf(const Pem& pem) {
  return Certificate(PEM_read_bio_X509(pem.get(), nullptr, noPassphrase, nullptr));
}

void useCertificate(SSL_CTX& context, const std::string& path) {
  std::string bytes = contentsOf(path);
  Pem pem = pemOf(bytes);
  Certificate own = nextOf(pem);
  if (!own || SSL_CTX_use_certificate(&context, own.get()) != 1) bad(path, "no certificate");
  while (Certificate further = nextOf(pem)) {
    if (SSL_CTX_add1_chain_cert(&context, further.get()) != 1)
      bad(path, "a certificate behind the first is no good");
  }
  ERR_clear_error();  // the end of the file was one
}

void useKey(SSL_CTX& context, const std::string& path) {
  std::string bytes = contentsOf(path);
  std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(pemOf(bytes).get(), nullptr, noPassphrase, nullptr));
  if (!key) bad(path, "no key, or one with a passphrase");
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1 || SSL_CTX_check_private_key(&context) != 1)
    bad(path, "not the certificate's key");
}

void demandClientsOf(SSL_CTX& context, const std::string& path) {
  std::string bytes = contentsOf(path);
  Pem pem = pemOf(bytes);
  int found = 0;
  for (; Certificate ca = nextOf(pem); ++found) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), ca.get()) != 1 ||
        SSL_CTX_add_client_CA(&context, ca.get()) != 1)
      bad(path, "a certificate in it is no good");
  }
  if (found == 0) bad(path, "no certificate");
  ERR_clear_error();
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_verify_depth(&context, limits::tlsChain);
}

}  // namespace

TlsSession::TlsSession(SSL_CTX& context) : ssl_(SSL_new(&context)) {
  if (!ssl_) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

void TlsSession::on(int socket) {
  if (SSL_set_fd(ssl_.get(), socket) != 1) throw std::bad_alloc();
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  int result = SSL_do_handshake(ssl_.get());
  isUp_ = result == 1;
  if (isUp_) return Step::done;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::whenReadable;
    case SSL_ERROR_WANT_WRITE:
      return Step::whenWritable;
    default:
      return Step::failed;
  }
}

// A record at a time until there is no more, or no room. What came before an end or a failure is kept: the
// next call meets that again.
ssize_t TlsSession::receive(char* buffer, size_t size) {
  size_t done = 0;
  while (isUp_ && done < size) {
    ERR_clear_error();
    size_t n = 0;
    int result = SSL_read_ex(ssl_.get(), buffer + done, size - done, &n);
    if (result == 1) {
      done += n;
      continue;
    }
    int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) return static_cast<ssize_t>(done);
    if (error == SSL_ERROR_WANT_READ) {
      if (done > 0) break;
      errno = EAGAIN;
      return -1;
    }
    isUp_ = false;  // to wait for room to write is none of TLS 1.3's, without tickets
  }
  if (done > 0) return static_cast<ssize_t>(done);
  errno = ECONNRESET;
  return -1;
}

ssize_t TlsSession::transmit(const char* bytes, size_t size) {
  ERR_clear_error();
  size_t n = 0;
  int result = isUp_ ? SSL_write_ex(ssl_.get(), bytes, size, &n) : 0;
  if (result == 1) return static_cast<ssize_t>(n);
  bool waits = isUp_ && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  isUp_ = waits;
  errno = waits ? EAGAIN : ECONNRESET;
  return -1;
}

void TlsSession::endWriting() {
  ERR_clear_error();
  if (isUp_) (void)SSL_shutdown(ssl_.get());
}

Tls::Tls(Files files) : files_(std::move(files)), seen_(stamps()), context_(load()) {}

TlsSession Tls::accept() {
  if (auto now = stamps(); now != seen_) {
    seen_ = now;  // before they are read: what changes meanwhile is another change
    try {
      context_ = load();
      log::info("streaming: new certificates are in use");
    } catch (const std::runtime_error& error) {
      log::warning("streaming: new certificates are no good, the old ones stay", {{"reason", error.what()}});
    }
  }
  return TlsSession(*context_);
}

bool Tls::Stamp::operator==(const Stamp& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

Tls::Stamp Tls::stampOf(const std::string& path) {
  struct stat about {};
  if (path.empty() || ::stat(path.c_str(), &about) != 0) return {};
  return {about.st_dev, about.st_ino, about.st_size, about.st_ctim};
}

Tls::Stamps Tls::stamps() const {
  return {stampOf(files_.certificate), stampOf(files_.key), stampOf(files_.clientCa)};
}

Tls::Context Tls::load() const {
  (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  // Nothing is kept of a connection, so a client's certificate is judged for each.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context.get(), limits::tlsCertificates);
  useCertificate(*context, files_.certificate);
  useKey(*context, files_.key);
  if (!files_.clientCa.empty()) demandClientsOf(*context, files_.clientCa);
  return context;
}

}  // namespace bulkhead::streaming
